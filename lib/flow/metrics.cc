#include "flow/metrics.h"

namespace mayfly::flow {
namespace {

template <std::size_t N>
void add(std::array<Counter, N>& sum, const std::array<Counter, N>& one) noexcept {
  for (std::size_t i = 0; i < N; ++i) sum[i].add(one[i].get());
}

}  // namespace

ShardStats total_of(std::span<const ShardStats> cores) noexcept {
  ShardStats total;
  set_totals(kShardMetrics, cores, total);
  for (const ShardStats& core : cores) {
    add(total.time_wait_evicted_age, core.time_wait_evicted_age);
    add(total.drops, core.drops);
    add(total.closed, core.closed);
    add(total.states, core.states);
    add(total.stage_cycles, core.stage_cycles);
  }
  return total;
}

}  // namespace mayfly::flow
