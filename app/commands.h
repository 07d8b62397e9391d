// The subcommands: each takes what the command line said and returns the process's exit status.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace mayfly {

/// Exit status: all went well; the run failed; the command line or the configuration is wrong.
inline constexpr int kOk = 0, kRunFailed = 1, kBadUsage = 2;

/// What the subcommands that run something have in common.
struct RunOptions {
  std::string config;                ///< -c FILE
  std::vector<std::string> sets;     ///< --set KEY=VALUE
  std::optional<Duration> duration;  ///< --duration
  std::string json;                  ///< --json FILE; empty = none
  std::string out;                   ///< --out DIR, of the lab
};

int serve_command(const RunOptions& options);
int load_command(const RunOptions& options);
int lab_command(const RunOptions& options);
int check_command(const RunOptions& options, const std::string& kind);

}  // namespace mayfly
