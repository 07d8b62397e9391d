// The simulated clock and the loop that advances it: time jumps from one event to the next, an
// event being a frame that arrives or a host that has something to do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "base/time.h"
#include "net/network.h"
#include "shard/shard.h"

namespace mayfly::net {

/// A participant in the simulation, with one or two ports.
class Host {
 public:
  virtual ~Host() = default;
  virtual void poll(Instant now) noexcept = 0;
  /// When poll() has something to do without a frame arriving; never() if only a frame will do.
  virtual Instant next_due() const noexcept = 0;
  virtual bool has_arrivals() const noexcept = 0;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed, Instant start = {1'000'000})
      : network_(seed), now_(start) {}
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// `host` outlives the simulation's last step. Hosts that are due at once are polled in the order
  /// in which they were added.
  void add(Host& host) { hosts_.push_back({&host, now_}); }

  /// Advances the clock to the next event, but no further than `limit`, and polls the hosts that
  /// are due. False: there was no event until then.
  bool step(Instant limit) noexcept;
  /// To be called after a change that did not come over the network: every host's next_due() is
  /// read again.
  void ask_all() noexcept {
    for (Guest& guest : hosts_) guest.due = std::max(guest.host->next_due(), now_);
  }
  void run_for(Duration span) noexcept {
    const Instant end = now_ + span;
    while (step(end)) {
    }
  }
  /// Steps until `done()` is true, and returns true; or until `span` is over, and returns false.
  template <class Done>
  bool run_until(Done&& done, Duration span) noexcept {
    const Instant end = now_ + span;
    while (!done())
      if (!step(end)) return done();
    return true;
  }

  Network& network() noexcept { return network_; }
  Instant now() const noexcept { return now_; }

 private:
  struct Guest {
    Host* host;
    Instant due;
  };

  Network network_;
  Instant now_;
  std::vector<Guest> hosts_;
};

/// Observes a host.
class HostWatch {
 public:
  virtual ~HostWatch() = default;
  /// Its shard was made, or made again after a crash, with empty tables.
  virtual void started(const flow::Connections& connections, const flow::TimeWaits& time_waits,
                       const flow::ShardStats& stats) = 0;
  /// Its shard was polled.
  virtual void polled(Instant now) = 0;
};

/// A Shard on the network, which may crash and come back with empty tables. `A` may have, beside
/// what the stack asks of an app,
///   void begin(const Connections&)     the shard was made, or made again
///   void forget(Instant now)           the host crashes: no connection is closed any more
template <class A>
class ShardHost final : public Host {
 public:
  using Engine = shard::Shard<SimPort, A>;
  /// The interval of polls while a connection is open: ARP has no deadline in next_due().
  static constexpr Duration kHeartbeat = Duration::from_ms(20);

  /// Joins `simulation` by the address of the configuration's one interface. `app` and `settings`
  /// outlive the host.
  static Result<std::unique_ptr<ShardHost>> create(Simulation& simulation,
                                                   const shard::ShardConfig& config,
                                                   const shard::ShardSettings& settings, A& app,
                                                   const WireSettings& wire = {},
                                                   std::uint8_t segment = 0) {
    MAYFLY_ASSERT(config.interfaces.size() == 1);
    std::unique_ptr<ShardHost> host(new ShardHost(config, settings, app));
    simulation.network().attach(host->port_, config.interfaces[0].mac, wire, segment);
    if (auto started = host->start(simulation.now()); !started) return started.error();
    simulation.add(*host);
    return host;
  }

  void poll(Instant now) noexcept override {
    if (!is_up() && now >= up_at_) {
      const auto started = start(now);
      MAYFLY_ASSERT(started);  // the memory was there a moment ago
    }
    if (!is_up()) return port_.lose_arrivals();
    polled_at_ = now;
    shard_->poll(now);
    if (watch_ != nullptr) watch_->polled(now);
  }
  Instant next_due() const noexcept override {
    if (!is_up()) return up_at_;
    Instant due = shard_->next_due();
    if (idle_heartbeat_ < Duration::max()) due = std::min(due, polled_at_ + idle_heartbeat_);
    if (shard_->open_connections() > 0) due = std::min(due, polled_at_ + kHeartbeat);
    return due;
  }
  bool has_arrivals() const noexcept override { return port_.has_arrivals(); }

  /// `watch` outlives the host. Its started() is called at once if the host is up.
  void watch(HostWatch& watch) {
    watch_ = &watch;
    if (is_up()) tell_of_start();
  }
  /// The interval of polls while there is no connection. Until it is set, the shard is then polled
  /// only when something is due.
  void set_idle_heartbeat(Duration heartbeat) noexcept {
    MAYFLY_ASSERT(heartbeat.us > 0);
    idle_heartbeat_ = heartbeat;
  }
  /// Down from now on, and back with nothing but its configuration after `down`. Without effect
  /// while it is down.
  void crash(Instant now, Duration down) noexcept {
    if (!is_up()) return;
    if constexpr (requires { app_.forget(now); }) app_.forget(now);
    shard_.reset();
    port_.lose_arrivals();
    up_at_ = now + down;
  }

  bool is_up() const noexcept { return shard_ != nullptr; }
  /// Only while it is up.
  Engine& shard() noexcept {
    MAYFLY_ASSERT(is_up());
    return *shard_;
  }
  const Engine& shard() const noexcept {
    MAYFLY_ASSERT(is_up());
    return *shard_;
  }
  SimPort& port() noexcept { return port_; }

 private:
  ShardHost(const shard::ShardConfig& config, const shard::ShardSettings& settings, A& app)
      : config_(config), settings_(settings), app_(app) {}

  // RFC 9293 3.4.3: after a crash a host should keep quiet for an MSL; this one does not know that
  // it had crashed. Its ISNs go on rising all the same, as their secret is kept (RFC 6528).
  Result<void> start(Instant now) {
    SimPort* const port = &port_;
    auto shard = Engine::create(config_, std::span(&port, 1), app_, settings_, now);
    if (!shard) return shard.error();
    shard_ = std::move(*shard);
    up_at_ = Instant::never();
    polled_at_ = now;
    if constexpr (requires { app_.begin(shard_->connections()); })
      app_.begin(shard_->connections());
    if (watch_ != nullptr) tell_of_start();
    return {};
  }

  void tell_of_start() {
    watch_->started(shard_->connections(), shard_->time_waits(), shard_->stats());
  }

  shard::ShardConfig config_;
  const shard::ShardSettings& settings_;
  A& app_;
  HostWatch* watch_ = nullptr;
  Duration idle_heartbeat_ = Duration::max();
  Instant polled_at_, up_at_ = Instant::never();
  SimPort port_;
  std::unique_ptr<Engine> shard_;
};

}  // namespace mayfly::net
