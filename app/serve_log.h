// What `mayfly serve` says while it runs: its log, fed by what happens and by the counters.
// Standard output has the few lines that scripts wait for, and the summary at the end.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "admin/log.h"
#include "admin/narrator.h"
#include "admin/sampler.h"
#include "config/settings.h"
#include "nic/device.h"
#include "print.h"
#include "run/controls.h"
#include "run/serve_run.h"
#include "run/start.h"

namespace mayfly::app {

/// All calls are for the control thread, except where it says that they are for any.
class ServeLog {
 public:
  explicit ServeLog(const admin::LogSettings& settings) : log_(settings) {}

  /// The start's steps; the table of memory if `is_verbose`.
  run::StartProgress progress(bool is_verbose);
  /// Any thread.
  Say say() {
    return [this](auto level, const char* event, const std::string& words) {
      log_.say(level, event, words);
    };
  }
  /// Says that it serves: what, where, and what the devices do themselves. Prints the line that
  /// scripts wait for.
  void ready(const config::ServeSettings& settings, const std::vector<nic::Device>& devices,
             const std::string& policy);
  /// A request for a change and what came of it. Any thread.
  void changed(const config::Change& change, const std::string& what, const std::string& by);
  /// The same as a function.
  auto on_change() {
    return [this](const config::Change& change, const std::string& what, const std::string& by) {
      changed(change, what, by);
    };
  }
  void draining(std::uint32_t open);
  /// Some times a second: what the counters say, and the sample of the requests.
  void follow(run::ServeRun& run, run::Controls<config::ServeSettings>& controls);

 private:
  void tell_requests(run::ServeRun& run);

  admin::Log log_;
  admin::Sampler sampler_;
  admin::Narrator narrator_;
  std::chrono::steady_clock::time_point next_look_{};
  std::uint64_t lost_ = 0;  // requests that the log missed, as far as it has been told
};

}  // namespace mayfly::app
