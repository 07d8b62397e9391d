#include "run/device_engine.h"

#include <span>
#include <string_view>

#include "base/siphash.h"

namespace mayfly::run {
namespace {

using Captures = std::vector<std::shared_ptr<wire::PcapFile>>;

/// One for each port, shared by its cores; null without a capture.
Result<Captures> open_captures(const std::vector<nic::PortSettings>& ports,
                               const nic::TscClock& clock) {
  Captures captures;
  for (const nic::PortSettings& port : ports) {
    captures.emplace_back();
    if (port.pcap.empty()) continue;
    auto file = wire::PcapFile::create(port.pcap, nic::time_of_day_zero(clock.now()));
    if (!file) return file.error();
    captures.back() = std::move(*file);
  }
  return captures;
}

/// Sleep included, as holds go on meanwhile.
Duration time_since_boot() {
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  return Duration::from_s(up.tv_sec) + Duration{up.tv_nsec / 1'000};
}

/// None if a port has no sign of its frames, or holds some of them back for a while.
std::vector<int> rx_events_of(const std::vector<nic::Device>& devices,
                              const nic::ProcessSettings& process, std::uint32_t core) {
  std::vector<int> all;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    const std::vector<int> events = devices[d].rx_events(core);
    if (events.empty() || process.ports[d].faults.any()) return {};
    all.insert(all.end(), events.begin(), events.end());
  }
  return all;
}

}  // namespace

std::uint64_t fingerprint_of(const tcp::Secret& secret) {
  constexpr std::string_view kPurpose = "the secret of a time_wait_file";
  return siphash24(std::as_bytes(std::span(kPurpose)), secret);
}

Result<std::vector<CoreWires>> wire_up(const std::string& name, const ShardSecrets& secrets,
                                       const shard::EndSettings& end,
                                       const nic::ProcessSettings& process,
                                       std::vector<nic::Device>& devices,
                                       const nic::TscClock& clock) {
  MAYFLY_ASSERT(devices.size() == process.ports.size());
  const auto captures = open_captures(process.ports, clock);
  if (!captures) return captures.error();
  std::vector<CoreWires> wires(end.cores.size());
  for (std::size_t i = 0; i < wires.size(); ++i) {
    auto& [config, ports, idle, rx_events] = wires[i];
    idle = end.idle;
    rx_events = rx_events_of(devices, process, static_cast<std::uint32_t>(i));
    config.name = name + std::to_string(i);
    config.sizes = end.sizes();
    config.secret = secrets.now;
    config.cookies.of_siblings = secrets.are_shared;
    if (secrets.former) config.cookies.former.emplace(*secrets.former);
    if (!end.time_wait_file.empty())
      config.time_wait_file = {.path = end.time_wait_file + "." + std::to_string(i),
                               .secret = fingerprint_of(secrets.now),
                               .core = static_cast<std::uint32_t>(i),
                               .cores = static_cast<std::uint32_t>(wires.size()),
                               .up = time_since_boot(),
                               .now = clock.now()};
    config.pages =
        process.hugepages == nic::HugePagesMode::never ? HugePages::never : HugePages::auto_;
    for (std::size_t d = 0; d < devices.size(); ++d) {
      link::FaultSettings faults = process.ports[d].faults;
      faults.seed += i;
      ports.push_back(std::make_unique<WirePort>(
          (*captures)[d], devices[d].port(static_cast<std::uint32_t>(i)), faults));
      // Every core receives ARP; one answers.
      config.interfaces.push_back({process.ports[d], devices[d].mac(), i == 0});
    }
  }
  return wires;
}

}  // namespace mayfly::run
