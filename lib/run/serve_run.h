// One run of the server: its engine, its orderly end, its summary.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/stats_json.h"
#include "config/settings.h"
#include "run/device_engine.h"
#include "run/stop.h"
#include "service/services.h"

namespace mayfly::run {

class ServeRun {
 public:
  /// What the run asks and tells while it is watched.
  struct Watcher {
    StopAsked stop_asked;
    std::function<void()> each_round;  ///< some times a second, until the end begins
    /// The orderly end has begun, and so many connections are open.
    std::function<void(std::uint32_t open)> on_drain;
  };

  ~ServeRun();

  /// `settings`, `site` and `devices` outlive the run.
  static Result<std::unique_ptr<ServeRun>> create(const config::ServeSettings& settings,
                                                  const service::Site& site,
                                                  std::vector<nic::Device>& devices,
                                                  const nic::TscClock& clock);
  /// What the services take beside their shard, for each core.
  static std::size_t bytes_needed(const config::ServeSettings& settings);

  void start(nic::Eal& eal, std::size_t first_worker) { start_on(*engine_, eal, first_worker); }
  /// Serves until `duration` has passed (no end if it is not set) or a stop is asked for. Then
  /// nothing new is accepted; what is open finishes, or is reset after drain_timeout or when a stop
  /// now is asked for. Then the poll loops end.
  void watch(std::optional<Duration> duration, const Watcher& watcher);
  /// The policy from now on: close, fin_wait_2, tcp and time_wait count. One thread at a time.
  void use(const config::ServeSettings& settings) { engine_->use(settings.shard, settings.close); }
  /// The counters of all cores.
  flow::ShardStats totals() const { return total_of(engine_->stats()); }
  /// Notes when connections come and go; call it about ten times a second.
  void sample();
  /// Resets what is open and ends the poll loops.
  void stop();

  /// So far; any thread.
  nlohmann::ordered_json json() const;
  /// After the loops have returned.
  std::string summary() const;

 private:
  explicit ServeRun(const config::ServeSettings& settings) : settings_(settings) {}
  service::ServiceCounters services() const;

  const config::ServeSettings& settings_;
  std::unique_ptr<DeviceEngine<service::Services>> engine_;
  nic::TscClock clock_;
  mutable std::mutex sampling_;  // guards the rest: json() is for any thread
  std::uint64_t accepted_ = 0, completed_ = 0;
  Instant first_, last_;  // samples at which the first connection was there, and the last one ended
};

}  // namespace mayfly::run
