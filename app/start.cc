#include "start.h"

#include <fmt/format.h>

#include <fstream>
#include <map>

#include "commands.h"
#include "engine.h"
#include "shard/shard_memory.h"
#include "signals.h"
#include "wire/print.h"

namespace mayfly {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

std::string in_mib(std::size_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kMiB);
}

// The kernel's own account, in bytes.
std::map<std::string, std::size_t> read_meminfo() {
  std::map<std::string, std::size_t> values;
  std::ifstream file("/proc/meminfo");
  std::string name, rest;
  std::size_t value = 0;
  while (file >> name >> value && std::getline(file, rest))
    values[name] = rest.find("kB") != std::string::npos ? value * 1024 : value;
  return values;
}

struct FreeMemory {
  std::size_t ordinary = 0, huge = 0;  // bytes
};
FreeMemory read_free_memory() {
  auto values = read_meminfo();
  return {values["MemAvailable:"], values["HugePages_Free:"] * values["Hugepagesize:"]};
}

DeviceOptions device_options(const CommonSettings& settings) {
  DeviceOptions options;
  options.cores = static_cast<std::uint32_t>(settings.cores.size());
  options.on_wait = [told = std::string()](const std::string& waiting_for) mutable {
    if (waiting_for != told) fmt::print("waiting for {}\n", told = waiting_for);
    std::fflush(stdout);
    return stops_asked() == 0;
  };
  return options;
}

/// Empty when `bytes` can be had now; else the arithmetic and what to change.
std::string why_not_enough_memory(std::size_t bytes) {
  const auto [ordinary, huge] = read_free_memory();
  if (bytes <= ordinary + huge) return {};
  return fmt::format(
      "this configuration needs {}, but only {} can be had ({} available and {} in free "
      "hugepages): lower "
      "connections.capacity or time_wait.capacity, or use fewer cores",
      in_mib(bytes), in_mib(ordinary + huge), in_mib(ordinary), in_mib(huge));
}

}  // namespace

MemoryPlan plan_memory(const CommonSettings& settings, const std::string& role,
                       std::size_t extra_bytes) {
  const ShardSizes sizes = shard_sizes(settings);
  const std::size_t cores = settings.cores.size();
  MemoryPlan plan;
  const auto line = [&](const std::string& what, const std::string& sum, std::size_t bytes) {
    plan.text += fmt::format("  {:<26} {:>28} {:>12}\n", role + " " + what, sum, in_mib(bytes));
    plan.bytes += bytes;
  };
  for (const MemoryItem& item : ShardMemory::plan(sizes)) {
    line(item.what, fmt::format("{} x {} x {} B", cores, item.count, item.bytes_each),
         cores * item.bytes);
  }
  if (extra_bytes > 0)
    line("app", fmt::format("{} x {} B", cores, extra_bytes), cores * extra_bytes);
  plan.eal_bytes = cores * FlowTable::bytes_needed(sizes.connections);
  const DeviceOptions options = device_options(settings);
  for (const PortSettings& port : settings.ports) {
    const std::size_t bytes = port_memory(port, options);
    line("packet buffers", port.device.substr(0, port.device.find(',')), bytes);
    plan.eal_bytes += bytes;
  }
  return plan;
}

std::size_t free_memory() {
  const auto [ordinary, huge] = read_free_memory();
  return ordinary + huge;
}

std::string print_memory(std::span<const MemoryPlan> plans) {
  std::size_t bytes = 0;
  fmt::print("memory\n");
  for (const MemoryPlan& plan : plans) {
    fmt::print("{}", plan.text);
    bytes += plan.bytes;
  }
  fmt::print("  {:<26} {:>28} {:>12}\n", "all", "", in_mib(bytes));
  return why_not_enough_memory(bytes);
}

std::optional<Eal> start_process(std::span<const MemoryPlan> plans, const CommonSettings& settings,
                                 const std::vector<std::uint32_t>& cores, int& status) {
  if (const std::string why = print_memory(plans); !why.empty()) {
    fmt::print(stderr, "mayfly: {}\n", why);
    status = kBadUsage;
    return std::nullopt;
  }
  std::size_t eal_bytes = 0;
  for (const MemoryPlan& plan : plans) eal_bytes += plan.eal_bytes;
  EalOptions options;
  options.hugepages = settings.hugepages;
  options.cores = cores;
  options.file_prefix = settings.file_prefix;
  options.memory_mb =
      (eal_bytes + eal_bytes / 4) / (1024 * 1024) + 64;  // with the heap's own overhead
  for (const PortSettings& port : settings.ports) options.expect(port);
  auto eal = start_eal(options);
  if (!eal) {
    fmt::print(stderr, "mayfly: {}\n", eal.error().what);
    status = kRunFailed;
    return std::nullopt;
  }
  fmt::print("{}\n", eal->memory_words());
  return std::move(*eal);
}

std::optional<std::vector<Device>> open_devices(const CommonSettings& settings) {
  std::vector<Device> devices;
  for (const PortSettings& port : settings.ports) {
    auto device = Device::open(port, device_options(settings));
    if (!device) {
      fmt::print(stderr, "mayfly: {}\n", device.error().what);
      return std::nullopt;
    }
    fmt::print("{}\n", device->describe());
    devices.push_back(std::move(*device));
  }
  return devices;
}

std::string listens_in_words(const ServeSettings& settings) {
  std::string words;
  for (const ListenSettings& listen : settings.listen) {
    const char* service = listen.service == ServiceKind::http   ? "http"
                          : listen.service == ServiceKind::echo ? "echo"
                                                                : "discard";
    words += fmt::format("{}port {} {}", words.empty() ? "" : ", ", listen.port, service);
  }
  return words;
}

std::string addresses_in_words(const CommonSettings& settings) {
  std::string words;
  for (const PortSettings& port : settings.ports) {
    for (const InterfaceAddress& address : port.addresses) {
      words += words.empty() ? "" : ", ";
      words += to_string(address.first);
      if (address.last != address.first) words += "-" + to_string(address.last);
      words += fmt::format("/{}", address.prefix_length);
    }
  }
  return words;
}

}  // namespace mayfly
