// A program with its own app: the app runs on the devices and cores that a configuration file
// names, from the command line to the orderly end. doc/embedding.md is the guide.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/settings.h"
#include "nic/clock.h"
#include "nic/eal.h"
#include "run/device_engine.h"
#include "run/link_watch.h"
#include "run/orderly_end.h"
#include "run/signals.h"
#include "run/start.h"
#include "shard/app.h"

namespace mayfly::run {

/// Prints each step of a start, and what the start waits for. Ctrl-C gives up waiting.
StartProgress printed_progress();

/// All of a program except its app: the command line, the settings, the EAL and the devices. It
/// prints what happens, as the mayfly program does.
class ProgramHost {
 public:
  /// Reads `-c FILE [--policy NAME] [--set KEY=VALUE...] [--duration TIME] [--json FILE]` and the
  /// file, and opens its devices. A value means that the program must end now with this exit
  /// status: 0 after --help, 1 if a device cannot be opened, 2 for a mistake in the command line or
  /// the file. The reason has been printed.
  std::optional<int> start(int argc, char** argv);

  const config::ProgramSettings& settings() const noexcept { return settings_; }
  /// These are valid only after start() has returned nullopt.
  const nic::TscClock& clock() const noexcept { return *clock_; }
  nic::Eal& eal() noexcept { return *eal_; }
  /// The ports of every core.
  Result<std::vector<CoreWires>> wires();

  /// Prints the error, and returns its exit status.
  int fail(const Error& error) const;
  void say_ready() const;
  void say_draining(std::uint32_t open) const;
  /// True if --duration has passed, the user has asked for the end, or no link has worked for too
  /// long.
  bool is_over() const { return is_hopeless_ || is_time_up(); }
  /// Prints what changes of the links; call it some times a second.
  void follow_links();
  /// Waits for the poll loops, writes the JSON result if it was asked for, prints a summary.
  /// Returns the exit status.
  int end(const std::vector<flow::ShardStats>& stats);

 private:
  bool is_time_up() const;

  config::ProgramSettings settings_;
  std::optional<Duration> duration_;
  std::string json_;
  std::optional<nic::Eal> eal_;
  std::vector<nic::Device> devices_;
  std::optional<nic::TscClock> clock_;  // its rate comes from the EAL
  Instant began_;
  std::optional<LinkWatch> links_;
  bool is_hopeless_ = false;  // no link has worked for too long
};

/// The whole main function of a program with one app on each core. `make_app(settings)` returns a
/// std::unique_ptr<A>; it is called once for each core, before anything is polled. Ends when the
/// user asks for it (Ctrl-C), after --duration, or when all apps have finished. Returns the exit
/// status.
template <class A, class MakeApp>
int run_program(int argc, char** argv, const MakeApp& make_app) {
  ProgramHost host;
  if (const std::optional<int> status = host.start(argc, argv)) return *status;
  auto wires = host.wires();
  if (!wires) return host.fail(wires.error());
  auto engine =
      make_engine<A>(*std::move(wires), host.settings().shard, host.clock(),
                     [&](std::size_t, const nic::DpdkPort&) { return make_app(host.settings()); });
  if (!engine) return host.fail(engine.error());
  start_on(**engine, host.eal(), 0, nic::CapabilitiesMode::keep);
  host.say_ready();
  while (!host.is_over() && !(*engine)->finished()) {
    host.follow_links();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  end_orderly(
      **engine, host.clock(), {host.settings().drain_timeout}, stop_asked,
      [&](std::uint32_t open) { host.say_draining(open); }, [] {});
  return host.end((*engine)->stats());
}

}  // namespace mayfly::run
