// Tells where the cycles of a poll go, stage by stage. It reads a counter ten times a poll, so only
// a build with -Dstage_clock=true has it: in any other it is nothing at all.
#pragma once

#include <array>
#include <cstdint>

#include "flow/metrics.h"
#include "flow/stage.h"

namespace mayfly::shard {

/// `Read` returns a counter that only grows. A processor that works ahead is at work on two stages
/// at once around each reading, so that a few cycles are another stage's.
template <class Read>
class StageClock {
 public:
  explicit StageClock(Read read = {}) : read_(read) {}

  /// A poll begins.
  void begin() noexcept {
    spent_ = {};
    last_ = read_();
  }
  /// What has passed since begin(), or since the last end(), was spent in this stage.
  void end(flow::Stage stage) noexcept {
    const std::uint64_t now = read_();
    spent_[static_cast<std::size_t>(stage)] += now - last_;
    last_ = now;
  }
  /// The poll did work: counts it.
  void count(flow::ShardStats& stats) const noexcept {
    for (std::size_t i = 0; i < spent_.size(); ++i) stats.stage_cycles[i].add(spent_[i]);
  }

 private:
  Read read_;
  std::uint64_t last_ = 0;
  std::array<std::uint64_t, flow::kStageCount> spent_{};
};

/// In a build without: the same calls, and nothing behind them.
struct NoStageClock {
  void begin() noexcept {}
  void end(flow::Stage) noexcept {}
  void count(flow::ShardStats&) const noexcept {}
};

#ifdef MAYFLY_STAGE_CLOCK
/// The processor's time stamp counter.
struct CycleCounter {
  std::uint64_t operator()() const noexcept { return __builtin_ia32_rdtsc(); }
};
using PollClock = StageClock<CycleCounter>;
#else
using PollClock = NoStageClock;
#endif

}  // namespace mayfly::shard
