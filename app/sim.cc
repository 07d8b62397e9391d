// mayfly sim: simulated worlds, one for each seed. Standard output is the same for the same command
// line; the speed is printed to standard error.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "admin/stats_json.h"
#include "commands.h"
#include "config/read.h"
#include "config/units.h"
#include "nic/eal.h"
#include "print.h"
#include "run/preflight.h"
#include "world/minimise.h"

namespace mayfly::app {
namespace {

using FilePointer = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

int keep_open(std::FILE*) { return 0; }

/// Null when it cannot be written; "-" is standard output.
FilePointer open_text(const std::string& path) {
  if (path == "-") return {stdout, keep_open};
  return {std::fopen(path.c_str(), "w"), std::fclose};
}

int usage(const std::string& what) {
  fmt::print(stderr, "mayfly: {}\n", what);
  return kBadUsage;
}

void print_faults() {
  world::FaultSet::all().for_each(
      [](world::SimFault fault) { fmt::print("{:<13} {}\n", name_of(fault), help_of(fault)); });
}

/// An error if the command line is wrong.
Result<void> read_options(const SimCommand& command, world::SimOptions& options) {
  constexpr std::uint64_t kConnectionsMax = 100'000'000;
  options.seed = command.seed;
  options.no_harm = command.no_harm;
  if (command.duration) options.duration = *command.duration;
  if (command.seeds == 0) return Error{"--seeds 0: must be above 0"};
  if (!command.connections.empty()) {
    const auto count = config::parse_count(command.connections);
    if (!count)
      return Error{fmt::format("--connections {}: {}", command.connections, count.error().what)};
    if (*count == 0 || *count > kConnectionsMax)
      return Error{fmt::format("--connections {}: must be 1 to 100M", command.connections)};
    options.connections = static_cast<std::uint32_t>(*count);
  }
  if (command.faults == "swarm") return {};
  const auto faults = world::parse_faults(command.faults);
  if (!faults) return Error{fmt::format("--faults {}: {}", command.faults, faults.error().what)};
  options.faults = *faults;
  return {};
}

/// The command that runs the same world again.
std::string command_line(const SimCommand& command, const world::SimOptions& options) {
  std::string text = fmt::format("mayfly sim --seed {}", options.seed);
  if (options.connections > 0) text += fmt::format(" --connections {}", options.connections);
  text += fmt::format(" --faults {}", to_string(*options.faults));
  if (command.no_harm) text += " --no-harm";
  if (!command.policy.empty()) text += " --policy " + command.policy;
  if (options.duration.us > 0) text += " --duration " + config::format_duration(options.duration);
  return text;
}

void print_result(const world::SimResult& r) {
  fmt::print(
      "{} connections begun, {} completed; {} TIME_WAITs, {} reopened, {} restored; {} met foreign "
      "octets\n{} frames, trace {:016x}, {:.6f} s simulated\n",
      r.opened, r.completed, r.time_waits, r.reopened, r.restored, r.harm, r.frames, r.digest,
      r.simulated.seconds());
}

void print_violation(const world::Violation& violation, Instant start) {
  fmt::print("VIOLATED at {:.6f} s: {}: {}\n", (violation.at - start).seconds(), violation.oracle,
             violation.what);
}

nlohmann::ordered_json json_of(const world::SimOptions& options, const world::SimResult& r) {
  nlohmann::ordered_json json;
  json["seed"] = options.seed;
  json["faults"] = to_string(make_scenario(options).faults);
  json["opened"] = r.opened;
  json["completed"] = r.completed;
  json["foreign_octets"] = r.harm;
  json["time_wait"] = {
      {"opened", r.time_waits}, {"reopened", r.reopened}, {"restored", r.restored}};
  json["frames"] = r.frames;
  json["simulated_s"] = r.simulated.seconds();
  json["trace"] = fmt::format("{:016x}", r.digest);
  if (r.violation)
    json["violation"] = {{"oracle", r.violation->oracle}, {"what", r.violation->what}};
  return json;
}

/// The last lines of a text file, to standard output.
void print_tail(const std::string& path) {
  constexpr long kTail = 12'000;  // octets
  const FilePointer file(std::fopen(path.c_str(), "r"), std::fclose);
  if (file == nullptr || std::fseek(file.get(), 0, SEEK_END) != 0) return;
  const long size = std::ftell(file.get());
  if (std::fseek(file.get(), std::max(0L, size - kTail), SEEK_SET) != 0) return;
  std::string text(static_cast<std::size_t>(std::min(size, kTail)), '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (size > kTail) text.erase(0, text.find('\n') + 1);
  fmt::print("{}", text);
}

/// Makes the failing world smaller, and shows what happens in it.
int explain_failure(const SimCommand& command, const world::SimOptions& failing,
                    const world::SimResult& result) {
  print_violation(*result.violation, make_scenario(failing).start);
  fmt::print("making it smaller ...\n");
  std::fflush(stdout);
  const auto smaller = minimise(failing, result);
  if (!smaller) {
    fmt::print(stderr, "mayfly: {}\n", smaller.error().what);
    return kRunFailed;
  }
  const world::SimOptions& options = smaller->options;
  const world::Scenario scenario = make_scenario(options);
  const std::filesystem::path folder(command.out);
  std::error_code no_folder;  // if it cannot be made, opening the files in it fails
  std::filesystem::create_directories(folder, no_folder);
  const std::string base = (folder / fmt::format("sim-{}", failing.seed)).string();
  const FilePointer text = open_text(base + ".txt");
  auto pcap = wire::PcapFile::create(base + ".pcap", Instant{});
  if (text == nullptr || !pcap) {
    fmt::print(stderr, "mayfly: cannot write {0}.txt and {0}.pcap\n", base);
    return kRunFailed;
  }
  if (const auto again = live_through(options, text.get(), *pcap); !again)
    fmt::print(stderr, "mayfly: {}\n", again.error().what);
  std::fflush(text.get());
  print_tail(base + ".txt");
  fmt::print("{}\n", describe(scenario));
  print_violation(*smaller->result.violation, scenario.start);
  fmt::print("again: {}\nall of it: {}.txt, {}.pcap\nseed {}\n", command_line(command, options),
             base, base, failing.seed);
  return kRunFailed;
}

/// The totals of all seeds of a run.
struct Totals {
  std::uint64_t opened = 0, completed = 0, frames = 0, harm = 0;
  void add(const world::SimResult& r) {
    opened += r.opened;
    completed += r.completed;
    frames += r.frames;
    harm += r.harm;
  }
};

void print_speed(const Totals& totals, std::chrono::steady_clock::time_point began) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print(stderr, "{:.3f} s: {:.0f} connections/s, {:.0f} frames/s\n", took.count(),
             static_cast<double>(totals.opened) / took.count(),
             static_cast<double>(totals.frames) / took.count());
}

int run_one(const SimCommand& command, const world::SimOptions& options) {
  FilePointer text(nullptr, keep_open);
  std::shared_ptr<wire::PcapFile> pcap;
  if (!command.trace.empty() && (text = open_text(command.trace)) == nullptr)
    return usage(fmt::format("--trace {}: cannot be written", command.trace));
  if (!command.pcap.empty()) {
    auto file = wire::PcapFile::create(command.pcap, Instant{});
    if (!file) return usage("--pcap: " + file.error().what);
    pcap = *file;
  }
  fmt::print("seed {}\n{}\n", options.seed, describe(make_scenario(options)));
  const auto began = std::chrono::steady_clock::now();
  const auto result = live_through(options, text.get(), pcap);
  if (!result) {
    fmt::print(stderr, "mayfly: {}\n", result.error().what);
    return kRunFailed;
  }
  print_result(*result);
  Totals totals;
  totals.add(*result);
  print_speed(totals, began);
  if (!command.json.empty())
    if (const auto written = admin::write_json(command.json, json_of(options, *result)); !written)
      fail(written.error());
  if (result->violation) return explain_failure(command, options, *result);
  fmt::print("seed {}\n", options.seed);
  return kOk;
}

int run_many(const SimCommand& command, world::SimOptions options) {
  const auto began = std::chrono::steady_clock::now();
  const std::uint64_t last = command.seed + command.seeds - 1;
  Totals totals;
  fmt::print("seeds {} to {}\n", command.seed, last);
  for (; options.seed <= last; ++options.seed) {
    const auto result = live_through(options);
    if (!result) {
      fmt::print(stderr, "mayfly: seed {}: {}\n", options.seed, result.error().what);
      return kRunFailed;
    }
    totals.add(*result);
    if (!result->violation) continue;
    fmt::print("seed {}\n{}\n", options.seed, describe(make_scenario(options)));
    return explain_failure(command, options, *result);
  }
  fmt::print("{} connections begun, {} completed; {} met foreign octets; {} frames\n",
             totals.opened, totals.completed, totals.harm, totals.frames);
  print_speed(totals, began);
  fmt::print("seeds {} to {}: nothing violated\n", command.seed, last);
  return kOk;
}

}  // namespace

int sim_command(const SimCommand& command) {
  if (command.faults == "list") {
    print_faults();
    return kOk;
  }
  world::SimOptions options;
  if (const auto read = read_options(command, options); !read) return usage(read.error().what);
  if (const auto writes = run::check_output(command.json); !writes) return fail(writes.error());
  if (const auto writes = run::check_output_folder(command.out); !writes)
    return fail(writes.error());
  if (!command.policy.empty()) {
    auto policy = config::read_policy(command.policy);
    if (!policy.settings) {
      print_errors(policy.errors);
      return kBadUsage;
    }
    options.policy = world::EndPolicies{policy.settings->server, policy.settings->client};
  }
  nic::EalOptions eal_options;
  eal_options.hugepages = nic::HugePagesMode::never;
  const auto eal = start_eal(eal_options);
  if (!eal) {
    fmt::print(stderr, "mayfly: {}\n", eal.error().what);
    return kRunFailed;
  }
  return command.seeds == 1 ? run_one(command, options) : run_many(command, options);
}

}  // namespace mayfly::app
