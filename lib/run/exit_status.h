// The exit status of a process: of mayfly, and of programs with their own app.
#pragma once

#include "base/result.h"

namespace mayfly::run {

/// All went well; the run failed; the command line or the configuration is wrong.
inline constexpr int kOk = 0, kRunFailed = 1, kBadUsage = 2;

/// The exit status for an error.
inline int exit_status_of(const Error& error) noexcept {
  return error.kind == ErrorKind::usage ? kBadUsage : kRunFailed;
}

}  // namespace mayfly::run
