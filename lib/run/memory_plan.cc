#include "run/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "flow/memory.h"
#include "nic/device.h"
#include "run/engine.h"

namespace mayfly::run {
namespace {

std::string in_mib(std::size_t bytes) {
  constexpr double kMiB = 1024.0 * 1024.0;
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kMiB);
}

// The values of /proc/meminfo, in bytes.
std::map<std::string, std::size_t> read_meminfo() {
  std::map<std::string, std::size_t> values;
  std::ifstream file("/proc/meminfo");
  std::string name, rest;
  std::size_t value = 0;
  while (file >> name >> value && std::getline(file, rest))
    values[name] = rest.find("kB") != std::string::npos ? value * 1024 : value;
  return values;
}

std::size_t bytes_of(std::span<const MemoryPlan> plans) {
  std::size_t bytes = 0;
  for (const MemoryPlan& plan : plans) bytes += plan.bytes;
  return bytes;
}

}  // namespace

MemoryPlan plan_memory(const shard::EndSettings& end, const nic::ProcessSettings& process,
                       const std::string& role, std::size_t extra_bytes) {
  flow::ShardSizes sizes = end.sizes();
  sizes.ipv6 = std::ranges::any_of(
      process.ports, [](const nic::PortSettings& port) { return !port.addresses6.empty(); });
  const std::size_t cores = end.cores.size();
  MemoryPlan plan;
  const auto line = [&](const std::string& what, std::string sum, std::size_t bytes) {
    plan.lines.push_back({role + " " + what, std::move(sum), bytes});
    plan.bytes += bytes;
  };
  for (const flow::MemoryItem& item : memory_plan(sizes)) {
    line(item.what, fmt::format("{} x {} x {} B", cores, item.count, item.bytes_each),
         cores * item.bytes);
  }
  if (extra_bytes > 0)
    line("app", fmt::format("{} x {} B", cores, extra_bytes), cores * extra_bytes);
  plan.eal_bytes = cores * flow::FlowTable::bytes_needed(sizes.connections, sizes.ipv6);
  nic::DeviceOptions options;
  options.cores = static_cast<std::uint32_t>(cores);
  for (const nic::PortSettings& port : process.ports) {
    const std::size_t bytes = port_memory(port, options);
    line("packet buffers", port.device.substr(0, port.device.find(',')), bytes);
    plan.eal_bytes += bytes;
  }
  return plan;
}

FreeMemory free_memory() {
  auto values = read_meminfo();
  return {values["MemAvailable:"], values["HugePages_Free:"] * values["Hugepagesize:"]};
}

std::string memory_table(std::span<const MemoryPlan> plans) {
  std::string text = "memory\n";
  const auto line = [&](const std::string& what, const std::string& sum, std::size_t bytes) {
    text += fmt::format("  {:<26} {:>28} {:>12}", what, sum, in_mib(bytes));
  };
  for (const MemoryPlan& plan : plans) {
    for (const auto& [what, sum, bytes] : plan.lines) {
      line(what, sum, bytes);
      text += '\n';
    }
  }
  line("all", "", bytes_of(plans));
  return text;
}

Result<void> check_memory(std::span<const MemoryPlan> plans, const FreeMemory& free) {
  const std::size_t bytes = bytes_of(plans);
  if (bytes <= free.all()) return {};
  return Error{
      fmt::format("this configuration needs {}, but only {} are free ({} available and "
                  "{} in free hugepages): lower connections.capacity or "
                  "time_wait.capacity, or use fewer cores",
                  in_mib(bytes), in_mib(free.all()), in_mib(free.ordinary), in_mib(free.huge)),
      ErrorKind::usage};
}

}  // namespace mayfly::run
