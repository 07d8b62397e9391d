// An experiment's samples as columns: for the charts, their figures and samples.csv.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "lab/result.h"

namespace mayfly::lab {

struct SampleColumn {
  std::string_view name;
  double (*of)(const LabSample& sample);
};

/// All of LabSample, in its order, `t` first.
extern const std::array<SampleColumn, 16> kSampleColumns;

/// Little's law in time: at each sample the connections that completed within the hold before it.
/// That is how many entries the end with the TIME_WAIT would hold if none was refused, evicted or
/// reopened. Empty when no end holds any.
std::vector<double> little_entries(const ExperimentRun& run);

/// At most `most` sample numbers, rising. Of each stretch of time the lowest and the highest rate
/// stay, so that a swing is as wide as it was. `most` is at least 2.
std::vector<std::size_t> thinned(const std::vector<LabSample>& samples, std::size_t most);

/// {t: [...], cps: [...], ..., little: [...]} of the samples that a chart draws.
nlohmann::ordered_json chart_json(const ExperimentRun& run);

/// {cps: {min, mean, max}, server_time_wait: ..., client_time_wait: ..., little: ...} of all
/// samples; an empty object without samples.
nlohmann::ordered_json extents_json(const ExperimentRun& run);

}  // namespace mayfly::lab
