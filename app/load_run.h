// One run of the generator: its engine, the line that it prints each second, and its end.
#pragma once

#include <memory>
#include <vector>

#include "engine.h"
#include "load/load_app.h"
#include "load/report.h"

namespace mayfly {

class LoadRun {
 public:
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
  /// Prints a line a second until the run is over or the user stops it, then ends the poll loops.
  void watch();
  /// After the loops have returned.
  std::vector<CoreReport> reports();
  /// At least one connection was completed, and none failed.
  bool succeeded();

 private:
  explicit LoadRun(const LoadSettings& settings) : settings_(settings) {}
  LoadResults results_so_far();

  const LoadSettings& settings_;
  std::unique_ptr<Engine<LoadApp>> engine_;
  TscClock clock_;
};

}  // namespace mayfly
