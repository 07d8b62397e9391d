// One polling core of an engine: its ports, its app and its Shard, and the loop that polls them.
// The control thread makes it and commands it; the polling thread alone touches the rest.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "flow/listing.h"
#include "nic/clock.h"
#include "run/errand.h"
#include "run/idler.h"
#include "shard/shard.h"

namespace mayfly::run {

/// A command of the control thread to a polling core.
enum class Command : std::uint8_t {
  run,    ///< polls on
  drain,  ///< accepts no new connections; open ones continue
  abort,  ///< resets open connections
  stop,   ///< the poll loop returns
};

/// The parts of a core.
template <link::Port P, class A>
struct CoreParts {
  shard::ShardConfig config;
  std::vector<std::unique_ptr<P>> ports;  ///< one for each of config.interfaces
  std::unique_ptr<A> app;
  shard::Idle idle = shard::Idle::poll;
  std::vector<int> rx_events;  ///< see Idler
};

template <link::Port P, class A>
class EngineCore {
 public:
  /// `settings` outlives the core.
  static Result<std::unique_ptr<EngineCore>> create(CoreParts<P, A> parts,
                                                    const shard::ShardSettings& settings,
                                                    Instant now);
  EngineCore(const EngineCore&) = delete;
  EngineCore& operator=(const EngineCore&) = delete;

  // -- for the control thread --
  /// Gives a command, which is obeyed once, before the next poll. A later command may replace it
  /// before that.
  void tell(Command command) noexcept {
    command_.store(command, std::memory_order_release);
    idler_.wake();
  }
  /// The last command that was obeyed. The counters and the open connections include what it did.
  Command obeyed() const noexcept { return obeyed_.load(std::memory_order_acquire); }
  /// True once the app has nothing left to do.
  bool finished() const noexcept { return finished_.load(std::memory_order_relaxed); }
  /// Open connections, as of the last poll.
  std::uint32_t open_connections() const noexcept { return open_.load(std::memory_order_relaxed); }
  std::uint64_t time_waits() const noexcept { return shard_->stats().time_wait_now.get(); }
  /// A copy of the counters; the drops of the ports are included.
  flow::ShardStats stats() const;
  /// Who does not answer ARP.
  const link::ArpSilence& arp_silence() const noexcept { return shard_->arp_silence(); }
  const link::NdSilence& nd_silence() const noexcept { return shard_->nd_silence(); }
  /// An IPv6 address of ours that somebody else has too.
  std::optional<Ipv6Address> duplicate_address() const noexcept {
    return shard_->duplicate_address();
  }
  A& app() noexcept { return *app_; }
  const A& app() const noexcept { return *app_; }
  /// See Shard::use and Shard::settings_number.
  void use(const shard::Snapshot<typename A::Settings>& settings) noexcept {
    shard_->use(settings);
    idler_.wake();
  }
  std::uint64_t settings_number() const noexcept { return shard_->settings_number(); }
  /// Lets the core go on with the listing, some blocks at each poll, until it has found enough or
  /// `patience` is over. False: the core does not answer.
  bool list(flow::Listing& listing, std::chrono::microseconds patience) {
    return lists_.run(listing, patience, waker());
  }

  /// Lets the core hold entries of another server. False: it does not answer.
  bool take(flow::ForeignBatch& batch) {
    return imports_.run(batch, std::chrono::seconds(1), waker());
  }

  /// The core shows its frames to `tap`, or to nobody; afterwards `tap` is the one before, which
  /// it uses no more. False: the core does not answer.
  bool watch(shard::FrameTap*& tap) {
    return taps_.run(tap, std::chrono::milliseconds(100), waker());
  }

  // -- for the polling thread --
  /// Polls until the command is stop.
  void poll_loop(const nic::TscClock& clock) noexcept;
  /// Obeys a new command, and polls once after it. False: the loop must return.
  bool obey(Instant now) noexcept;
  /// Polls once. Returns the amount of work done.
  std::size_t poll(Instant now) noexcept;

 private:
  struct Waker {
    const Idler& idler;
    void operator()() const noexcept { idler.wake(); }
  };
  Waker waker() const noexcept { return {idler_}; }
  explicit EngineCore(Idler idler) : idler_(std::move(idler)) {}
  /// The tap sees all frames of the core's ports, if these can be watched.
  void show_to(shard::FrameTap* tap) noexcept {
    shard_->watch(tap);
    for (std::size_t i = 0; i < ports_.size(); ++i)
      if constexpr (requires { ports_[i]->watch(tap, std::uint8_t{}); })
        ports_[i]->watch(tap, static_cast<std::uint8_t>(i));
  }

