// The files of the lab: summary.json, samples.csv and report.html, one self-contained page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lab/evaluate.h"
#include "lab/result.h"

namespace mayfly::lab {

/// {origin, summary, experiments: [{name, title, story, policy, expect, expected_cps, because,
/// sustained_cps, swing, p99_us, ..., holds, verdict, server, client}], stories: {"1": {holds,
/// ...}}, hazards: {seed, ledger}, policies: [...], advice: [...]}, and for a single experiment
/// `server` and `client` as serve and load write them. It depends on `result` alone.
nlohmann::ordered_json lab_json(const LabResult& result);

/// A header line, then one line for each sample: experiment, t, cps, ...
std::string samples_csv(const LabResult& result);

/// The page. No other file and no network is needed to show it.
std::string report_html(const LabResult& result);

/// Text for a terminal: a line for each experiment, and one for each policy in the ledger.
std::string lab_table(const LabResult& result);

}  // namespace mayfly::lab
