// Steering a run from outside: the control socket of `mayfly ctl`, and SIGHUP, which reads the
// configuration again. Both end in the same change of settings.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "admin/control.h"
#include "admin/requests.h"
#include "config/live.h"

namespace mayfly {

/// T is ServeSettings or LoadSettings.
template <class T>
class Controls {
 public:
  /// What is steered; it outlives this.
  struct Run {
    std::function<void(const T&)> use;
    std::function<nlohmann::ordered_json()> stats;  ///< asked for by any thread
  };

  Controls(LiveSettings<T> live, Run run) : live_(std::move(live)), run_(std::move(run)) {}

  /// Opens the control socket, if the settings have one. Empty = well; else why not.
  std::string open();
  /// Reads the configuration again if SIGHUP has come since the last look.
  void follow_hangups();

 private:
  ControlActions actions();
  Change apply(const std::function<Change(LiveSettings<T>&)>& wish);

  std::mutex changing_;  // the control thread's requests, and the main thread's SIGHUP
  LiveSettings<T> live_;
  Run run_;
  std::unique_ptr<ControlServer> server_;  // the last: its thread uses the others
};

}  // namespace mayfly
