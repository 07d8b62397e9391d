// mayfly: one binary, a file per subcommand.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "admin/default_socket.h"
#include "commands.h"
#include "config/error.h"
#include "config/units.h"
#include "nic/eal.h"
#include "version.h"

namespace {

namespace app = mayfly::app;
using mayfly::app::CtlOptions;
using mayfly::app::DumpOptions;
using mayfly::app::MergeOptions;
using mayfly::app::PlanOptions;
using mayfly::app::RunOptions;
using mayfly::app::SimCommand;
using mayfly::app::SsOptions;
using mayfly::app::StateOptions;

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

/// Both are keys of the configuration of load.
void add_family_options(CLI::App& command, RunOptions& options) {
  const auto means = [&options](const char* family) {
    return [&options, family](std::int64_t) {
      options.sets.push_back(std::string("target.family=") + family);
    };
  };
  auto* four = command.add_flag_function("-4", means("ipv4"),
                                         "a target's name means its IPv4 address (target.family)");
  command.add_flag_function("-6", means("ipv6"), "or its IPv6 address")->excludes(four);
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

/// --page and --token-file are keys of the configuration of serve and load. "[::1]:9000" is quoted,
/// as YAML takes what begins with a bracket for a list.
void lay_page_options(RunOptions& options) {
  const char* quote = options.page.starts_with('[') ? "'" : "";
  if (!options.page.empty()) options.sets.push_back("admin.page=" + (quote + options.page) + quote);
  if (!options.token_file.empty()) options.sets.push_back("admin.token_file=" + options.token_file);
}

void add_plan_options(CLI::App& command, PlanOptions& options) {
  command.add_option("--rate", options.rate, "connections a second: 100k, 1M")->required();
  command.add_option("--hold", options.hold, "how long TIME_WAIT is held (2MSL): 60s, 4min")
      ->required();
  command.add_option("--clients", options.clients,
                     "client addresses: how many, or which: 2001:db8:1::/112; 100 if not given");
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

constexpr const char* kSocketHelp =
    "the control socket of the process: a path, or serve or load for one in the default place; "
    "needed if there are several";

void add_ctl_options(CLI::App& command, CtlOptions& options) {
  command.add_option("--socket", options.socket, kSocketHelp);
  command.require_subcommand(1);
  command.add_subcommand("stats", "show the counters so far, as JSON");
  command.add_subcommand("settings", "show every key and its value");
  command.add_subcommand("history", "show what was changed, when and by whom");
  command.add_subcommand("health", "say whether it works and takes connections; status 0 if so");
  command.add_subcommand("drain", "accept no new connections, and end with the open ones")
      ->add_option("--linger", options.linger,
                   "time in which new ones are accepted still, but it is not ready any more: 10s");
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

void add_part_options(CLI::App& load, RunOptions& options) {
  load.add_option("--part", options.part,
                  "make this part of the plan, as one of several hosts: 1/3; auto = as mpirun, "
                  "srun, Kubernetes or parallel say");
  load.add_option("--at", options.at,
                  "the first start: 2026-11-29T18:00:00Z, @SECONDS since 1970, or +10s");
}

void add_merge_options(CLI::App& merge, MergeOptions& options) {
  merge.add_option("files", options.files, "what the parts wrote by load --json")->required();
  merge.add_option("--json", options.json, "write the result to this file; - = standard output");
}

void add_advise_options(CLI::App& advise, std::string& folder) {
  advise.add_option("--from", folder,
                    "folder with a saved copy: ss-tan, ss-s, sockstat, nstat, sysctl");
}

void add_top_options(CLI::App& top, CtlOptions& options) {
  top.add_option("--socket", options.socket, kSocketHelp);
  top.add_flag("--once", options.is_once, "print it once, without curses");
}

void add_ss_options(CLI::App& command, SsOptions& options) {
  command.add_option("--socket", options.socket, kSocketHelp);
  command.add_option("--state", options.state,
                     "only these: established, fin-wait-2,time-wait, synchronized, all");
  command.add_option("--peer", options.peer, "only those of this network: 198.18.1.0/24");
  command.add_option("--port", options.port, "only those with this port, at either end");
  command.add_flag("--json", options.is_json, "a line of JSON for each");
}

void add_dump_options(CLI::App& command, DumpOptions& options, std::string& seconds) {
  command.add_option("--socket", options.socket, kSocketHelp);
  command.add_option("-w", options.file, "the pcapng file to write; - = standard output")
      ->required();
  command.add_option("filter", options.filter, "a filter as tcpdump has it: tcp port 80");
  command.add_option("--seconds", seconds, "end after this time: 10s; else with Ctrl-C");
  command.add_option("--core", options.core, "frames of this core alone, the first is 0");
  command.add_option("--port", options.port, "frames of this port of the file alone, from 0");
  command.add_option("--bytes", options.bytes, "copy this much of each frame: 128; else all");
}

/// What was written on the command line, and what it asks for.
struct CommandLine {
  RunOptions options;
  std::string duration, kind, saved;
  PlanOptions plan;
  MergeOptions merge;
  std::string secret_file;
  bool rotate = false;
  SimCommand sim;
  CtlOptions ctl;
  SsOptions ss;
  StateOptions state;
  DumpOptions dump;
  std::function<int()> run;
};

int run_lab(const RunOptions& options) {
  if (!is_lab_sound(options)) return app::kBadUsage;
  return options.is_live ? app::live_lab_command(options) : app::lab_command(options);
}

/// The commands that open devices.
void add_runs(CLI::App& commands, CommandLine& line) {
  auto* serve = commands.add_subcommand("serve", "serve HTTP, echo and discard");
  auto* load =
      commands.add_subcommand("load", "open many short connections to a server and measure it");
  auto* lab = commands.add_subcommand(
      "lab", "run experiments with server and generator as cores of this process");
  auto* check = commands.add_subcommand(
      "check", "show all errors of a configuration, or the memory it needs");
  for (auto* command : {serve, load, lab}) add_run_options(*command, line.options, line.duration);
  for (auto* command : {serve, load, lab, check})
    command->add_option("--policy", line.options.policy,
                        "a preset of conf/policy/ by name, or a file like those, laid over the "
                        "configuration");
  for (auto* command : {serve, load, lab}) add_page_options(*command, line.options);
  add_lab_options(*lab, line.options);
  add_part_options(*load, line.options);
  for (auto* command : {load, check}) add_family_options(*command, line.options);
  serve->add_flag("-v,--verbose", line.options.is_verbose,
                  "print the table of memory at the start");
  add_check_options(*check, line.options, line.kind);
  const auto with_page = [&line](int (*command)(const RunOptions&)) {
    return [&line, command] {
      line.run = [&line, command] {
        lay_page_options(line.options);
        return command(line.options);
      };
    };
  };
  serve->callback(with_page(app::serve_command));
  load->callback(with_page(app::load_command));
  lab->callback([&line] { line.run = [&line] { return run_lab(line.options); }; });
  check->callback(
      [&line] { line.run = [&line] { return app::check_command(line.options, line.kind); }; });
}

/// The commands that calculate, simulate or examine.
void add_studies(CLI::App& commands, CommandLine& line) {
  auto* plan = commands.add_subcommand("plan", "show the arithmetic of a load, without running it");
  add_plan_options(*plan, line.plan);
  plan->callback([&line] { line.run = [&line] { return app::plan_command(line.plan); }; });
  auto* merge = commands.add_subcommand("merge", "make one report of the parts of a load");
  add_merge_options(*merge, line.merge);
  merge->callback([&line] { line.run = [&line] { return app::merge_command(line.merge); }; });
  auto* secret = commands.add_subcommand("secret", "make the secret of a cluster");
  secret->add_option("file", line.secret_file, "the file to make, mode 0600")->required();
  secret->add_flag("--rotate", line.rotate, "a new one; the present one becomes the former");
  secret->callback([&line] {
    line.run = [&line] { return app::secret_command(line.secret_file, line.rotate); };
  });
  auto* sim = commands.add_subcommand(
      "sim", "simulate servers, clients and a hostile network, and check them");
  add_sim_options(*sim, line.sim, line.duration);
  sim->callback([&line] { line.run = [&line] { return app::sim_command(line.sim); }; });
  auto* schema = commands.add_subcommand("schema", "print a JSON Schema of the keys, for editors");
  schema->add_option("kind", line.kind, "serve, load, lab or policy")
      ->required()
      ->check(CLI::IsMember({"serve", "load", "lab", "policy"}));
  schema->callback([&line] { line.run = [&line] { return app::schema_command(line.kind); }; });
  auto* advise =
      commands.add_subcommand("advise", "say what to do about the TIME_WAITs of a Linux box");
  add_advise_options(*advise, line.saved);
  advise->callback([&line] { line.run = [&line] { return app::advise_command(line.saved); }; });
  auto* doctor =
      commands.add_subcommand("doctor", "say what of this machine is in the way, and the remedy");
  add_config_options(*doctor, line.options);
  add_family_options(*doctor, line.options);
  doctor->callback([&line] { line.run = [&line] { return app::doctor_command(line.options); }; });
}

/// Asks at the socket that `socket` means.
int ask_at(std::string& socket, const std::function<int()>& question) {
  const auto meant = mayfly::admin::socket_meant(socket);
  if (!meant) {
    fmt::print(stderr, "mayfly: {}\n", meant.error().what);
    return app::kRunFailed;
  }
  socket = *meant;
  return question();
}

void add_state(CLI::App& commands, CommandLine& line) {
  auto* state = commands.add_subcommand("state", "what outlives a process");
  state->require_subcommand(1);
  auto* import_files = state->add_subcommand(
      "import", "hand the TIME_WAIT files of a server that has left for good to a running one");
  import_files->add_option("files", line.state.files, "files of time_wait_file: /dev/shm/web.0 ...")
      ->required();
  import_files->add_option("--socket", line.state.socket, kSocketHelp);
  import_files->add_flag("--json", line.state.is_json, "the answer as JSON");
  const auto ask_state = [&line] { return app::state_import_command(line.state); };
  import_files->callback([&line, ask_state] {
    line.run = [&line, ask_state] { return ask_at(line.state.socket, ask_state); };
  });
}

/// The commands that ask a running process.
void add_questions(CLI::App& commands, CommandLine& line) {
  auto* ctl = commands.add_subcommand("ctl", "ask a running serve or load, and change its policy");
  add_ctl_options(*ctl, line.ctl);
  const auto ask_ctl = [&line, ctl] {
    return app::ctl_command(line.ctl, ctl->get_subcommands().front()->get_name());
  };
  ctl->callback([&line, ask_ctl] {
    line.run = [&line, ask_ctl] { return ask_at(line.ctl.socket, ask_ctl); };
  });
  auto* top = commands.add_subcommand("top", "show a running serve or load in the terminal, live");
  add_top_options(*top, line.ctl);
  const auto ask_top = [&line] { return app::top_command(line.ctl); };
  top->callback([&line, ask_top] {
    line.run = [&line, ask_top] { return ask_at(line.ctl.socket, ask_top); };
  });
  auto* dump = commands.add_subcommand(
      "dump", "capture frames of a running serve or load, with what became of each");
  add_dump_options(*dump, line.dump, line.duration);
  const auto ask_dump = [&line] {
    line.dump.duration = line.options.duration;
    return app::dump_command(line.dump);
  };
  dump->callback([&line, ask_dump] {
    // --seconds 10 has no unit.
    if (!line.duration.empty() && std::isdigit(static_cast<unsigned char>(line.duration.back())))
      line.duration += 's';
    line.run = [&line, ask_dump] { return ask_at(line.dump.socket, ask_dump); };
  });
  add_state(commands, line);
  auto* ss =
      commands.add_subcommand("ss", "list the connections and TIME_WAITs of a serve or load");
  add_ss_options(*ss, line.ss);
  const auto ask_ss = [&line] { return app::ss_command(line.ss); };
  ss->callback(
      [&line, ask_ss] { line.run = [&line, ask_ss] { return ask_at(line.ss.socket, ask_ss); }; });
}

/// `mayfly help serve` is `mayfly serve --help`.
std::vector<std::string> without_help(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] != "help") return words;
  words.erase(words.begin());
  words.emplace_back("--help");
  return words;
}

/// After an error: says that there is no such command if a word stands where one is wanted.
bool is_unknown_command(const CLI::App& commands) {
  const CLI::App* within = &commands;
  std::string path;
  while (!within->get_subcommands().empty()) {
    within = within->get_subcommands().front();
    path += within->get_name() + " ";
  }
  const std::vector<std::string> rest = within->remaining();
  if (within->get_require_subcommand_min() == 0 || rest.empty() || rest[0].starts_with('-'))
    return false;
  std::vector<std::string> names;
  for (const CLI::App* command : within->get_subcommands({})) names.push_back(command->get_name());
  const auto likely = mayfly::config::nearest(rest[0], names);
  fmt::print(stderr, "mayfly: there is no command \"{}{}\"; {}\n", path, rest[0],
             likely ? fmt::format("did you mean {}{}?", path, *likely)
                    : fmt::format("there are {}", fmt::join(names, ", ")));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App commands{kAbout, "mayfly"};
  commands.require_subcommand(1);
  commands.set_version_flag("--version", fmt::format("mayfly {} ({}), {}", MAYFLY_VERSION,
                                                     MAYFLY_COMMIT, mayfly::nic::dpdk_version()));
  CommandLine line;
  add_runs(commands, line);
  add_studies(commands, line);
  add_questions(commands, line);
  std::vector<std::string> words = without_help(argc, argv);
  std::ranges::reverse(words);  // as CLI11 wants them
  try {
    commands.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    if (is_unknown_command(commands)) return app::kBadUsage;
    return commands.exit(error) == 0 ? app::kOk : app::kBadUsage;
  }
  if (!line.duration.empty()) {
    const auto parsed = mayfly::config::parse_run_length(line.duration);
    if (!parsed) {
      fmt::print(stderr, "mayfly: the time {}: {}\n", line.duration, parsed.error().what);
      return app::kBadUsage;
    }
    line.options.duration = line.sim.duration = *parsed;
  }
  return line.run();
}
