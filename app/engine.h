// What serve, load and lab run: for each core its ports, its app and its Shard, polled on a thread
// of its own. The control thread makes them, watches them and ends them; it never polls.
#pragma once

#include <rte_cycles.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "link/capture_port.h"
#include "link/fault_port.h"
#include "nic/clock.h"
#include "nic/device.h"
#include "nic/eal.h"
#include "shard/shard.h"

namespace mayfly {

/// A device's queue, behind a faulty wire and a capture if the settings ask for them.
using WirePort = CapturePort<FaultPort<DpdkPort>>;

/// What the control thread wants of a polling core.
enum class Command : std::uint8_t { run, drain, abort, stop };

/// 128 random bits from the kernel.
Secret random_secret();
ShardSettings shard_settings(const CommonSettings& settings);
ShardSizes shard_sizes(const CommonSettings& settings);
/// The interface that core `core_index` has on this port.
Interface interface_of(const PortSettings& settings, const Device& device, std::size_t core_index);

/// One core: made by the control thread, then touched by its polling thread alone, but for the
/// atomics and the counters.
template <class A>
struct EngineCore {
  std::vector<std::unique_ptr<WirePort>> ports;
  std::unique_ptr<A> app;
  std::unique_ptr<Shard<WirePort, A>> shard;
  std::atomic<Command> command{Command::run};
  std::atomic<bool> finished{false};   ///< the app says that it has nothing left to do
  std::atomic<std::uint32_t> open{0};  ///< connections, while draining
};

template <class A>
class Engine {
 public:
  using MakeApp = std::function<std::unique_ptr<A>(std::size_t core_index, const DpdkPort& port)>;

  /// Shards for every core of `settings` on the devices, which are open and outlive the engine.
  static Result<std::unique_ptr<Engine>> create(const std::string& name,
                                                const CommonSettings& settings,
                                                const ShardSettings& shard_settings,
                                                std::vector<std::uint16_t> listen,
                                                std::vector<Device>& devices, const TscClock& clock,
                                                const MakeApp& make_app);

  /// Starts the poll loops on EAL's workers from `first_worker` on.
  void start(Eal& eal, std::size_t first_worker);
  void tell(Command command) {
    for (auto& core : cores_) core->command.store(command, std::memory_order_release);
  }
  bool finished() const {
    return std::ranges::all_of(cores_, [](auto& core) { return core->finished.load(); });
  }
  std::uint32_t open_connections() const {
    std::uint32_t sum = 0;
    for (auto& core : cores_) sum += core->open.load(std::memory_order_relaxed);
    return sum;
  }
  /// What every core goes by from its next poll on. One thread at a time; kept as long as the
  /// engine lives, since nobody tells when a core has left a snapshot (changes are rare and small).
  void use(const ShardSettings& shard, const CloseSettings& close);
  /// Ends the poll loops. The first core goes last: with software RSS it receives and sends for the
  /// others.
  void stop();
  /// Copies of the counters, one for each core, the devices' own drops included.
  std::vector<ShardStats> stats() const;
  std::vector<std::unique_ptr<EngineCore<A>>>& cores() { return cores_; }

 private:
  struct Snapshot {
    ShardSettings shard;
    CloseSettings close;
  };

  void poll_loop(EngineCore<A>& core) noexcept;
  void obey(EngineCore<A>& core, Command command, Instant now) noexcept;

