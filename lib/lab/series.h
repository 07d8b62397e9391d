// The samples of an experiment as columns, for the charts, their figures and samples.csv.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "lab/result.h"

namespace mayfly::lab {

/// One member of LabSample.
struct SampleColumn {
  std::string_view name;
  double (*of)(const LabSample& sample);
};

/// All members of LabSample in their order, `t` first.
extern const std::array<SampleColumn, 19> kSampleColumns;

/// Little's law over time: at each sample, the connections that completed within the hold before
/// it. The end with the TIME_WAIT would have so many entries if none was refused, evicted or
/// reopened. Empty if no end holds any.
std::vector<double> little_entries(const ExperimentRun& run);

/// At most `most` sample numbers, in rising order. The samples with the lowest and the highest rate
/// of each section are kept, so that a swing is as wide as before. `most` is at least 2.
std::vector<std::size_t> thinned(const std::vector<LabSample>& samples, std::size_t most);

/// {t: [...], cps: [...], ..., little: [...], latency: {p50, ...}} for the samples that a chart
/// draws; the latency, in us, is that of the whole run.
nlohmann::ordered_json chart_json(const ExperimentRun& run);

/// {cps: {min, mean, max}, server_time_wait: ..., client_time_wait: ..., little: ...} of all
/// samples; an empty object without samples.
nlohmann::ordered_json extents_json(const ExperimentRun& run);

}  // namespace mayfly::lab
