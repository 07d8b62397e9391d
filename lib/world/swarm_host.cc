#include "world/swarm_host.h"

#include <span>

namespace mayfly {

Result<std::unique_ptr<SwarmHost>> SwarmHost::create(Simulation& simulation, const HostPlan& plan,
                                                     const ShardConfig& config, EndApp& app,
                                                     Judge& judge, std::uint8_t segment) {
  std::unique_ptr<SwarmHost> host(new SwarmHost(plan, config, app, judge));
  simulation.network().attach(host->port_, config.interfaces.at(0).mac, plan.link, segment);
  if (auto started = host->start(simulation.now()); !started) return started.error();
  simulation.add(*host);
  return host;
}

Result<bool> SwarmHost::start(Instant now) {
  SimPort* const port = &port_;
  auto shard = Engine::create(config_, std::span(&port, 1), app_, plan_.settings, now);
  if (!shard) return shard.error();
  shard_ = std::move(*shard);
  up_at_ = Instant::never();
  polled_at_ = now;
  app_.begin(shard_->connections());
  oracle_.begin(shard_->connections(), shard_->time_waits(), shard_->stats());
  return true;
}

void SwarmHost::poll(Instant now) noexcept {
  if (shard_ == nullptr && now >= up_at_) {
    const auto started = start(now);
    MAYFLY_ASSERT(started);  // the memory was there a moment ago
  }
  if (shard_ == nullptr) return port_.lose_arrivals();
  polled_at_ = now;
  shard_->poll(now);
  oracle_.look(now);
}

// The shard is polled now and then whatever it has to do, as ARP has no deadline in its next_due().
Instant SwarmHost::next_due() const noexcept {
  constexpr Duration kBusy = Duration::from_ms(20), kIdle = Duration::from_ms(100);
  if (shard_ == nullptr) return up_at_;
  const Duration heartbeat = shard_->open_connections() > 0 ? kBusy : kIdle;
  return std::min({shard_->next_due(), app_.next_due(), polled_at_ + heartbeat});
}

// RFC 9293 3.4.3: after a crash a host should keep quiet for an MSL; this one does not know that it
// had crashed. Its ISNs go on rising all the same, as their secret is kept (RFC 6528).
void SwarmHost::crash(Instant now, Duration down) noexcept {
  if (shard_ == nullptr) return;
  app_.forget(now);
  shard_.reset();
  port_.lose_arrivals();
  up_at_ = now + down;
}

}  // namespace mayfly
