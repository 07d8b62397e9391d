// The live lab: a server and a generator as cores of this process, whose policy changes while they
// run. One file, one preset for both ends.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/reading.h"
#include "config/live.h"
#include "config/read.h"
#include "nic/clock.h"
#include "nic/eal.h"
#include "run/lab_ends.h"
#include "run/stop.h"

namespace mayfly::run {

/// Reads both ends again and again, each time with what belongs to this process.
class LivePair {
 public:
  /// `prepare` sets what the file does not say: devices, the page.
  LivePair(std::string file, std::function<void(config::BothEnds&)> prepare)
      : file_(std::move(file)), prepare_(std::move(prepare)) {}

  /// `sets` are "KEY=VALUE" of serve. Who closes first is set at both ends.
  config::Loaded<config::BothEnds> read(const config::ConfigSource& source,
                                        const config::Machine& machine = {}) const;
  /// The server's part, as LiveSettings reads it.
  config::Loaded<config::ServeSettings> read_server(const config::ConfigSource& source) const;

 private:
  std::string file_;
  std::function<void(config::BothEnds&)> prepare_;
};

/// All calls are for the control thread, except those that are said to be for any thread.
class LiveLab {
 public:
  /// `pair`, `settings` and `devices` outlive the lab.
  static Result<std::unique_ptr<LiveLab>> create(const LivePair& pair,
                                                 const config::BothEnds& settings,
                                                 LabDevices& devices, const nic::TscClock& clock);

  void start(nic::Eal& eal) { ends_.start(eal, settings_); }
  /// Runs until `duration` has passed or a stop is asked for; then ends the poll loops.
  void watch(std::optional<Duration> duration, const StopAsked& stop_asked,
             const std::function<void()>& each_round);
  /// Makes both ends use what is in effect now. One thread at a time.
  void use(const config::LiveSettings<config::ServeSettings>& live);
  /// See ServeRun::prepare.
  Result<void> prepare(const config::ServeSettings& wanted, bool rereads) {
    return ends_.server->prepare(wanted, rereads);
  }

  // -- for any thread --
  std::vector<flow::ShardStats> cores() const { return ends_.server->cores(); }
  /// The server's connections.
  ListedCores listed() { return ends_.server->listed(); }
  TappedCores tapped() { return ends_.server->tapped(); }
  /// Adds the generator and the services.
  void add_to(admin::Reading& reading);
  /// The server's keys, and the generator's under `client`.
  nlohmann::ordered_json json();

 private:
  LiveLab(const LivePair& pair, const config::BothEnds& settings)
      : pair_(pair), settings_(settings), client_time_wait_(settings.client.shard.time_wait) {}

  const LivePair& pair_;
  const config::BothEnds& settings_;
  LabEnds ends_;
  nic::TscClock clock_;
  std::mutex changing_;  // guards the next one
  flow::TimeWaitPolicy client_time_wait_;
};

}  // namespace mayfly::run
