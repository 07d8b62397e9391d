// The progress of the lab: on a terminal one line that is overwritten, with a bar and the time
// left; otherwise a line for each experiment.
#pragma once

#include <string>

#include "config/settings.h"
#include "lab/result.h"

namespace mayfly::app {

class LabProgress {
 public:
  /// The names and lengths of the experiments.
  LabProgress(const config::LabSettings& settings, bool terminal);

  void on_sample(const config::LabExperiment& experiment, const lab::LabSample& sample);
  void on_end(const lab::ExperimentRun& run);
  /// `done` of `all` ledgers: one for each policy and seed.
  void on_hazards(std::size_t done, std::size_t all);

 private:
  void line(const std::string& text);

  bool terminal_;
  double all_s_ = 0, done_s_ = 0;
  std::size_t number_ = 1, count_, policies_;
};

}  // namespace mayfly::app
