// What a timer costs beside 1 thousand, 1 million and 16 million others: the price of TIME_WAIT's
// clock.

#include <benchmark/benchmark.h>

#include <array>
#include <numeric>
#include <vector>

#include "base/prng.h"
#include "base/region.h"
#include "timer/wheel.h"

namespace mayfly::bench {
namespace {

constexpr Duration kHold = 60_s;

/// As large as a TIME_WAIT entry.
struct Entry {
  timer::WheelNode timer;
  std::array<std::uint32_t, 5> rest;
};
static_assert(sizeof(Entry) == 32);

/// Entries armed evenly over the hold. Scattered is the worst case: each expires far from the one
/// before. A slab under a steady load stays near the other end, since what expires is taken again
/// at once.
class Holder {
 public:
  Holder(std::uint32_t held, bool scattered)
      : memory_(Region::map(std::size_t{held} * sizeof(Entry), HugePages::auto_)),
        entries_(memory_->as<Entry>()) {
    std::vector<std::uint32_t> order(held);
    std::iota(order.begin(), order.end(), 0U);
    Prng prng(1);
    for (std::uint32_t i = held; scattered && i > 1; --i)
      std::swap(order[i - 1], order[prng.below(i)]);
    for (std::uint32_t i = 0; i < held; ++i)
      wheel.arm(*this, order[i], Instant{} + kHold * i / held + 1_ms);
  }

  timer::WheelNode& wheel_node(std::uint32_t index) noexcept { return entries_[index].timer; }

  timer::TimerWheel wheel{Instant{}};

 private:
  Result<Region> memory_;
  std::span<Entry> entries_;
};

void arm_and_disarm(benchmark::State& state) {
  const auto held = static_cast<std::uint32_t>(state.range(0));
  Holder holder(held, state.range(1) != 0);
  Prng prng(2);
  std::vector<std::uint32_t> victims(1 << 16);
  for (std::uint32_t& victim : victims) victim = static_cast<std::uint32_t>(prng.below(held));
  std::size_t at = 0;
  for (auto _ : state) {
    const std::uint32_t index = victims[at++ % victims.size()];
    holder.wheel.disarm(holder, index);
    holder.wheel.arm(holder, index, Instant{} + kHold);
  }
  state.SetItemsProcessed(state.iterations());
}

/// A tick with work to do: all of its entries expire and are armed for another hold.
void arm_and_expire(benchmark::State& state) {
  Holder holder(static_cast<std::uint32_t>(state.range(0)), state.range(1) != 0);
  std::int64_t expired = 0;
  for (auto _ : state) {
    const Instant now = holder.wheel.next_due();
    expired += holder.wheel.advance(holder, now, ~0U, [&](std::uint32_t index) {
      holder.wheel.arm(holder, index, now + kHold);
    });
  }
  state.SetItemsProcessed(expired);
  state.counters["per_entry"] = benchmark::Counter(
      static_cast<double>(expired), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// The call that most polls make: no new tick.
void advance_within_a_tick(benchmark::State& state) {
  Holder holder(1'000'000, false);
  for (auto _ : state)
    benchmark::DoNotOptimize(holder.wheel.advance(holder, Instant{}, 64, [](std::uint32_t) {}));
}

/// A new tick, with both levels empty: the longest search.
void advance_over_empty_ticks(benchmark::State& state) {
  Holder holder(0, false);
  Instant now;
  for (auto _ : state) {
    now = now + 1_ms;
    benchmark::DoNotOptimize(holder.wheel.advance(holder, now, 64, [](std::uint32_t) {}));
  }
}

void held(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"held", "scattered"});
  for (const std::int64_t count : {1'000, 1'000'000, 16'000'000})
    for (const std::int64_t scattered : {0, 1}) bench->Args({count, scattered});
}

BENCHMARK(arm_and_disarm)->Apply(held);
BENCHMARK(arm_and_expire)->Apply(held);
BENCHMARK(advance_within_a_tick);
BENCHMARK(advance_over_empty_ticks);

}  // namespace
}  // namespace mayfly::bench

BENCHMARK_MAIN();
