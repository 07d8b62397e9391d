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

namespace mayfly::run {

class LoadRun {
 public:
  /// What the run asks and tells while it is watched.
  struct Watcher {
    StopAsked stop_asked;
    std::function<void()> each_round;  ///< some times a second
    /// Once a second: what there is of the run, `elapsed` after its start.
    std::function<void(const load::LoadResults&, const flow::ShardStats&, Duration elapsed)>
        each_second;
  };

  ~LoadRun();

  /// `settings` and `devices` outlive the run.
  static Result<std::unique_ptr<LoadRun>> create(const config::LoadSettings& settings,
                                                 std::vector<nic::Device>& devices,
                                                 const nic::TscClock& clock);
  /// The source addresses are ours too: ARP for them is answered, frames to them are taken.
  static void own_sources(config::LoadSettings& settings);
  /// What the app takes beside its shard, for each core.
  static std::size_t bytes_needed(const config::LoadSettings& settings);

  void start(nic::Eal& eal, std::size_t first_worker);
  /// Until the run is over or a stop is asked for; then ends the poll loops.
  void watch(const Watcher& watcher);
  /// The policy from now on: close, fin_wait_2, tcp and time_wait count. One thread at a time.
  void use(const config::LoadSettings& settings) { engine_->use(settings.shard, settings.close); }
  /// No more connections; the open ones go on.
  void drain() { engine_->tell(Command::drain); }
  bool finished() const { return engine_->finished(); }
  /// Resets what is open and ends the poll loops.
  void stop();
  /// What all cores have so far. Any thread.
  load::LoadResults results_so_far();
  /// The JSON of the run so far; an error if a core does not answer. Any thread.
  Result<nlohmann::ordered_json> json_so_far();
  /// The counters of all cores' stacks.
  flow::ShardStats totals() const { return total_of(engine_->stats()); }

  /// After the loops have returned.
  std::vector<load::CoreReport> reports();
  /// At least one connection was completed, and none failed.
  bool succeeded();

 private:
  explicit LoadRun(const config::LoadSettings& settings) : settings_(settings) {}
  /// A copy of each core's results; none of one that does not poll.
  std::vector<std::optional<load::LoadResults>> ask_cores();

  const config::LoadSettings& settings_;
  std::unique_ptr<DeviceEngine<load::LoadApp>> engine_;
  nic::TscClock clock_;
  std::mutex asking_;  // one reader at a time (ResultsExchange)
};

}  // namespace mayfly::run
