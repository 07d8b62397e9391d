// From samples to figures, and from figures to verdicts: did the experiment show what the
// arithmetic says?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/result.h"
#include "plan/demand.h"

namespace mayfly::lab {

/// What counts as keeping up: this share of the offered rate, and a swing below that.
inline constexpr double kFlatShare = 0.97, kFlatSwing = 0.1;
/// A collapse: at most this share of the offered rate, and a swing above that.
inline constexpr double kCollapseShare = 0.5, kCollapseSwing = 0.3;
/// How near to the arithmetic a bound has to be.
inline constexpr double kBoundError = 0.05;

/// What an experiment came to, after its warm-up and before its drain.
struct LabFigures {
  double offered = 0;      ///< connections a second that were wanted; closed loop: 0
  double expected = 0;     ///< connections a second that the arithmetic allows; 0 = no limit known
  std::string because;     ///< that arithmetic in words: "20,000 entries / 2 s = 10,000/s"
  std::size_t judged = 0;  ///< samples that the means are of; 0 = the means say nothing
  double sustained = 0;    ///< mean connections a second
  double swing = 0;        ///< coefficient of variation of the rate over the samples
  double p50_us = 0, p99_us = 0;           ///< of the whole run
  std::uint64_t peak_time_wait = 0;        ///< entries, of the end that held more
  std::uint64_t peak_time_wait_bytes = 0;  ///< what these entries take (kTimeWaitBytes each)
  double refused = 0, reset = 0, failed = 0, exhausted = 0;  ///< connections a second, mean

  /// The offered rate all the time, with nobody turned away.
  bool is_flat() const {
    return judged > 0 && refused <= 0 && sustained >= kFlatShare * offered && swing < kFlatSwing;
  }
};

/// The samples that count: after the warm-up (and the load's ramp), until the load ended.
std::vector<LabSample> judged_samples(const ExperimentRun& run);

LabFigures figures_of(const ExperimentRun& run);

/// The end that is left with the TIME_WAIT, and for how long.
struct TimeWaitHolder {
  enum class End : std::uint8_t { nobody, server, client };
  End end = End::nobody;
  Duration hold{};  ///< of an entry, or of the source pair; with `balance` the least
};
TimeWaitHolder holder_of(const LabPair& pair);

/// What the arithmetic allows: min(offered, pairs / hold of the end that closes first, capacity /
/// hold where a full table refuses). 0 and empty when nothing limits.
struct Bound {
  double cps = 0;
  std::string because;
};
Bound bound_of(const LabPair& pair);

/// An error of usage if by the arithmetic the experiment's source pairs run out, or a table that
/// refuses fills up, before it ends, and load.overcommit is not set. The words are those of `mayfly
/// plan` and `mayfly load`.
Result<void> check_lasts(const LabPair& pair);

/// The experiment against its expectation. `holds` is what a test reads; `words` says why.
struct LabVerdict {
  bool holds = false;
  std::string words;
};
/// Empty when the experiment expects nothing (Expectation::none).
std::optional<LabVerdict> verdict_on(const ExperimentSettings& settings, const LabFigures& figures);

}  // namespace mayfly::lab
