// What is paid per packet or per connection: a flow key's hash, a latency recorded, a random
// number.

#include <benchmark/benchmark.h>

#include <array>

#include "base/histogram.h"
#include "base/prng.h"
#include "base/siphash.h"

namespace mayfly::bench {
namespace {

constexpr SipKey kKey = {0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};

/// Independent keys, as in a burst: throughput.
void siphash13_of_a_flow_key(benchmark::State& state) {
  std::array<std::uint64_t, 2> words = {1, 2};
  for (auto _ : state) {
    ++words[1];
    benchmark::DoNotOptimize(siphash13(words, kKey));
  }
}

/// Each key waits for the hash before it: latency.
void siphash13_of_a_flow_key_in_a_chain(benchmark::State& state) {
  std::array<std::uint64_t, 2> words = {1, 2};
  for (auto _ : state) {
    words[0] = siphash13(words, kKey);
    benchmark::DoNotOptimize(words);
  }
}

void siphash24_of_sixteen_bytes(benchmark::State& state) {
  std::array<std::byte, 16> bytes{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(siphash24(bytes, kKey));
  }
}

void histogram_record(benchmark::State& state) {
  Histogram histogram;
  Prng prng(1);
  std::array<std::uint64_t, 1'024> latencies;
  for (std::uint64_t& latency : latencies) latency = prng.below(1 << (1 + prng.below(20)));
  std::size_t at = 0;
  for (auto _ : state) histogram.record(latencies[at++ % latencies.size()]);
  benchmark::DoNotOptimize(histogram.count());
}

void histogram_percentile(benchmark::State& state) {
  Histogram histogram;
  Prng prng(1);
  for (int i = 0; i < 100'000; ++i) histogram.record(prng.below(1'000'000));
  for (auto _ : state) benchmark::DoNotOptimize(histogram.percentile(99.9));
}

void prng_next(benchmark::State& state) {
  Prng prng(1);
  for (auto _ : state) benchmark::DoNotOptimize(prng.next());
}

BENCHMARK(siphash13_of_a_flow_key);
BENCHMARK(siphash13_of_a_flow_key_in_a_chain);
BENCHMARK(siphash24_of_sixteen_bytes);
BENCHMARK(histogram_record);
BENCHMARK(histogram_percentile);
BENCHMARK(prng_next);

}  // namespace
}  // namespace mayfly::bench

BENCHMARK_MAIN();
