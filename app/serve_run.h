// One run of the server: its engine, its orderly end, its summary.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine.h"
#include "service/services.h"

namespace mayfly {

class ServeRun {
 public:
  ~ServeRun();

  /// `settings`, `site` and `devices` outlive the run.
  static Result<std::unique_ptr<ServeRun>> create(const ServeSettings& settings, const Site& site,
                                                  std::vector<Device>& devices,
                                                  const TscClock& clock);
  /// What the services take beside their shard, for each core.
  static std::size_t bytes_needed(const ServeSettings& settings);

  void start(Eal& eal, std::size_t first_worker) { engine_->start(eal, first_worker); }
  /// Serves until `duration` has passed (no end if it is not set) or the user stops it, then
  /// drains.
  void watch(std::optional<Duration> duration);
  /// Notes when connections come and go; call it about ten times a second.
  void sample();
  /// No new connections; the open ones finish, or are reset after drain_timeout. Then the poll
  /// loops end.
  void drain_and_stop();

  /// After the loops have returned.
  nlohmann::ordered_json json() const;
  std::string summary() const;

 private:
  explicit ServeRun(const ServeSettings& settings) : settings_(settings) {}
  ServiceCounters services() const;

  const ServeSettings& settings_;
  std::unique_ptr<Engine<Services>> engine_;
  TscClock clock_;
  std::uint64_t accepted_ = 0, completed_ = 0;
  Instant first_, last_;  // samples at which the first connection was there, and the last one ended
};

}  // namespace mayfly
