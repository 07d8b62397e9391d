// mayfly: one binary, a file per subcommand.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"
#include "config/units.h"
#include "version.h"

namespace {

using mayfly::RunOptions;

// Adds the options of a command that runs something.
void add_run_options(CLI::App& command, RunOptions& options, std::string& duration) {
  command.add_option("-c,--config", options.config, "the YAML file to read")->required();
  command.add_option("--set", options.sets, "override a key: --set time_wait.hold=5s (repeatable)")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--duration", duration, "end by itself after this time: 30s, 5min");
  command.add_option("--json", options.json,
                     "write the result to this file at the end; - = standard output");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Mayfly: a server of short TCP connections on its own TCP stack, and what goes with it.",
      "mayfly"};
  app.require_subcommand(1);
  app.set_version_flag("--version", MAYFLY_VERSION);
  RunOptions options;
  std::string duration, kind = "serve";

  auto* serve = app.add_subcommand("serve", "serve HTTP, echo and discard");
  auto* load = app.add_subcommand("load", "open many short connections to a server and measure it");
  auto* lab = app.add_subcommand("lab", "server and generator as two cores of this process");
  auto* check =
      app.add_subcommand("check", "say what is wrong with a configuration, and what it needs");
  for (auto* command : {serve, load, lab}) add_run_options(*command, options, duration);
  lab->add_option("--out", options.out, "folder for the results");
  check->add_option("-c,--config", options.config, "the YAML file to read")->required();
  check->add_option("--set", options.sets, "override a key (repeatable)")
      ->take_all()
      ->allow_extra_args(false);
  check->add_option("--kind", kind, "what the file is for: serve, load or lab")
      ->check(CLI::IsMember({"serve", "load", "lab"}));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? mayfly::kOk : mayfly::kBadUsage;
  }
  if (!duration.empty()) {
    const auto parsed = mayfly::parse_duration(duration);
    if (!parsed || parsed->us <= 0) {
      fmt::print(stderr, "mayfly: --duration {}: {}\n", duration,
                 parsed ? "must be above 0" : parsed.error().what);
      return mayfly::kBadUsage;
    }
    options.duration = *parsed;
  }
  if (serve->parsed()) return mayfly::serve_command(options);
  if (load->parsed()) return mayfly::load_command(options);
  if (lab->parsed()) return mayfly::lab_command(options);
  return mayfly::check_command(options, kind);
}
