// The engine of serve, load and lab: one Shard for each core, polled by a thread of that core. The
// control thread makes, watches and ends them; it never polls.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nic/clock.h"
#include "run/engine_core.h"
#include "run/link_watch.h"
#include "run/snapshots.h"

namespace mayfly::run {

/// 128 random bits from the kernel.
tcp::Secret random_secret();

/// All calls are for the control thread.
template <link::Port P, class A>
class Engine {
 public:
  using Core = EngineCore<P, A>;
  /// A function that runs `loop` on the thread of a core, and returns at once.
  using Launch = std::function<void(std::size_t core_index, std::function<void()> loop)>;

  /// Makes a core of each of the parts. Fails if there is no memory.
  static Result<std::unique_ptr<Engine>> create(std::vector<CoreParts<P, A>> parts,
                                                const shard::ShardSettings& settings,
                                                const nic::TscClock& clock);

  /// Starts the poll loops.
  void start(const Launch& launch);
  /// Gives a command to all cores.
  void tell(Command command) {
    for (auto& core : cores_) core->tell(command);
  }
  /// True if this was the last command that every core has obeyed.
  bool obeyed(Command command) const {
    return std::ranges::all_of(cores_, [&](auto& core) { return core->obeyed() == command; });
  }
  /// True if the apps of all cores have nothing left to do.
  bool finished() const {
    return std::ranges::all_of(cores_, [](auto& core) { return core->finished(); });
  }
  /// Open connections of all cores, as of their last polls.
  std::uint32_t open_connections() const;
  /// TIME_WAIT entries of all cores.
  std::uint64_t time_waits() const;
  /// A gateway, or else any neighbour, of each family that does not answer; nothing if there is
  /// none.
  SilentNeighbours silent_gateway() const;
  SilentNeighbours silent_neighbour() const;
  /// An IPv6 address of ours that somebody else has too, and that is off therefore.
  std::optional<Ipv6Address> duplicate_address() const;
  /// Replaces the settings of every core from its next poll on. One thread at a time. Frees
  /// settings that no core uses any more.
  void use(const shard::ShardSettings& shard, typename A::Settings app);
  /// True if every core uses the newest settings. For the thread that calls use().
  bool settled() const { return oldest_in_use() == snapshots_.newest(); }
  /// The number of settings kept because a core may use them. For the thread that calls use().
  std::size_t settings_kept() const { return snapshots_.kept(); }
  /// Ends the poll loops. The first core ends last, as with software RSS it receives and sends for
  /// the others.
  void stop();
  /// Copies of the counters, one for each core; the drops of the ports are included.
  std::vector<flow::ShardStats> stats() const;
  std::vector<std::unique_ptr<Core>>& cores() { return cores_; }
  /// See EngineCore::list. One thread at a time.
  bool list(std::size_t core, flow::Listing& listing, std::chrono::microseconds patience) {
    return cores_[core]->list(listing, patience);
  }

 private:
  std::uint64_t oldest_in_use() const;

  nic::TscClock clock_;
  shard::ShardSettings settings_;
  Snapshots<typename A::Settings> snapshots_;  // those that replaced settings_
  std::vector<std::unique_ptr<Core>> cores_;
};

template <link::Port P, class A>
Result<std::unique_ptr<Engine<P, A>>> Engine<P, A>::create(std::vector<CoreParts<P, A>> parts,
                                                           const shard::ShardSettings& settings,
                                                           const nic::TscClock& clock) {
  auto engine = std::make_unique<Engine>();
  engine->clock_ = clock;
  engine->settings_ = settings;
  for (CoreParts<P, A>& part : parts) {
    auto core = Core::create(std::move(part), engine->settings_, clock.now());
    if (!core) return core.error();
    engine->cores_.push_back(std::move(*core));
  }
  return engine;
}

template <link::Port P, class A>
void Engine<P, A>::start(const Launch& launch) {
  for (std::size_t i = 0; i < cores_.size(); ++i)
    launch(i, [this, &core = *cores_[i]] { core.poll_loop(clock_); });
}

template <link::Port P, class A>
std::uint32_t Engine<P, A>::open_connections() const {
  std::uint32_t sum = 0;
  for (auto& core : cores_) sum += core->open_connections();
  return sum;
}

template <link::Port P, class A>
std::uint64_t Engine<P, A>::time_waits() const {
  std::uint64_t sum = 0;
  for (auto& core : cores_) sum += core->time_waits();
  return sum;
}

template <link::Port P, class A>
SilentNeighbours Engine<P, A>::silent_gateway() const {
  SilentNeighbours silent;
  for (auto& core : cores_) {
    const auto four = core->arp_silence().gateway.load(std::memory_order_relaxed);
    if (four != 0 && !silent.four) silent.four = Ipv4Address{four};
    if (!silent.six) silent.six = core->nd_silence().gateway.get();
  }
  return silent;
}

template <link::Port P, class A>
SilentNeighbours Engine<P, A>::silent_neighbour() const {
  SilentNeighbours silent = silent_gateway();
  for (auto& core : cores_) {
    const auto four = core->arp_silence().other.load(std::memory_order_relaxed);
    if (four != 0 && !silent.four) silent.four = Ipv4Address{four};
    if (!silent.six) silent.six = core->nd_silence().other.get();
  }
  return silent;
}

template <link::Port P, class A>
std::optional<Ipv6Address> Engine<P, A>::duplicate_address() const {
  for (auto& core : cores_)
    if (const auto duplicate = core->duplicate_address()) return duplicate;
  return std::nullopt;
}

template <link::Port P, class A>
void Engine<P, A>::use(const shard::ShardSettings& shard, typename A::Settings app) {
  snapshots_.free_before(oldest_in_use());
  const auto& settings = snapshots_.add(shard, std::move(app));
  for (auto& core : cores_) core->use(settings);
}

template <link::Port P, class A>
std::uint64_t Engine<P, A>::oldest_in_use() const {
  std::uint64_t oldest = snapshots_.newest();
  for (auto& core : cores_) oldest = std::min(oldest, core->settings_number());
  return oldest;
}

template <link::Port P, class A>
void Engine<P, A>::stop() {
  for (std::size_t i = cores_.size(); i-- > 0;) {
    cores_[i]->tell(Command::stop);
    if (i == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

template <link::Port P, class A>
std::vector<flow::ShardStats> Engine<P, A>::stats() const {
  std::vector<flow::ShardStats> all;
  for (const auto& core : cores_) all.push_back(core->stats());
  return all;
}

}  // namespace mayfly::run