  std::vector<std::unique_ptr<P>> ports_;
  std::unique_ptr<A> app_;
  std::unique_ptr<shard::Shard<P, A>> shard_;
  Idler idler_;
  std::atomic<Command> obeyed_{Command::run};
  std::atomic<Command> command_{Command::run};
  std::atomic<bool> finished_{false};
  std::atomic<std::uint32_t> open_{0};
  Errand<flow::Listing> lists_;
  Errand<shard::FrameTap*> taps_;
  Errand<flow::ForeignBatch> imports_;
  shard::FrameTap* tap_ = nullptr;
};

template <link::Port P, class A>
Result<std::unique_ptr<EngineCore<P, A>>> EngineCore<P, A>::create(
    CoreParts<P, A> parts, const shard::ShardSettings& settings, Instant now) {
  MAYFLY_ASSERT(parts.ports.size() == parts.config.interfaces.size());
  std::unique_ptr<EngineCore> core(new EngineCore(Idler(parts.idle, parts.rx_events)));
  core->ports_ = std::move(parts.ports);
  core->app_ = std::move(parts.app);
  std::vector<P*> ports;
  for (const auto& port : core->ports_) ports.push_back(port.get());
  auto shard = shard::Shard<P, A>::create(parts.config, ports, *core->app_, settings, now);
  if (!shard) return shard.error();
  core->shard_ = std::move(*shard);
  return core;
}

template <link::Port P, class A>
flow::ShardStats EngineCore<P, A>::stats() const {
  flow::ShardStats stats = shard_->stats();
  for (const auto& port : ports_) {
    for (std::size_t why = 0; why < wire::kDropCount; ++why)
      stats.drops[why].add(port->drops(static_cast<Drop>(why)));
    const link::Exchanged exchanged = port->exchanged();
    stats.exception_to_kernel.add(exchanged.to_kernel);
    stats.exception_from_kernel.add(exchanged.from_kernel);
  }
  return stats;
}

template <link::Port P, class A>
void EngineCore<P, A>::poll_loop(const nic::TscClock& clock) noexcept {
  idler_.begin();
  std::uint64_t start = nic::TscClock::cycles();
  shard_->announce(clock.at(start));
  for (;;) {
    const Instant now = clock.at(start);
    if (!obey(now)) return;
    const std::size_t work = poll(now);
    if (idler_.is_idle(work > 0, now)) [[unlikely]]
      idler_.rest(shard_->next_due(), now);
    const std::uint64_t end = nic::TscClock::cycles();
    shard_->stats().count_poll(end - start, work > 0);
    start = end;
  }
}

template <link::Port P, class A>
bool EngineCore<P, A>::obey(Instant now) noexcept {
  const Command command = command_.load(std::memory_order_relaxed);
  if (command == obeyed_.load(std::memory_order_relaxed)) [[likely]]
    return true;
  if (command == Command::stop) return false;
  if (command == Command::drain) {
    shard_->drain();
    app_->stop(now);
    shard_->for_each(now, [&](flow::Conn& conn) { app_->on_drain(conn); });
  } else if (command == Command::abort) {
    shard_->abort_all(now);
  }
  poll(now);
  obeyed_.store(command, std::memory_order_release);
  return true;
}

template <link::Port P, class A>
std::size_t EngineCore<P, A>::poll(Instant now) noexcept {
  std::size_t work = shard_->poll(now);
  if (lists_.is_asked()) [[unlikely]]
    work += lists_.step([&](flow::Listing& listing) {
      return listing.step(shard_->connections(), shard_->time_waits(), now);
    });
  if (taps_.is_asked()) [[unlikely]]
    work += taps_.step([&](shard::FrameTap*& tap) {
      std::swap(tap, tap_);
      show_to(tap_);
      return true;
    });
  if (imports_.is_asked()) [[unlikely]]
    work += imports_.step([&](flow::ForeignBatch& batch) {
      shard_->adopt(batch, now);
      return true;
    });
  if (app_->finished(now)) finished_.store(true, std::memory_order_relaxed);
  open_.store(shard_->open_connections(), std::memory_order_relaxed);
  return work;
}

}  // namespace mayfly::run
