// An engine whose shards run on real devices, each behind a faulty wire and a capture if the
// settings ask for them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "link/capture_port.h"
#include "link/fault_port.h"
#include "nic/device.h"
#include "nic/eal.h"
#include "run/engine.h"
#include "run/privileges.h"
#include "run/secrets.h"
#include "run/tap_port.h"

namespace mayfly::run {

/// A device's queue, behind a faulty wire, a capture and a tap.
using WirePort = TapPort<link::CapturePort<link::FaultPort<nic::DpdkPort>>>;

/// The part of a core that does not depend on its app.
struct CoreWires {
  shard::ShardConfig config;
  std::vector<std::unique_ptr<WirePort>> ports;
  shard::Idle idle = shard::Idle::poll;
  /// Of which one becomes readable when a frame has come by any of the ports; none: they have to be
  /// polled (Device::rx_events).
  std::vector<int> rx_events;
};

/// Tells secrets apart, and does not betray them.
std::uint64_t fingerprint_of(const tcp::Secret& secret);

/// Makes the ports of every core of `end` on all devices, which outlive them. Shards are named
/// "<name>0", "<name>1", ..., and have the same secret.
Result<std::vector<CoreWires>> wire_up(const std::string& name, const ShardSecrets& secrets,
                                       const shard::EndSettings& end,
                                       const nic::ProcessSettings& process,
                                       std::vector<nic::Device>& devices,
                                       const nic::TscClock& clock);

/// Starts the poll loops of an engine on the EAL's workers from `first_worker` on, which must be
/// idle. They have the capabilities that they had, or none.
template <link::Port P, class A>
void start_on(Engine<P, A>& engine, nic::Eal& eal, std::size_t first_worker,
              nic::CapabilitiesMode capabilities) {
  engine.start([&, capabilities](std::size_t i, std::function<void()> loop) {
    const bool started = eal.run_on(first_worker + i, [capabilities, loop = std::move(loop)] {
      if (capabilities == nic::CapabilitiesMode::drop) give_up_capabilities();
      loop();
    });
    MAYFLY_ASSERT(started);
  });
}

template <class A>
using DeviceEngine = Engine<WirePort, A>;

/// An engine with a shard for each of `wires`. `make_app(core_index, port)` makes the app of each
/// core; the port is the core's queue of the first device.
template <class A, class MakeApp>
Result<std::unique_ptr<DeviceEngine<A>>> make_engine(std::vector<CoreWires> wires,
                                                     const shard::ShardSettings& settings,
                                                     const nic::TscClock& clock,
                                                     const MakeApp& make_app) {
  std::vector<CoreParts<WirePort, A>> parts;
  for (auto& [config, ports, idle, rx_events] : wires) {
    std::unique_ptr<A> app = make_app(parts.size(), ports.front()->inner().inner().inner());
    parts.push_back(
        {std::move(config), std::move(ports), std::move(app), idle, std::move(rx_events)});
  }
  return DeviceEngine<A>::create(std::move(parts), settings, clock);
}

}  // namespace mayfly::run
