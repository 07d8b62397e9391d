#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/wire/frames.h"

namespace mayfly::testing {
namespace {

using wire::SackBlock;

using ::testing::ElementsAre;

Segment segment_of(const TcpSegment& segment) { return parse(tcp_frame(segment)).segment; }
Segment syn_with(const Frame& options) {
  return segment_of({.flags = wire::tcp_flag::syn, .options = options});
}

TEST(ParseTcp, ReadsTheFixedHeader) {
  const wire::ParsedFrame parsed = parse(
      tcp_frame({.flags = wire::tcp_flag::psh | wire::tcp_flag::ack, .payload = text("hello")}));
  ASSERT_EQ(parsed.kind, wire::FrameKind::tcp);
  EXPECT_EQ(parsed.key, FlowKey4::of(kOurIp, 80, kPeerIp, 40000));
  EXPECT_EQ(parsed.l3_off, 14);
  EXPECT_EQ(parsed.l4_off, 34);
  EXPECT_EQ(parsed.l4_len, 25);
  EXPECT_EQ(parsed.protocol, 6);
  const Segment& segment = parsed.segment;
  EXPECT_EQ(segment.seq, Seq{0x0102'0304});
  EXPECT_EQ(segment.ack, Seq{0x0a0b'0c0d});
  EXPECT_EQ(segment.flags, wire::tcp_flag::psh | wire::tcp_flag::ack);
  EXPECT_EQ(segment.window, 501);
  EXPECT_EQ(segment.payload_off, 54);
  EXPECT_EQ(segment.payload_len, 5);
  EXPECT_EQ(segment.options, 0);
}

TEST(ParseTcp, AcknowledgmentAndUrgentPointerCountOnlyWithTheirBits) {
  const Segment without = segment_of({.flags = wire::tcp_flag::syn, .urgent = 7});
  EXPECT_EQ(without.ack, Seq{0});
  EXPECT_EQ(without.urgent, 0);
  const Segment with =
      segment_of({.flags = wire::tcp_flag::ack | wire::tcp_flag::urg, .urgent = 7});
  EXPECT_EQ(with.ack, Seq{0x0a0b'0c0d});
  EXPECT_EQ(with.urgent, 7);
}

TEST(ParseTcp, DropsADatagramShorterThanAHeader) {
  EXPECT_EQ(drop_of(Ipv4Frame{.payload = Frame(19)}.build()), Drop::tcp_short);
}

TEST(ParseTcp, DropsADataOffsetBelowFiveOrBeyondTheDatagram) {
  EXPECT_EQ(drop_of(tcp_frame({.data_offset = 4})), Drop::tcp_data_offset);
  EXPECT_EQ(drop_of(tcp_frame({.data_offset = 6})), Drop::tcp_data_offset);
}

TEST(ParseTcp, DropsAWrongChecksum) {
  Frame frame = tcp_frame({.payload = text("hello")});
  frame.back() ^= std::byte{1};
  EXPECT_EQ(drop_of(frame), Drop::tcp_checksum);
  EXPECT_EQ(drop_of(frame, kOurRules, {.l4_good = true}), Drop::none);
  EXPECT_EQ(drop_of(tcp_frame({}), kOurRules, {.l4_bad = true}), Drop::tcp_checksum);
}

TEST(ParseTcp, ChecksumCoversTheAddresses) {
  // A segment for a neighbour of ours, whose destination was changed on the way.
  Frame frame = tcp_frame({}, {.destination = {kOurIp.host + 1}});
  put32(frame, 30, kOurIp.host);
  EXPECT_EQ(drop_of(frame, kOurRules, {.ip_good = true}), Drop::tcp_checksum);
}

TEST(ParseTcp, DropsPortZero) {
  EXPECT_EQ(drop_of(tcp_frame({.source_port = 0})), Drop::tcp_port_zero);
  EXPECT_EQ(drop_of(tcp_frame({.destination_port = 0})), Drop::tcp_port_zero);
}

// What they mean together is the states' question (RFC 9293 3.10.7).
TEST(ParseTcp, TakesAnyFlags) {
  for (int flags = 0; flags < 0x100; ++flags)
    EXPECT_EQ(drop_of(tcp_frame({.flags = static_cast<std::uint8_t>(flags)})), Drop::none) << flags;
}

TEST(ParseTcpOptions, ReadsThoseOfACommonSyn) {
  const Segment segment =
      syn_with(hex("02 04 05 b4  04 02  08 0a 11 22 33 44 00 00 00 00  01  03 03 07"));
  EXPECT_EQ(segment.options, wire::tcp_option::mss | wire::tcp_option::window_scale |
                                 wire::tcp_option::sack_permitted | wire::tcp_option::timestamps);
  EXPECT_EQ(segment.mss, 1460);
  EXPECT_EQ(segment.window_scale, 7);
  EXPECT_EQ(segment.ts.val, 0x1122'3344u);
}

TEST(ParseTcpOptions, ReadsTimestampsWhereverTheyStand) {
  for (const char* options :
       {"01 01 08 0a 11 22 33 44 55 66 77 88", "08 0a 11 22 33 44 55 66 77 88 01 01",
        "01 08 0a 11 22 33 44 55 66 77 88 00", "01 01 08 0a 11 22 33 44 55 66 77 88 01 01 01 01"}) {
    const Segment segment = segment_of({.options = hex(options)});
    EXPECT_EQ(segment.options, wire::tcp_option::timestamps) << options;
    EXPECT_EQ(segment.ts.val, 0x1122'3344u) << options;
    EXPECT_EQ(segment.ts.echo, 0x5566'7788u) << options;
  }
}

TEST(ParseTcpOptions, TheEchoedTimestampCountsOnlyWithAnAck) {
  const Segment segment = syn_with(hex("01 01 08 0a 11 22 33 44 55 66 77 88"));
  EXPECT_EQ(segment.ts.val, 0x1122'3344u);
  EXPECT_EQ(segment.ts.echo, 0u);
}

TEST(ParseTcpOptions, SynOptionsMeanNothingElsewhere) {
  const Segment segment = segment_of({.options = hex("02 04 05 b4 04 02 03 03 07 00 00 00")});
  EXPECT_EQ(segment.options, 0);
  EXPECT_EQ(segment.mss, 0);
  EXPECT_EQ(segment.window_scale, 0);
}

TEST(ParseTcpOptions, ReadsUpToFourSackBlocks) {
  const Frame block = hex("00 00 00 0a 00 00 00 14");
  Frame blocks;
  for (std::uint8_t count = 1; count <= 4; ++count) {
    blocks = blocks + block;
    const Frame options = bytes({1, 1, 5, 2 + 8 * count}) + blocks;
    const Frame frame = tcp_frame({.options = options});
    const Segment segment = parse(frame).segment;
    EXPECT_EQ(segment.options, wire::tcp_option::sack);
    EXPECT_EQ(segment.sack_count, count);
    EXPECT_EQ(segment.sack_off, 34 + 20 + 4);
    std::array<SackBlock, wire::kSackBlocksMax> read{};
    ASSERT_EQ(read_sack(frame, segment, read), count);
    EXPECT_EQ(read[count - 1u], (SackBlock{{10}, {20}}));
  }
}

TEST(ParseTcpOptions, ReadsSackBlocksInTheirOrder) {
  const Frame frame =
      tcp_frame({.options = hex("01 01 05 12  00 00 00 01 00 00 00 02  ff ff ff ff 00 00 00 04")});
  std::array<SackBlock, wire::kSackBlocksMax> read{};
  ASSERT_EQ(read_sack(frame, parse(frame).segment, read), 2u);
  EXPECT_THAT(read, ElementsAre(SackBlock{{1}, {2}}, SackBlock{{0xffff'ffff}, {4}}, SackBlock{},
                                SackBlock{}));
}

TEST(ParseTcpOptions, SkipsUnknownKinds) {
  const Segment segment = syn_with(hex("fe 06 de ad be ef  22 02  02 04 05 b4"));
  EXPECT_EQ(segment.options, wire::tcp_option::mss);
  EXPECT_EQ(segment.mss, 1460);
}

TEST(ParseTcpOptions, SkipsKnownKindsOfAnotherLength) {
  EXPECT_EQ(syn_with(hex("02 03 05 01")).options, 0);
  EXPECT_EQ(syn_with(hex("03 04 07 07")).options, 0);
  EXPECT_EQ(syn_with(hex("04 03 00 01")).options, 0);
  EXPECT_EQ(syn_with(hex("08 08 00 00 00 00 00 00")).options, 0);
  EXPECT_EQ(segment_of({.options = hex("05 02 01 01")}).options, 0);
  EXPECT_EQ(segment_of({.options = hex("05 06 00 00 00 00 01 01")}).options, 0);
}

TEST(ParseTcpOptions, ReadsNothingAfterTheEndOfTheList) {
  EXPECT_EQ(syn_with(hex("00 02 00 00  02 04 05 b4")).options, 0);
}

TEST(ParseTcpOptions, DropsALengthBelowTwoOrPastTheHeader) {
  for (const char* options :
       {"02 00 05 b4", "02 01 05 b4", "02 05 05 b4", "fe ff 00 00", "01 01 01 02", "01 01 01 fe",
        "01 01 08 0b 00 00 00 00 00 00 00 00"}) {
    EXPECT_EQ(drop_of(tcp_frame({.options = hex(options)})), Drop::tcp_options_malformed)
        << options;
  }
}

TEST(ParseTcpOptions, APayloadDoesNotCompleteAnOption) {
  EXPECT_EQ(drop_of(tcp_frame({.options = hex("01 01 02 04"), .payload = hex("05 b4")})),
            Drop::tcp_options_malformed);
}

}  // namespace
}  // namespace mayfly::testing
