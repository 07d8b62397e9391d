#include "run/device_engine.h"

namespace mayfly {
namespace {

/// The interface that core `core_index` has on this port.
Interface interface_of(const PortSettings& settings, const Device& device, std::size_t core_index) {
  Interface interface;
  interface.mac = device.mac();
  interface.vlan = settings.vlan;
  interface.mtu = settings.mtu;
  interface.addresses = settings.addresses;
  interface.gateway = settings.gateway;
  interface.answers = core_index == 0;  // every core hears ARP, one answers
  return interface;
}

using Captures = std::vector<std::shared_ptr<PcapFile>>;

/// One a port, null without; its cores share it.
Result<Captures> open_captures(const CommonSettings& settings, const TscClock& clock) {
  Captures captures;
  for (const PortSettings& port : settings.ports) {
    captures.emplace_back();
    if (port.pcap.empty()) continue;
    auto file = PcapFile::create(port.pcap, time_of_day_zero(clock.now()));
    if (!file) return file.error();
    captures.back() = std::move(*file);
  }
  return captures;
}

}  // namespace

Result<std::vector<CoreWires>> wire_up(const std::string& name, const CommonSettings& settings,
                                       const std::vector<std::uint16_t>& listen,
                                       std::vector<Device>& devices, const TscClock& clock) {
  MAYFLY_ASSERT(devices.size() == settings.ports.size());
  const Secret secret = random_secret();
  const auto captures = open_captures(settings, clock);
  if (!captures) return captures.error();
  std::vector<CoreWires> wires(settings.cores.size());
  for (std::size_t i = 0; i < wires.size(); ++i) {
    auto& [config, ports] = wires[i];
    config.name = name + std::to_string(i);
    config.sizes = shard_sizes(settings);
    config.secret = secret;
    config.pages = settings.hugepages == HugePagesMode::never ? HugePages::never : HugePages::auto_;
    config.listen = listen;
    for (std::size_t d = 0; d < devices.size(); ++d) {
      FaultSettings faults = settings.ports[d].faults;
      faults.seed += i;
      ports.push_back(std::make_unique<WirePort>(
          (*captures)[d], devices[d].port(static_cast<std::uint32_t>(i)), faults));
      config.interfaces.push_back(interface_of(settings.ports[d], devices[d], i));
    }
  }
  return wires;
}

}  // namespace mayfly
