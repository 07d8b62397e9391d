// One run of the generator: its engine, its progress each second, and its end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "admin/stats_json.h"
#include "config/settings.h"
#include "load/load_app.h"
#include "load/report.h"
#include "run/device_engine.h"
#include "run/stop.h"

namespace mayfly {

class LoadRun {
 public:
  /// What the run asks and tells while it is watched.
  struct Watcher {
    StopAsked stop_asked;
    std::function<void()> each_round;  ///< some times a second
    /// Once a second: what there is of the run, `elapsed` after its start.
    std::function<void(const LoadResults&, const ShardStats&, Duration elapsed)> each_second;
  };

  ~LoadRun();

  /// `settings` and `devices` outlive the run.
  static Result<std::unique_ptr<LoadRun>> create(const LoadSettings& settings,
                                                 std::vector<Device>& devices,
                                                 const TscClock& clock);
  /// The source addresses are ours too: ARP for them is answered, frames to them are taken.
  static void own_sources(LoadSettings& settings);
  /// What the app takes beside its shard, for each core.
  static std::size_t bytes_needed(const LoadSettings& settings);

  void start(Eal& eal, std::size_t first_worker);
  /// Until the run is over or a stop is asked for; then ends the poll loops.
  void watch(const Watcher& watcher);
  /// The policy from now on: close, fin_wait_2, tcp and time_wait count. One thread at a time.
  void use(const LoadSettings& settings) { engine_->use(settings.shard, settings.close); }
  /// No more connections; the open ones go on.
  void drain() { engine_->tell(Command::drain); }
  bool finished() const { return engine_->finished(); }
  /// Resets what is open and ends the poll loops.
  void stop();
  /// What all cores have so far. Any thread.
  LoadResults results_so_far();
  /// The JSON of the run so far; an error if a core does not answer. Any thread.
  Result<nlohmann::ordered_json> json_so_far();
  /// The counters of all cores' stacks.
  ShardStats totals() const { return total_of(engine_->stats()); }

  /// After the loops have returned.
  std::vector<CoreReport> reports();
  /// At least one connection was completed, and none failed.
  bool succeeded();

 private:
  explicit LoadRun(const LoadSettings& settings) : settings_(settings) {}
  /// A copy of each core's results; none of one that does not poll.
  std::vector<std::optional<LoadResults>> ask_cores();

  const LoadSettings& settings_;
  std::unique_ptr<DeviceEngine<LoadApp>> engine_;
  TscClock clock_;
  std::mutex asking_;  // one reader at a time (ResultsExchange)
};

}  // namespace mayfly
