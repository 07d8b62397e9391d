// The subcommands: each takes the options of the command line and returns the exit status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "run/demand_texts.h"
#include "run/exit_status.h"

namespace mayfly::app {

using run::kBadUsage, run::kOk, run::kRunFailed;

/// The options that serve, load, lab and check share.
struct RunOptions {
  std::string config;                ///< -c FILE
  std::vector<std::string> sets;     ///< --set KEY=VALUE
  std::optional<Duration> duration;  ///< --duration
  std::string json;                  ///< --json FILE; empty = none
  std::string out;                   ///< --out DIR, of the lab
  std::string policy;                ///< --policy NAME or FILE, of serve and load; empty = none
  std::string page;                  ///< --page ADDRESS:PORT, of serve, load and lab --live
  std::string token_file, socket;    ///< --token-file, and --socket of lab --live
  bool is_live = false;              ///< --live, of the lab
  std::string part, at;              ///< --part 1/3 and --at TIME, of load; empty = not given
  bool is_verbose = false;           ///< --verbose, of serve
};

/// The command line of plan, as it was written; empty = not given.
struct PlanOptions : run::DemandTexts {
  std::string json;  ///< --json FILE
};

/// The command line of ctl.
struct CtlOptions {
  std::string socket;             ///< --socket PATH
  std::vector<std::string> sets;  ///< set KEY=VALUE...
  std::vector<std::string> keys;  ///< unset KEY...
  std::string policy;             ///< policy NAME, try policy NAME
  std::string trial;              ///< try ... --for 30s
  std::string linger;             ///< drain --linger 10s
  bool is_once = false;           ///< top --once
};

/// The command line of ss.
struct SsOptions {
  std::string socket;             ///< --socket PATH
  std::string state, peer, port;  ///< --state NAMES, --peer NET, --port N; empty = any
  bool is_json = false;           ///< --json
};

/// The command line of state import.
struct StateOptions {
  std::string socket;              ///< --socket PATH
  std::vector<std::string> files;  ///< the TIME_WAIT files that another server has left
  bool is_json = false;            ///< --json
};

/// The command line of merge.
struct MergeOptions {
  std::vector<std::string> files;  ///< what load --json wrote
  std::string json;                ///< --json FILE; empty = none
};

/// The command line of dump.
struct DumpOptions {
  std::string socket;                ///< --socket PATH
  std::string file;                  ///< -w FILE; - = standard output
  std::vector<std::string> filter;   ///< the words of a libpcap filter
  std::string core, port, bytes;     ///< --core N, --port N, --bytes N; empty = all
  std::optional<Duration> duration;  ///< --seconds
};

/// The command line of sim.
struct SimCommand {
  std::uint64_t seed = 1, seeds = 1;  ///< --seed N, --seeds COUNT
  std::string connections;            ///< --connections 10k; empty = chosen by the seed
  std::string faults = "swarm";       ///< --faults swarm|none|all|list|NAME,NAME...
  std::string policy;                 ///< --policy NAME or FILE; empty = chosen by the seed
  std::optional<Duration> duration;   ///< --duration, of the faults
  bool no_harm = false;               ///< --no-harm
  std::string trace, pcap, json;      ///< files; empty = none
  std::string out = "out";            ///< folder for the trace of a failing seed
};

int serve_command(const RunOptions& options);
int load_command(const RunOptions& options);
int lab_command(const RunOptions& options);
int live_lab_command(const RunOptions& options);
int check_command(const RunOptions& options, const std::string& kind);
/// `kind`: serve, load, lab or policy.
int schema_command(const std::string& kind);
int doctor_command(const RunOptions& options);
int plan_command(const PlanOptions& options);
/// `folder` has a saved copy of what the tools print; empty = this machine.
int advise_command(const std::string& folder);
/// Makes a cluster's secret; with `rotate` a new one in the place of the present one.
int secret_command(const std::string& file, bool rotate);
int merge_command(const MergeOptions& options);
int sim_command(const SimCommand& command);
int top_command(const CtlOptions& options);
/// Hands files to the server at the socket.
int state_import_command(const StateOptions& options);
int ss_command(const SsOptions& options);
int dump_command(const DumpOptions& options);
/// `request`: stats, settings, history, health, set, unset, policy, try, reload or drain.
int ctl_command(const CtlOptions& options, const std::string& request);

}  // namespace mayfly::app
