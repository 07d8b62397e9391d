// Control of a run from outside: by the control socket of `mayfly ctl`, or by the caller. Both use
// the same change of settings.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "admin/control.h"
#include "admin/requests.h"
#include "base/result.h"
#include "config/live.h"

namespace mayfly::run {

/// T is ServeSettings or LoadSettings. The control socket has its own thread.
template <class T>
class Controls {
 public:
  /// The run that is controlled. What the functions use outlives the Controls.
  struct Run {
    std::function<void(const T&)> use;  ///< makes the run use new settings
    /// Reads again what the settings name, when the configuration is.
    std::function<Result<void>(const T&)> reread;
    std::function<nlohmann::ordered_json()> stats;  ///< the counters; called on any thread
    /// Called with the result of every request for a change; one at a time, on any thread.
    std::function<void(const config::Change&)> on_change;
  };

  Controls(config::LiveSettings<T> live, Run run) : live_(std::move(live)), run_(std::move(run)) {}

  /// Opens the control socket, if the settings have one.
  Result<void> open();
  /// Reads the configuration again. Any thread may call it.
  config::Change reload();

 private:
  admin::ControlActions actions();
  config::Change apply(const std::function<config::Change(config::LiveSettings<T>&)>& wish);

  std::mutex changing_;  // the socket's thread and the one that calls reload()
  config::LiveSettings<T> live_;
  Run run_;
  std::unique_ptr<admin::ControlServer> server_;  // the last: its thread uses the others
};

}  // namespace mayfly::run
