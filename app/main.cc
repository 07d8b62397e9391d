// mayfly: one binary, a file per subcommand.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "config/units.h"
#include "version.h"

namespace {

using mayfly::app::CtlOptions;
using mayfly::app::PlanOptions;
using mayfly::app::RunOptions;
using mayfly::app::SimCommand;

constexpr const char* kAbout =
    "Mayfly: a server for short TCP connections on its own TCP stack, with a client generator, a "
    "lab and a simulator.";

// Adds the options of a command that runs something.
void add_run_options(CLI::App& command, RunOptions& options, std::string& duration) {
  command.add_option("-c,--config", options.config, "the YAML file to read")->required();
  command.add_option("--set", options.sets, "override a key: --set time_wait.hold=5s (repeatable)")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--duration", duration, "end after this time: 30s, 5min");
  command.add_option("--json", options.json,
                     "write the result to this file at the end; - = standard output");
}

void add_page_options(CLI::App& command, RunOptions& options) {
  command.add_option("--page", options.page,
                     "where a browser finds the live page: 127.0.0.1:9000 (admin.page)");
  command.add_option("--token-file", options.token_file,
                     "file with the token that callers of the page need (admin.token_file)");
}

void add_lab_options(CLI::App& lab, RunOptions& options) {
  lab.get_option("--duration")
      ->description("with one experiment: its length; else the time after which the lab ends");
  lab.add_option("--out", options.out, "folder for the results");
  lab.add_flag("--live", options.is_live,
               "server, generator and the disease, with the page; -c is conf/lab/live.yaml if "
               "not given");
  lab.add_option("--socket", options.socket, "with --live: a socket for mayfly ctl");
  lab.get_option("-c")->required(false);
  lab.get_option("--policy")->description("with --live: the policy to begin with");
}

void add_config_options(CLI::App& command, RunOptions& options) {
  command.add_option("-c,--config", options.config, "the YAML file to read");
  command.add_option("--set", options.sets, "override a key (repeatable)")
      ->take_all()
      ->allow_extra_args(false);
}

void add_check_options(CLI::App& check, RunOptions& options, std::string& kind) {
  add_config_options(check, options);
  check.get_option("-c")->required();
  check
      .add_option("--kind", kind,
                  "what the file is for: serve, load, lab or policy; by default its keys tell")
      ->check(CLI::IsMember({"serve", "load", "lab", "policy"}));
}

/// Says what a lab needs, if it is not there.
bool is_lab_sound(const RunOptions& options) {
  if (options.is_live || (!options.config.empty() && options.policy.empty())) return true;
  fmt::print(stderr, "mayfly: lab needs -c FILE, or --live; --policy is for --live\n");
  return false;
}

/// --page and --token-file are keys of the configuration of serve and load.
bool lay_page_options(RunOptions& options) {
  if (!options.page.empty()) options.sets.push_back("admin.page=" + options.page);
  if (!options.token_file.empty()) options.sets.push_back("admin.token_file=" + options.token_file);
  return true;
}

void add_plan_options(CLI::App& command, PlanOptions& options) {
  command.add_option("--rate", options.rate, "connections a second: 100k, 1M")->required();
  command.add_option("--hold", options.hold, "how long TIME_WAIT is held (2MSL): 60s, 4min")
      ->required();
  command.add_option("--clients", options.clients, "client addresses: 100 if not given");
  command.add_option("--ports", options.ports, "source ports of each: 1024-65535 if not given");
  command.add_option("--capacity", options.capacity,
                     "entries of the server's TIME_WAIT table; as many as are needed if not given");
  command.add_option("--first", options.first, "who closes first: server or client")
      ->check(CLI::IsMember({"server", "client"}));
  command.add_option("--memory", options.memory,
                     "free memory in bytes: 8G; that of this machine if not given");
  command.add_option("--json", options.json,
                     "write the plan to this file too; - = standard output");
}

void add_sim_options(CLI::App& command, SimCommand& sim, std::string& duration) {
  command.add_option("--seed", sim.seed, "the same seed gives the same world")
      ->capture_default_str();
  command.add_option("--seeds", sim.seeds, "number of worlds, with the seeds from --seed on")
      ->capture_default_str();
  command.add_option("--connections", sim.connections,
                     "number of connections; chosen by the seed if not given");
  command
      .add_option(
          "--faults", sim.faults,
          "swarm: chosen by the seed; none; all; names with commas between them; list: show the "
          "names")
      ->capture_default_str();
  command.add_option("--policy", sim.policy,
                     "a preset of conf/policy/ by name, or a file like those, for both ends");
  command.add_flag("--no-harm", sim.no_harm,
                   "also count harm that a short TIME_WAIT does to connections as a violation");
  command.add_option("--duration", duration,
                     "simulated time after which the faults end at the latest");
  command.add_option("--trace", sim.trace, "write every frame as text; - = standard output");
  command.add_option("--pcap", sim.pcap, "write every frame that was sent to this pcap file");
  command.add_option("--out", sim.out, "folder for the trace of a seed that fails")
      ->capture_default_str();
  command.add_option("--json", sim.json, "write the result to this file; - = standard output");
}

void add_ctl_options(CLI::App& command, CtlOptions& options) {
  command.add_option("--socket", options.socket, "the socket of the process: its admin.socket")
      ->required();
  command.require_subcommand(1);
  command.add_subcommand("stats", "show the counters so far, as JSON");
  command.add_subcommand("settings", "show every key and its value");
  command.add_subcommand("history", "show what was changed, when and by whom");
  command.add_subcommand("health", "say whether it works and takes connections; status 0 if so");
  command.add_subcommand("drain", "accept no new connections, and end with the open ones");
  command.add_subcommand("reload", "read the configuration file again");
  command.add_subcommand("set", "override keys: time_wait.hold=5s close.first=client")
      ->add_option("overrides", options.sets, "KEY=VALUE")
      ->required();
  command.add_subcommand("unset", "give up what was set: time_wait.hold")
      ->add_option("keys", options.keys, "KEY")
      ->required();
  auto* attempt = command.add_subcommand(
      "try", "use another preset for a while: try policy balanced --for 30s");
  attempt->require_subcommand(1);
  auto* tried = attempt->add_subcommand("policy", "a preset that goes back by itself");
  tried
      ->add_option("name", options.policy, "a preset of conf/policy/ by name, or a file like those")
      ->required();
  tried->add_option("--for", options.trial, "the time until it goes back: 30s, 2min")->required();
  command.add_subcommand("policy", "use another preset")
      ->add_option("name", options.policy, "a preset of conf/policy/ by name, or a file like those")
      ->required();
}

void add_advise_options(CLI::App& advise, std::string& folder) {
  advise.add_option("--from", folder,
                    "folder with a saved copy: ss-tan, ss-s, sockstat, nstat, sysctl");
}

void add_top_options(CLI::App& top, CtlOptions& options) {
  top.add_option("--socket", options.socket, "the socket of the process: its admin.socket")
      ->required();
  top.add_flag("--once", options.is_once, "print it once, without curses");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{kAbout, "mayfly"};
  app.require_subcommand(1);
  app.set_version_flag("--version", MAYFLY_VERSION);
  RunOptions options;
  std::string duration, kind, saved;

  auto* serve = app.add_subcommand("serve", "serve HTTP, echo and discard");
  auto* load = app.add_subcommand("load", "open many short connections to a server and measure it");
  auto* lab = app.add_subcommand(
      "lab", "run experiments with server and generator as cores of this process");
  auto* check =
      app.add_subcommand("check", "show all errors of a configuration, or the memory it needs");
  auto* plan = app.add_subcommand("plan", "show the arithmetic of a load, without running it");
  PlanOptions plan_options;
  add_plan_options(*plan, plan_options);
  auto* sim =
      app.add_subcommand("sim", "simulate servers, clients and a hostile network, and check them");
  SimCommand sim_command;
  add_sim_options(*sim, sim_command, duration);
  CtlOptions ctl_options;
  auto* advise = app.add_subcommand("advise", "say what to do about the TIME_WAITs of a Linux box");
  add_advise_options(*advise, saved);
  auto* doctor =
      app.add_subcommand("doctor", "say what of this machine is in the way, and the remedy");
  add_config_options(*doctor, options);
  auto* ctl = app.add_subcommand("ctl", "ask a running serve or load, and change its policy");
  add_ctl_options(*ctl, ctl_options);
  auto* top = app.add_subcommand("top", "show a running serve or load in the terminal, live");
  add_top_options(*top, ctl_options);
  for (auto* command : {serve, load, lab}) add_run_options(*command, options, duration);
  for (auto* command : {serve, load, lab, check})
    command->add_option("--policy", options.policy,
                        "a preset of conf/policy/ by name, or a file like those, laid over the "
                        "configuration");
  for (auto* command : {serve, load, lab}) add_page_options(*command, options);
  add_lab_options(*lab, options);
  add_check_options(*check, options, kind);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? mayfly::app::kOk : mayfly::app::kBadUsage;
  }
  if (!duration.empty()) {
    const auto parsed = mayfly::config::parse_run_length(duration);
    if (!parsed) {
      fmt::print(stderr, "mayfly: --duration {}: {}\n", duration, parsed.error().what);
      return mayfly::app::kBadUsage;
    }
    options.duration = sim_command.duration = *parsed;
  }
  const bool is_lab = lab->parsed();
  if (!(is_lab ? is_lab_sound(options) : lay_page_options(options))) return mayfly::app::kBadUsage;
  if (serve->parsed()) return mayfly::app::serve_command(options);
  if (load->parsed()) return mayfly::app::load_command(options);
  if (is_lab)
    return options.is_live ? mayfly::app::live_lab_command(options)
                           : mayfly::app::lab_command(options);
  if (sim->parsed()) return mayfly::app::sim_command(sim_command);
  if (plan->parsed()) return mayfly::app::plan_command(plan_options);
  if (doctor->parsed()) return mayfly::app::doctor_command(options);
  if (advise->parsed()) return mayfly::app::advise_command(saved);
  if (top->parsed()) return mayfly::app::top_command(ctl_options);
  if (ctl->parsed())
    return mayfly::app::ctl_command(ctl_options, ctl->get_subcommands().front()->get_name());
  return mayfly::app::check_command(options, kind);
}