  TscClock clock_;
  ShardSettings settings_;
  std::vector<std::unique_ptr<const Snapshot>> snapshots_;  // what took over since
  std::vector<std::unique_ptr<EngineCore<A>>> cores_;
};

template <class A>
Result<std::unique_ptr<Engine<A>>> Engine<A>::create(
    const std::string& name, const CommonSettings& settings, const ShardSettings& shard_settings,
    std::vector<std::uint16_t> listen, std::vector<Device>& devices, const TscClock& clock,
    const MakeApp& make_app) {
  auto engine = std::make_unique<Engine>();
  engine->clock_ = clock;
  engine->settings_ = shard_settings;
  const Secret secret = random_secret();
  std::vector<std::shared_ptr<PcapFile>> captures;  // one a port, null without; its cores share it
  for (const PortSettings& port : settings.ports) {
    captures.emplace_back();
    if (port.pcap.empty()) continue;
    auto file = PcapFile::create(port.pcap, time_of_day_zero(clock.now()));
    if (!file) return file.error();
    captures.back() = std::move(*file);
  }
  for (std::size_t i = 0; i < settings.cores.size(); ++i) {
    auto core = std::make_unique<EngineCore<A>>();
    ShardConfig config;
    config.name = name + std::to_string(i);
    config.sizes = shard_sizes(settings);
    config.secret = secret;
    config.pages = settings.hugepages == HugePagesMode::never ? HugePages::never : HugePages::auto_;
    config.listen = listen;
    std::vector<WirePort*> ports;
    for (std::size_t d = 0; d < devices.size(); ++d) {
      FaultSettings faults = settings.ports[d].faults;
      faults.seed += i;
      core->ports.push_back(std::make_unique<WirePort>(
          captures[d], devices[d].port(static_cast<std::uint32_t>(i)), faults));
      ports.push_back(core->ports.back().get());
      config.interfaces.push_back(interface_of(settings.ports[d], devices[d], i));
    }
    core->app = make_app(i, core->ports.front()->inner().inner());
    auto shard =
        Shard<WirePort, A>::create(config, ports, *core->app, engine->settings_, clock.now());
    if (!shard) return shard.error();
    core->shard = std::move(*shard);
    engine->cores_.push_back(std::move(core));
  }
  return engine;
}

template <class A>
void Engine<A>::start(Eal& eal, std::size_t first_worker) {
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    const bool started =
        eal.run_on(first_worker + i, [this, &core = *cores_[i]] { poll_loop(core); });
    MAYFLY_ASSERT(started);
  }
}

template <class A>
void Engine<A>::use(const ShardSettings& shard, const CloseSettings& close) {
  const auto& taken = snapshots_.emplace_back(std::make_unique<Snapshot>(Snapshot{shard, close}));
  for (auto& core : cores_) {
    core->shard->use(taken->shard);
    core->app->use(taken->close);
  }
}

template <class A>
void Engine<A>::stop() {
  for (std::size_t i = cores_.size(); i-- > 0;) {
    cores_[i]->command.store(Command::stop, std::memory_order_release);
    if (i == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

template <class A>
void Engine<A>::poll_loop(EngineCore<A>& core) noexcept {
  Shard<WirePort, A>& shard = *core.shard;
  // A core that had nothing to do for about a millisecond looks less often, which leaves its
  // sibling thread the cycles, and rarely stands inside a driver whose other end goes away
  // (doc/devices.md).
  constexpr std::uint32_t kIdlePolls = 10'000, kIdlePauseUs = 5;
  std::uint32_t idle_polls = 0;
  Command obeyed = Command::run;
  std::uint64_t start = TscClock::cycles();
  shard.announce(clock_.at(start));
  for (;;) {
    const Instant now = clock_.at(start);
    const Command command = core.command.load(std::memory_order_relaxed);
    if (command != obeyed) [[unlikely]] {
      if (command == Command::stop) return;
      obey(core, obeyed = command, now);
    }
    const std::size_t work = shard.poll(now);
    idle_polls = work > 0 ? 0 : idle_polls + 1;
    if (idle_polls > kIdlePolls) [[unlikely]]
      rte_delay_us_block(kIdlePauseUs);
    const std::uint64_t end = TscClock::cycles();
    shard.stats().count_poll(end - start, work > 0);
    start = end;
    if constexpr (requires { core.app->finished(now); }) {
      if (core.app->finished(now)) core.finished.store(true, std::memory_order_relaxed);
    }
    core.open.store(shard.open_connections(), std::memory_order_relaxed);
  }
}

template <class A>
void Engine<A>::obey(EngineCore<A>& core, Command command, Instant now) noexcept {
  if (command == Command::drain) {
    core.shard->drain();
    if constexpr (requires { core.app->drain(); }) core.app->drain();
    if constexpr (requires { core.app->stop(now); }) core.app->stop(now);
    core.shard->for_each(now, [&](auto& conn) {
      if constexpr (requires { core.app->on_drain(conn); }) core.app->on_drain(conn);
    });
  } else if (command == Command::abort) {
    core.shard->abort_all(now);
  }
}

template <class A>
std::vector<ShardStats> Engine<A>::stats() const {
  std::vector<ShardStats> all;
  for (const auto& core : cores_) {
    ShardStats stats = core->shard->stats();
    for (const auto& port : core->ports)
      for (std::size_t why = 0; why < kDropCount; ++why)
        stats.drops[why].add(port->drops(static_cast<Drop>(why)));
    all.push_back(stats);
  }
  return all;
}

}  // namespace mayfly
