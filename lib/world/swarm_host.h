// A host of a simulated world: a real Shard that may crash, forget everything and come back.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "net/simulation.h"
#include "world/end_app.h"
#include "world/host_oracle.h"

namespace mayfly {

class SwarmHost final : public Host {
 public:
  using Engine = Shard<SimPort, EndApp>;

  /// Joins `simulation` by `segment`. `plan`, `app` and `judge` outlive the host. Fails when there
  /// is no memory for its shard.
  static Result<std::unique_ptr<SwarmHost>> create(Simulation& simulation, const HostPlan& plan,
                                                   const ShardConfig& config, EndApp& app,
                                                   Judge& judge, std::uint8_t segment);

  void poll(Instant now) noexcept override;
  Instant next_due() const noexcept override;
  bool has_arrivals() const noexcept override { return port_.has_arrivals(); }

  /// Down from now on, and back with nothing but its configuration after `down`.
  void crash(Instant now, Duration down) noexcept;
  /// The shard; null while the host is down.
  const Engine* shard() const noexcept { return shard_.get(); }
  SimPort& port() noexcept { return port_; }
  HostOracle& oracle() noexcept { return oracle_; }
  EndApp& app() noexcept { return app_; }
  const HostPlan& plan() const noexcept { return plan_; }

 private:
  SwarmHost(const HostPlan& plan, const ShardConfig& config, EndApp& app, Judge& judge)
      : plan_(plan), config_(config), app_(app), oracle_(plan, judge) {}
  Result<bool> start(Instant now);

  const HostPlan& plan_;
  ShardConfig config_;
  EndApp& app_;
  HostOracle oracle_;
  SimPort port_;
  Instant polled_at_, up_at_ = Instant::never();
  std::unique_ptr<Engine> shard_;
};

}  // namespace mayfly
