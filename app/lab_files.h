// The files that the lab leaves behind.
#pragma once

#include "commands.h"
#include "lab/result.h"

namespace mayfly::app {

/// Writes summary.json, samples.csv and report.html, and the JSON also to --json, and prints where
/// each is. What does not fit is left out and told on standard error: the others are written all
/// the same. False if one was not written.
bool write_results(const RunOptions& options, const lab::LabResult& result);

}  // namespace mayfly::app
