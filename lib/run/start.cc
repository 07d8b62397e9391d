#include "run/start.h"

namespace mayfly::run {
namespace {

nic::DeviceOptions device_options(std::size_t cores, const StartProgress& progress) {
  nic::DeviceOptions options;
  options.cores = static_cast<std::uint32_t>(cores);
  options.on_wait = progress.on_wait;
  return options;
}

nic::EalOptions eal_options(std::span<const MemoryPlan> plans, const nic::ProcessSettings& process,
                            const std::vector<std::uint32_t>& cores) {
  std::size_t eal_bytes = 0;
  for (const MemoryPlan& plan : plans) eal_bytes += plan.eal_bytes;
  nic::EalOptions options;
  options.hugepages = process.hugepages;
  options.cores = cores;
  options.file_prefix = process.file_prefix;
  options.telemetry = process.telemetry;
  options.memory_mb =
      (eal_bytes + eal_bytes / 4) / (1024 * 1024) + 64;  // with the overhead of the heap
  for (const nic::PortSettings& port : process.ports) options.expect(port);
  return options;
}

}  // namespace

Result<nic::Eal> start_process(std::span<const MemoryPlan> plans,
                               const nic::ProcessSettings& process,
                               const std::vector<std::uint32_t>& cores,
                               const StartProgress& progress) {
  progress.on_plan(memory_table(plans));
  if (const auto fits = check_memory(plans, free_memory()); !fits) return fits.error();
  auto eal = start_eal(eal_options(plans, process, cores));
  if (eal) progress.on_step(eal->memory_words());
  return eal;
}

Result<std::vector<nic::Device>> open_devices(const nic::ProcessSettings& process,
                                              std::size_t cores, const StartProgress& progress) {
  std::vector<nic::Device> devices;
  for (const nic::PortSettings& port : process.ports) {
    auto device = nic::Device::open(port, device_options(cores, progress));
    if (!device) return device.error();
    progress.on_step(device->describe());
    devices.push_back(std::move(*device));
  }
  return devices;
}

}  // namespace mayfly::run
