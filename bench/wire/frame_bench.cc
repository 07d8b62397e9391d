// What the wire layer costs a small segment on its way in and out: twin of lib/wire.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "wire/checksum.h"
#include "wire/emit.h"
#include "wire/parse.h"

namespace mayfly::bench {
namespace {

constexpr MacAddress kPeerMac{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress kOurMac{{2, 0, 0, 0, 0, 1}};
constexpr wire::LinkHeader kLink{kOurMac, kPeerMac};
constexpr FlowKey4 kPeersKey = FlowKey4::of({0xc612'0101}, 40000, {0xc612'0001}, 80);
constexpr std::uint32_t kPayload = 100;
constexpr Emission kData{.seq = {1},
                         .ack = {2},
                         .ts = {3, 4},
                         .payload_len = kPayload,
                         .window = 64240,
                         .flags = wire::tcp_flag::psh | wire::tcp_flag::ack,
                         .options = wire::tcp_option::timestamps};
constexpr Emission kSyn{.seq = {1},
                        .ts = {3, 0},
                        .window = 64240,
                        .mss = 1460,
                        .flags = wire::tcp_flag::syn,
                        .options = wire::tcp_option::mss | wire::tcp_option::window_scale |
                                   wire::tcp_option::sack_permitted | wire::tcp_option::timestamps,
                        .window_scale = 7};

using Buffer = std::array<std::byte, 2048>;

std::size_t emit(Buffer& buffer, const Emission& emission, wire::ChecksumBy by) {
  return emit_tcp(buffer, kLink, kPeersKey, emission, 7, by, by);
}

void parse(benchmark::State& state, const Emission& emission, wire::RxChecks checks) {
  alignas(64) Buffer buffer{};
  const std::size_t size = emit(buffer, emission, wire::ChecksumBy::software);
  const wire::ParseRules rules{kOurMac};
  for (auto _ : state) {
    benchmark::DoNotOptimize(buffer.data());
    benchmark::ClobberMemory();
    const wire::ParsedFrame parsed = parse_frame({buffer.data(), size}, rules, checks);
    benchmark::DoNotOptimize(&parsed);
    if (parsed.kind != wire::FrameKind::tcp) state.SkipWithError("the frame does not parse");
  }
}

void emission(benchmark::State& state, const Emission& emission, wire::ChecksumBy by) {
  alignas(64) Buffer buffer{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(emit(buffer, emission, by));
    benchmark::ClobberMemory();
  }
}

void checksum(benchmark::State& state) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{0x5a});
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::DoNotOptimize(wire::checksum_add(bytes));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

constexpr wire::RxChecks kNothingChecked{};
constexpr wire::RxChecks kDeviceChecked{.ip_good = true, .l4_good = true};

BENCHMARK_CAPTURE(parse, data, kData, kNothingChecked);
BENCHMARK_CAPTURE(parse, data_checked_by_device, kData, kDeviceChecked);
BENCHMARK_CAPTURE(parse, syn, kSyn, kNothingChecked);
BENCHMARK_CAPTURE(emission, data, kData, wire::ChecksumBy::software);
BENCHMARK_CAPTURE(emission, data_checked_by_device, kData, wire::ChecksumBy::device);
BENCHMARK_CAPTURE(emission, syn, kSyn, wire::ChecksumBy::software);
BENCHMARK(checksum)->Arg(20)->Arg(132)->Arg(1460);

}  // namespace
}  // namespace mayfly::bench

BENCHMARK_MAIN();
