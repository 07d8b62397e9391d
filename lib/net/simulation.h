// The simulated clock and the loop that advances it: time jumps from one event to the next, an
// event being a frame that arrives or a host that has something to do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "base/time.h"
#include "net/network.h"
#include "shard/shard.h"

namespace mayfly::net {

/// A participant in the simulation, with one port or several.
class Host {
 public:
  virtual ~Host() = default;
  virtual void poll(Instant now) noexcept = 0;
  /// When poll() has something to do without a frame arriving; never() if only a frame will do.
  virtual Instant next_due() const noexcept = 0;
  /// Frames have arrived that it would receive if it were polled now.
  virtual bool has_arrivals(Instant now) const noexcept = 0;
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

/// Where a port of a host is attached.
struct Attachment {
  WireSettings wire;
  std::uint8_t segment = 0;
};

/// What frames cost a core that is slow. While it works on a burst, the next ones wait.
struct Pace {
  Duration frame{};  ///< for each frame that is handled; 0 = all frames cost nothing
  Duration shed{};   ///< for each that is dropped unread (Drop::overload)
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
  /// The interval of polls that try whether a device that is stuck takes frames again.
  static constexpr Duration kStuckHeartbeat = Duration::from_ms(5);

  /// Joins `simulation` by the addresses of the configuration's interfaces, an attachment for each.
  /// `app` and `settings` outlive the host.
  static Result<std::unique_ptr<ShardHost>> create_on(Simulation& simulation,
                                                      const shard::ShardConfig& config,
                                                      const shard::ShardSettings& settings, A& app,
                                                      std::span<const Attachment> attachments) {
    MAYFLY_ASSERT(!attachments.empty() && config.interfaces.size() == attachments.size());
    std::unique_ptr<ShardHost> host(new ShardHost(config, settings, app));
    for (std::size_t i = 0; i < attachments.size(); ++i)
      simulation.network().attach(host->ports_.emplace_back(), config.interfaces[i].mac,
                                  attachments[i].wire, attachments[i].segment);
    if (auto started = host->start(simulation.now()); !started) return started.error();
    simulation.add(*host);
    return host;
  }
  /// With one port.
  static Result<std::unique_ptr<ShardHost>> create(Simulation& simulation,
                                                   const shard::ShardConfig& config,
                                                   const shard::ShardSettings& settings, A& app,
                                                   const WireSettings& wire = {},
                                                   std::uint8_t segment = 0) {
    const Attachment attachment{wire, segment};
    return create_on(simulation, config, settings, app, std::span(&attachment, 1));
  }

  void poll(Instant now) noexcept override {
    if (!is_up() && now >= up_at_) {
      const auto started = start(now);
      MAYFLY_ASSERT(started);  // the memory was there a moment ago
    }
    if (!is_up()) return lose_arrivals();
    if (now < busy_until_) return;
    polled_at_ = now;
    const std::uint64_t frames = frames_received(), shed = frames_shed();
    shard_->poll(now);
    if (pace_.frame.us > 0)
      busy_until_ = now + cost_of(frames_received() - frames, frames_shed() - shed);
    if (watch_ != nullptr) watch_->polled(now);
  }
  Instant next_due() const noexcept override {
    if (!is_up()) return up_at_;
    Instant due = shard_->next_due();
    if (idle_heartbeat_ < Duration::max()) due = std::min(due, polled_at_ + idle_heartbeat_);
    if (shard_->open_connections() > 0) due = std::min(due, polled_at_ + kHeartbeat);
    // What waits for a device that is stuck is due all the time.
    if (is_stuck()) due = std::max(due, polled_at_ + kStuckHeartbeat);
    return busy_until_ > polled_at_ ? busy_until_ : due;
  }
  bool has_arrivals(Instant now) const noexcept override {
    return busy_until_ <= now && std::ranges::any_of(ports_, &SimPort::has_arrivals);
  }

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
    lose_arrivals();
    busy_until_ = now;
    up_at_ = now + down;
  }

  /// It forgets everything but its configuration, and has another secret: what a replaced host is
  /// to its peers (RFC 6528: other sequence numbers; RFC 7323 7.1: another timestamp clock).
  void restart(Instant now, const tcp::Secret& secret) noexcept {
    config_.secret = secret;
    crash(now, {});
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
  SimPort& port(std::size_t number = 0) noexcept {
    MAYFLY_ASSERT(number < ports_.size());
    return ports_[number];
  }
  std::size_t ports() const noexcept { return ports_.size(); }
  /// From now on its core needs so long for a frame.
  void set_pace(const Pace& pace) noexcept {
    MAYFLY_ASSERT(pace.frame.us >= 0 && pace.shed.us >= 0);
    pace_ = pace;
  }

 private:
  ShardHost(const shard::ShardConfig& config, const shard::ShardSettings& settings, A& app)
      : config_(config), settings_(settings), app_(app) {}

  // RFC 9293 3.4.3: after a crash a host should keep quiet for an MSL; this one does not know that
  // it had crashed. Its ISNs go on rising all the same, as their secret is kept (RFC 6528).
  Result<void> start(Instant now) {
    std::vector<SimPort*> ports;
    for (SimPort& port : ports_) ports.push_back(&port);
    auto shard = Engine::create(config_, ports, app_, settings_, now);
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

  void lose_arrivals() noexcept {
    for (SimPort& port : ports_) port.lose_arrivals();
  }
  bool is_stuck() const noexcept { return std::ranges::any_of(ports_, &SimPort::is_stuck); }
  std::uint64_t frames_received() const noexcept { return shard_->stats().rx_packets.get(); }
  std::uint64_t frames_shed() const noexcept {
    return shard_->stats().drops[static_cast<std::size_t>(Drop::overload)].get();
  }
  Duration cost_of(std::uint64_t frames, std::uint64_t shed) const noexcept {
    return {static_cast<std::int64_t>(frames - shed) * pace_.frame.us +
            static_cast<std::int64_t>(shed) * pace_.shed.us};
  }

  shard::ShardConfig config_;
  const shard::ShardSettings& settings_;
  A& app_;
  HostWatch* watch_ = nullptr;
  Duration idle_heartbeat_ = Duration::max();
  Instant polled_at_, up_at_ = Instant::never(), busy_until_;
  Pace pace_;
  std::deque<SimPort> ports_;
  std::unique_ptr<Engine> shard_;
};

}  // namespace mayfly::net
