// The simulated clock and the loop that turns it: time jumps from one event to the next, an event
// being a frame that arrives or a host that has something to do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/network.h"
#include "shard/shard.h"

namespace mayfly {

/// Something with a port, or two.
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

  /// Turns the clock to the next event, but no further than `limit`, and lets the hosts act. False:
  /// nothing was to be done by then.
  bool step(Instant limit) noexcept;
  /// Somebody but the network has changed what hosts have to do: each is asked anew.
  void ask_all() noexcept {
    for (Guest& guest : hosts_) guest.due = std::max(guest.host->next_due(), now_);
  }
  void run_for(Duration span) noexcept {
    const Instant end = now_ + span;
    while (step(end)) {
    }
  }
  /// Until `done()` or until `span` is over, which is false.
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

/// A Shard on the network. `A` may say with `Instant next_due() const` when its on_poll wants to be
/// called at the latest.
template <class A>
class ShardHost final : public Host {
 public:
  using Engine = Shard<SimPort, A>;
  /// While a connection is open the shard is polled so often: ARP has no deadline in next_due().
  static constexpr Duration kHeartbeat = Duration::from_ms(20);

  /// Joins `simulation` by the address of the configuration's one interface. `app` and `settings`
  /// outlive the host.
  static Result<std::unique_ptr<ShardHost>> create(Simulation& simulation,
                                                   const ShardConfig& config,
                                                   const ShardSettings& settings, A& app,
                                                   const WireSettings& wire = {},
                                                   std::uint8_t segment = 0) {
    std::unique_ptr<ShardHost> host(new ShardHost(app, simulation.now()));
    simulation.network().attach(host->port_, config.interfaces.at(0).mac, wire, segment);
    SimPort* const port = &host->port_;
    auto shard = Engine::create(config, std::span(&port, 1), app, settings, simulation.now());
    if (!shard) return shard.error();
    host->shard_ = std::move(*shard);
    simulation.add(*host);
    return host;
  }

  void poll(Instant now) noexcept override {
    polled_at_ = now;
    shard_->poll(now);
  }
  Instant next_due() const noexcept override {
    Instant due = shard_->next_due();
    if (shard_->open_connections() > 0) due = std::min(due, polled_at_ + kHeartbeat);
    if constexpr (requires { app_.next_due(); }) due = std::min(due, app_.next_due());
    return due;
  }
  bool has_arrivals() const noexcept override { return port_.has_arrivals(); }

  Engine& shard() noexcept { return *shard_; }
  const Engine& shard() const noexcept { return *shard_; }
  SimPort& port() noexcept { return port_; }

 private:
  ShardHost(A& app, Instant now) : app_(app), polled_at_(now) {}

  A& app_;
  Instant polled_at_;
  SimPort port_;
  std::unique_ptr<Engine> shard_;
};

}  // namespace mayfly
