// What a link does beside losing and delaying: bursts, queues, bunches, replays, cuts; hosts whose
// timestamps jump and whose buffers run out; and the end of all of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "net/rewrite.h"
#include "unit/net/sim_fixture.h"
#include "wire/emit.h"
#include "wire/parse.h"

namespace mayfly::testing {
namespace {

using net::SimPort;

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SimFaults, ACutLinkCarriesNothingUntilItIsConnectedAgain) {
  Stations net;
  net.add();
  const SimPort& cut = net.add();
  net.network.cut(cut, true);
  net.send(0, mac_of(1), "lost");
  net.send(0, mac_of(1), "a question", wire::ethertype::arp);
  EXPECT_THAT(net.all_for(1), IsEmpty());
  EXPECT_EQ(net.network.counts(cut).lost, 2u);
  net.network.cut(cut, false);
  net.send(0, mac_of(1), "there");
  EXPECT_THAT(net.all_for(1), SizeIs(1));
}

TEST(SimFaults, AHealedNetworkIsPerfect) {
  Stations net;
  net.add({.faults = {.loss = 1.0}});
  const SimPort& cut = net.add({.faults = {.delay = 1_s}, .replay = 1.0});
  net.network.cut(cut, true);
  net.network.heal();
  for (int i = 0; i < 100; ++i) net.send(0, mac_of(1), "there");
  EXPECT_THAT(net.all_for(1), SizeIs(100));
  EXPECT_LT(net.now - Instant{1'000'000}, 1_ms);
}

TEST(SimFaults, LossesComeInBursts) {
  Stations net;
  net.add();
  net.add({.burst_begins = 0.02, .burst_ends = 0.2});
  constexpr int kFrames = 2'000;
  for (int i = 0; i < kFrames; ++i) net.send(0, mac_of(1), std::to_string(i));
  const auto arrived = net.all_for(1);
  int bursts = 0, last = -1;
  for (const Arrived& frame : arrived) {
    const int number = std::stoi(frame.text);
    if (number != last + 1) ++bursts;
    last = number;
  }
  const auto lost = kFrames - static_cast<int>(arrived.size());
  ASSERT_GT(bursts, 5);
  EXPECT_GT(lost, 3 * bursts) << "on average five frames are lost in a burst";
}

TEST(SimFaults, ASlowLinkDelaysWhatItsQueueHoldsAndLosesTheRest) {
  Stations net;
  net.add();
  const SimPort& slow = net.add({.rate = 1'514'000, .queue_frames = 4});  // a full frame a ms
  const std::string full(1'500, 'x');
  for (int i = 0; i < 10; ++i) net.send(0, mac_of(1), full);
  const auto arrived = net.all_for(1);
  ASSERT_THAT(arrived, SizeIs(5)) << "one on the wire and four in the queue";
  for (std::size_t i = 0; i < arrived.size(); ++i)
    EXPECT_EQ(arrived[i].at, Instant{1'000'000} + Duration::from_ms(static_cast<int>(i) + 1));
  EXPECT_EQ(net.network.counts(slow).lost, 5u);
}

TEST(SimFaults, BunchedFramesArriveTogether) {
  Stations net;
  net.add();
  net.add({.faults = {.jitter = 15_ms}, .bunch = 20_ms});
  for (int i = 0; i < 50; ++i) net.send(0, mac_of(1), std::to_string(i));
  const auto arrived = net.all_for(1);
  ASSERT_THAT(arrived, SizeIs(50));
  for (const Arrived& frame : arrived) EXPECT_EQ(frame.at, Instant{1'020'000});
}

TEST(SimFaults, AReplayBringsTheLatestFramesAgain) {
  Stations net;
  net.add();
  const SimPort& replaying = net.add({.replay = 0.2});
  for (int i = 0; i < 40; ++i) net.send(0, mac_of(1), "frame " + std::to_string(i));
  const auto arrived = net.all_for(1);
  EXPECT_GT(net.network.counts(replaying).replayed, 0u);
  EXPECT_EQ(arrived.size(), 40 + net.network.counts(replaying).replayed);
  net.network.heal();  // and the copies that were kept are given back
}

/// A segment with timestamps in a frame of its own, sent by station `from`.
void send_stamped(Stations& net, std::size_t from, const MacAddress& to, wire::Timestamps ts) {
  net::SimFrame* frame = net.ports[from].allocate();
  Emission e;
  e.flags = wire::tcp_flag::ack;
  e.options = wire::tcp_option::timestamps;
  e.ts = ts;
  const wire::LinkHeader link{to, mac_of(static_cast<std::uint8_t>(from))};
  const FlowKey4 key = FlowKey4::of({0xc612'0001}, 80, {0xc612'0101}, 1'234);
  const std::size_t length = tcp_payload_offset(link, e);
  emit_tcp(net.ports[from].bytes(frame).first(length), link, key, e, 1, wire::ChecksumBy::software,
           wire::ChecksumBy::software);
  net.ports[from].set_length(frame, length);
  net.ports[from].transmit(std::span(&frame, 1), net.now);
}

/// What arrives at a station; a wrong checksum would make it no TCP.
wire::Timestamps stamps_at(Stations& net, std::size_t station) {
  net.now = net.network.next_arrival();
  net.network.deliver(net.now);
  net::SimFrame* frame = nullptr;
  EXPECT_EQ(net.ports[station].receive(std::span(&frame, 1), net.now), 1u);
  const wire::ParsedFrame parsed =
      wire::parse_frame(frame->bytes(), {mac_of(static_cast<std::uint8_t>(station))}, {});
  EXPECT_EQ(parsed.kind, wire::FrameKind::tcp) << name_of(parsed.drop);
  net.ports[station].release(frame);
  return parsed.segment.ts;
}

TEST(SimFaults, TimestampsOfAHostJumpAndTheirEchoesComeBackAsItKnowsThem) {
  Stations net;
  const SimPort& jumps = net.add();
  net.add();
  constexpr std::uint32_t kAhead = 0xffff'fff0;  // 16 ms back
  net.network.step_timestamps(jumps, kAhead);
  send_stamped(net, 0, mac_of(1), {7, 1'000});
  const wire::Timestamps seen = stamps_at(net, 1);
  EXPECT_EQ(seen.val, 7 + kAhead);
  EXPECT_EQ(seen.echo, 1'000u);
  send_stamped(net, 1, mac_of(0), {2'000, seen.val});
  const wire::Timestamps answer = stamps_at(net, 0);
  EXPECT_EQ(answer.val, 2'000u);
  EXPECT_EQ(answer.echo, 7u);
}

TEST(SimFaults, BuffersRunOutNowAndThen) {
  Stations net;
  SimPort& port = net.add();
  port.starve(0.5, 1);
  int got = 0;
  for (int i = 0; i < 100; ++i)
    if (net::SimFrame* const frame = port.allocate()) ++got, port.release(frame);
  EXPECT_GT(got, 20);
  EXPECT_LT(got, 80);
  port.starve(0, 0);
  net::SimFrame* const frame = port.allocate();
  ASSERT_NE(frame, nullptr);
  port.release(frame);
}

TEST(SimFaults, AQueueThatIsFullLosesWhatArrives) {
  Stations net;
  net.add();
  net.add().bound_arrivals(2);
  for (const char* text : {"one", "two", "three"}) net.send(0, mac_of(1), text);
  net.network.deliver(net.now + 1_ms);
  EXPECT_EQ(net.ports[1].overflowed(), 1u);
  EXPECT_EQ(net.all_for(1).size(), 2u);
}

TEST(SimFaults, AFilterLosesTheFramesThatItNames) {
  Stations net;
  net.add().set_filter(
      [](std::span<const std::byte> frame) { return frame.back() == std::byte{'o'}; });
  net.add();
  for (const char* text : {"one", "two", "six"}) net.send(0, mac_of(1), text);
  const auto arrived = net.all_for(1);
  ASSERT_EQ(arrived.size(), 2u);
  EXPECT_EQ(arrived[1].text, "six");
}

}  // namespace
}  // namespace mayfly::testing
