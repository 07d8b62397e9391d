// One run of the generator: its engine, its progress each second, and its end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "admin/reading.h"
#include "admin/stats_json.h"
#include "config/settings.h"
#include "load/load_app.h"
#include "load/report.h"
#include "run/connection_list.h"
#include "run/device_engine.h"
#include "run/dump.h"
#include "run/stop.h"

namespace mayfly::run {

/// All calls are for the control thread, except those that are said to be for any thread.
class LoadRun {
 public:
  /// The functions that watch() calls, on its own thread.
  struct Watcher {
    StopAsked stop_asked;
    std::function<void()> each_round;  ///< several times a second
    /// Once a second: the results so far, at `elapsed` after the start.
    std::function<void(const load::LoadResults&, const flow::ShardStats&, Duration elapsed)>
        each_second;
  };

  ~LoadRun();

  /// `settings` and `devices` outlive the run. `secrets` key its sequence numbers.
  static Result<std::unique_ptr<LoadRun>> create(const config::LoadSettings& settings,
                                                 std::vector<nic::Device>& devices,
                                                 const nic::TscClock& clock,
                                                 const ShardSecrets& secrets);
  /// Adds the source addresses to those of the ports, so that ARP for them is answered and frames
  /// to them are accepted.
  static void own_sources(config::LoadSettings& settings);
  /// Bytes of the app for each core, without the shard.
  static std::size_t bytes_needed(const config::LoadSettings& settings);

  void start(nic::Eal& eal, std::size_t first_worker);
  /// Waits until the run is over or a stop is asked for; then ends the poll loops.
  void watch(const Watcher& watcher);
  /// Replaces the policy: close, fin_wait_2, tcp and time_wait. One thread at a time.
  void use(const config::LoadSettings& settings) { engine_->use(settings.shard, settings.close); }
  /// Opens no more connections; open ones continue.
  void drain() { engine_->tell(Command::drain); }
  bool finished() const { return engine_->finished(); }
  /// True if watch() ended it before its time.
  bool is_interrupted() const { return is_interrupted_; }
  /// The first intended start, as time since 1970; after start().
  Duration began() const { return began_; }
  /// Resets open connections and ends the poll loops.
  void stop();
  /// The gateway or the target, if it does not answer ARP.
  SilentNeighbours silent_neighbour() const { return engine_->silent_neighbour(); }
  /// An IPv6 address of ours that somebody else has too.
  std::optional<Ipv6Address> duplicate_address() const { return engine_->duplicate_address(); }
  /// The results of the cores that answer in time, which one may not on a busy machine.
  struct SoFar {
    load::LoadResults sum;
    bool of_all_cores = true;
  };
  /// Any thread may call it.
  SoFar results_so_far();
  /// Adds the results, if all cores answer in time. Any thread may call it.
  void add_to(admin::Reading& reading);
  /// The JSON of the run so far; an error if a core does not answer. Any thread may call it.
  Result<nlohmann::ordered_json> json_so_far();
  /// The counters of each core's stack. Any thread may call it.
  std::vector<flow::ShardStats> cores() const { return engine_->stats(); }
  /// The cores whose frames can be watched.
  TappedCores tapped() { return tapped_cores(*engine_, settings_.process, clock_); }
  /// Any thread may ask for its list of connections, one at a time.
  ListedCores listed() { return listed_cores(*engine_, clock_); }
  /// The counters of all cores' stacks.
  flow::ShardStats totals() const { return total_of(engine_->stats()); }

  /// The final results; after the loops have returned.
  std::vector<load::CoreReport> reports();
  /// True if at least one connection was completed, and none failed.
  bool succeeded();

 private:
  explicit LoadRun(const config::LoadSettings& settings) : settings_(settings) {}
  /// A copy of the results of each core; nullopt for one that does not poll.
  std::vector<std::optional<load::LoadResults>> ask_cores();

  const config::LoadSettings& settings_;
  std::unique_ptr<DeviceEngine<load::LoadApp>> engine_;
  nic::TscClock clock_;
  bool is_interrupted_ = false;
  Duration began_{};
  std::mutex asking_;  // one reader at a time (ResultsExchange)
};

}  // namespace mayfly::run
