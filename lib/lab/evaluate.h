// From samples to figures, and from figures to verdicts: whether an experiment showed what the
// arithmetic predicts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/result.h"
#include "plan/demand.h"

namespace mayfly::lab {

/// A rate is flat with at least this share of the offered rate, and a swing below that.
inline constexpr double kFlatShare = 0.97, kFlatSwing = 0.1;
/// A rate collapses with at most this share of the offered rate, and a swing above that.
inline constexpr double kCollapseShare = 0.5, kCollapseSwing = 0.3;
/// The largest relative distance of a bound from the arithmetic.
inline constexpr double kBoundError = 0.05;

/// The figures of an experiment, after its warm-up and before its drain.
struct LabFigures {
  double offered = 0;      ///< connections a second by the schedule; closed loop: 0
  double expected = 0;     ///< connections a second that the arithmetic allows; 0 = no limit known
  std::string because;     ///< that arithmetic in words: "20,000 entries / 2 s = 10,000/s"
  std::size_t judged = 0;  ///< number of samples in the means; 0 = the means are void
  double sustained = 0;    ///< mean connections a second
  double swing = 0;        ///< coefficient of variation of the rate over the samples
  double p50_us = 0, p99_us = 0;                   ///< of the whole run
  std::uint64_t server_peak = 0, client_peak = 0;  ///< TIME_WAIT entries of each end
  std::uint64_t peak_time_wait = 0;                ///< entries, of the end that held more
  std::uint64_t peak_time_wait_bytes = 0;  ///< memory of these entries (kTimeWaitBytes each)
  double refused = 0, reset = 0, failed = 0, exhausted = 0;  ///< connections a second, mean

  /// True if the offered rate was carried all the time, without a refused SYN.
  bool is_flat() const {
    return judged > 0 && refused <= 0 && sustained >= kFlatShare * offered && swing < kFlatSwing;
  }
};

/// When the load makes its last start. max() = that is not known beforehand.
Duration load_end(const load::LoadShape& shape);

/// The samples in the means: after the warm-up (and the ramp of the load), until the load ended.
std::vector<LabSample> judged_samples(const ExperimentRun& run);

LabFigures figures_of(const ExperimentRun& run);

/// What a calibrating experiment says of the machine: the median of its samples, as a disturbance
/// of a few samples does not move it. `cps` is 0 if it was interrupted, or connections failed.
Calibration calibration_of(const ExperimentRun& run);

/// True unless the run calibrates and its connections failed, or something else was expected of it.
bool is_as_expected(const ExperimentRun& run);

/// An experiment that does not come out as expected, as on a machine that does other work for a
/// moment, is run so often. What is wrong with the policy and not with the machine stays wrong.
inline constexpr int kTries = 3;
/// Runs an experiment by `run_once` until it came out as expected or was interrupted.
template <class RunOnce>
Result<ExperimentRun> run_as_expected(RunOnce&& run_once) {
  Result<ExperimentRun> run = run_once();
  for (int tries = 1; run && !run->interrupted && !is_as_expected(*run) && tries < kTries;) {
    run = run_once();
    if (run) run->runs = ++tries;
  }
  return run;
}

/// The end that holds the TIME_WAIT, and for how long.
struct TimeWaitHolder {
  enum class End : std::uint8_t { nobody, server, client };
  End end = End::nobody;
  Duration hold{};  ///< of an entry, or of the source; with `balance` the shortest
};
TimeWaitHolder holder_of(const LabPair& pair);

/// The rate that the arithmetic allows: the least of what is offered, sources / hold of the end
/// that closes first, and capacity / hold if a full table refuses. 0 and empty if nothing limits
/// it.
struct Bound {
  double cps = 0;
  std::string because;
};
Bound bound_of(const LabPair& pair);

/// An error of usage if, by the arithmetic, the sources of the experiment run out or a table that
/// refuses fills up before it ends, and load.overcommit is not set. The text is that of `mayfly
/// plan` and `mayfly load`.
Result<void> check_lasts(const LabPair& pair);

/// Whether an experiment did what was expected. `words` says why.
struct LabVerdict {
  bool holds = false;
  std::string words;
};
/// nullopt if nothing is expected of the experiment (Expectation::none).
std::optional<LabVerdict> verdict_on(const ExperimentSettings& settings, const LabFigures& figures);

}  // namespace mayfly::lab
