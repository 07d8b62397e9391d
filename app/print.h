// Messages of the subcommands: errors, and changes of settings.
#pragma once

#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include "admin/settings.h"
#include "base/result.h"
#include "config/live.h"
#include "config/settings.h"
#include "flow/metrics.h"
#include "nic/clock.h"
#include "nic/device.h"
#include "run/controls.h"
#include "run/exit_status.h"
#include "run/link_watch.h"
#include "run/signals.h"
#include "run/state_file.h"

namespace mayfly::app {

using run::kRunFailed;

/// Prints the error, and returns its exit status: kBadUsage or kRunFailed.
int fail(const Error& error);

/// Tells what the process before has left in time_wait_file; nothing if it left nothing.
void print_carried_over(const flow::ShardStats& totals);

/// Prints all errors of a configuration.
template <class Errors>
void print_errors(const Errors& errors) {
  for (const auto& error : errors) std::fprintf(stderr, "%s\n", to_string(error).c_str());
}

/// Says something that happened while a run goes on; `event` is one word for scripts.
using Say = std::function<void(admin::LogLevel level, const char* event, const std::string& words)>;
/// "mayfly: ..." on standard error, for runs that have no log.
Say say_on_terminal();

/// Tells what changes of the links, and ends a run none of whose links works.
class FollowedLinks {
 public:
  /// `run` tells of a neighbour that does not answer, and of an address of ours that another
  /// host has. It outlives this.
  template <class Run>
  FollowedLinks(const nic::ProcessSettings& process, const std::vector<nic::Device>& devices,
                const nic::TscClock& clock, const Run& run, Say say = say_on_terminal())
      : clock_(clock),
        watch_(run::LinkWatch::of(process, devices, clock.now())),
        silent_([&run] { return run.silent_neighbour(); }),
        duplicate_([&run] { return run.duplicate_address(); }),
        say_(std::move(say)) {}

  /// Some times a second.
  void follow();
  /// What the user asks for, or an end now since there is no link.
  run::Stop stop_asked() const { return is_given_up_ ? run::Stop::now : run::stop_asked(); }
  /// Of a run that would have ended with `status`.
  int exit_status(int status) const { return is_given_up_ ? kRunFailed : status; }
  nlohmann::ordered_json json() const { return watch_.json(clock_.now()); }
  /// The same JSON with what there is to say of the links.
  nlohmann::ordered_json with_links(nlohmann::ordered_json json) const {
    json["links"] = watch_.json(clock_.now());
    return json;
  }

 private:
  const nic::TscClock clock_;
  run::LinkWatch watch_;
  std::function<run::SilentNeighbours()> silent_;
  std::function<std::optional<Ipv6Address>()> duplicate_;
  bool has_told_of_duplicate_ = false;
  Say say_;
  bool is_given_up_ = false;
};

/// run::open_numbers, and tells its warning.
Result<run::Numbers> open_numbers(const std::string& state);
/// Lets the state file keep ahead of the clock, and tells if it cannot.
void keep_numbers(run::Numbers& numbers, const nic::TscClock& clock,
                  const Say& say = say_on_terminal());

/// Prints what changed.
void print_change(const config::Change& change, const std::string& what, const std::string& by);
/// Of this thread, if the settings say so and it has no file to write at the end: root may write
/// others' folders by its capabilities alone.
void give_up_capabilities(const nic::ProcessSettings& process, const std::string& json);
/// Where the page is found; nothing if there is none.
void print_page(const admin::AdminSettings& settings);

/// Controls::open, and tells where the control socket and the page are. Returns an exit status,
/// not 0 after an error, which is printed.
template <class T>
int open_controls(run::Controls<T>& controls, const std::string& kind,
                  const admin::AdminSettings& settings) {
  const auto opened = controls.open(kind);
  if (!opened) return fail(opened.error());
  if (!opened->warning.empty()) std::fprintf(stderr, "mayfly: %s\n", opened->warning.c_str());
  if (!opened->socket.empty()) std::printf("control: %s\n", opened->socket.c_str());
  print_page(settings);
  return 0;
}

/// Reads the configuration again if SIGHUP has come since the last call.
template <class T>
void follow_hangups(run::Controls<T>& controls) {
  if (!run::reload_asked()) return;
  const config::Change change = controls.reload("SIGHUP");
  print_errors(change.errors);
  if (!change.errors.empty() && change.changes.empty())
    std::fprintf(stderr, "mayfly: nothing was changed\n");
}

/// "port 80 http, port 7 echo" and "198.18.0.1/15", for the line that says that the server is
/// ready.
std::string listens_in_words(const config::ServeSettings& settings);
std::string addresses_in_words(const nic::ProcessSettings& process);

}  // namespace mayfly::app
