#include "lab_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "config/units.h"
#include "lab/evaluate.h"

namespace mayfly::app {
namespace {

/// The time between two experiments, in which memory is allocated and freed.
constexpr double kPauseSeconds = 0.2;

double seconds_of(const load::LoadShape& load) { return load.duration.seconds() + kPauseSeconds; }

std::string bar(double part) {
  constexpr int kWidth = 24;
  const int filled = static_cast<int>(std::clamp(part, 0.0, 1.0) * kWidth);
  return "[" + std::string(static_cast<std::size_t>(filled), '=') +
         std::string(static_cast<std::size_t>(kWidth - filled), ' ') + "]";
}

std::string time_left(double seconds) {
  const int whole = std::max(0, static_cast<int>(seconds + 0.5));
  return whole >= 60 ? fmt::format("{} min {:02} s left", whole / 60, whole % 60)
                     : fmt::format("{} s left", whole);
}

}  // namespace

LabProgress::LabProgress(const config::LabSettings& settings, bool terminal)
    : terminal_(terminal),
      count_(settings.experiments.size()),
      policies_(settings.hazards.policies.size()) {
  for (const config::LabExperiment& experiment : settings.experiments)
    all_s_ += seconds_of(experiment.client.load);
}

void LabProgress::line(const std::string& text) {
  if (!terminal_) return;
  fmt::print("\r\033[K{}", text);
  std::fflush(stdout);
}

void LabProgress::on_sample(const config::LabExperiment& experiment, const lab::LabSample& sample) {
  const double now = done_s_ + std::min(sample.t, seconds_of(experiment.client.load));
  line(fmt::format("{} {}/{} {:.28}  {:.0f}/s  TIME_WAIT {}  {}", bar(now / all_s_), number_,
                   count_, experiment.name, sample.cps,
                   std::max(sample.server_time_wait, sample.client_time_wait),
                   time_left(all_s_ - now)));
}

void LabProgress::on_end(const lab::ExperimentRun& run) {
  line("");
  done_s_ += seconds_of(run.settings.client.load);
  const lab::LabFigures figures = figures_of(run);
  const auto verdict = verdict_on(run.settings, figures);
  const std::string rate = figures.judged > 0 ? fmt::format("{:>9.0f}/s, unevenness {:.2f}",
                                                            figures.sustained, figures.swing)
                                              : std::string("no sample after the warm-up");
  fmt::print("{:>3}/{} {:<32} {}{}{}{}\n", number_++, count_, run.settings.name, rate,
             !verdict         ? ""
             : verdict->holds ? "  as predicted"
                              : "  NOT as predicted: " + verdict->words,
             run.runs > 1 ? fmt::format("  (run {})", run.runs) : "",
             run.interrupted ? "  (interrupted)" : "");
  std::fflush(stdout);
}

void LabProgress::on_hazards(std::size_t done, std::size_t all) {
  const double part =
      static_cast<double>(done) / static_cast<double>(std::max<std::size_t>(all, 1));
  line(fmt::format("{} hazards: ledger {} of {}", bar(part), std::min(done + 1, all), all));
  if (done == all) {
    line("");
    fmt::print("hazards: {} policies over a simulated link\n", policies_);
  }
}

}  // namespace mayfly::app
