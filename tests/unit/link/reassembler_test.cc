#include "link/reassembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/mem_port.h"
#include "unit/nic/frames.h"

namespace mayfly::testing {
namespace {

using link::Reassembler;

using ::testing::ElementsAreArray;

class ReassemblerTest : public ::testing::Test {
 protected:
  Reassembler::Answer add(std::span<const std::byte> payload, Cut cut) {
    packet = ipv4(kProtocolTcp, payload, cut);
    return reassembler.add(packet, now);
  }
  /// The fragment of `whole` from `first` to `end`.
  Reassembler::Answer piece(std::size_t first, std::size_t end, std::uint16_t id = 7) {
    return add(std::span(whole).subspan(first, end - first), {first, end < whole.size(), id});
  }
  void expect_whole(const Reassembler::Answer& answer, std::uint16_t id = 7) {
    EXPECT_EQ(answer.why, Drop::none);
    EXPECT_THAT(answer.datagram, ElementsAreArray(ipv4(kProtocolTcp, whole, {.id = id})));
  }

  Bytes whole = pattern(1'001);
  Bytes packet;
  Instant now{1'000'000};
  Reassembler reassembler;
};

TEST_F(ReassemblerTest, FragmentsInOrderGiveTheDatagram) {
  EXPECT_TRUE(piece(0, 400).datagram.empty());
  EXPECT_TRUE(piece(400, 800).datagram.empty());
  expect_whole(piece(800, 1'001));
}

TEST_F(ReassemblerTest, FragmentsInAnyOrderGiveTheDatagram) {
  piece(800, 1'001);
  piece(0, 400);
  expect_whole(piece(400, 800));
}

TEST_F(ReassemblerTest, DatagramsDoNotMix) {
  piece(0, 400, 7);
  EXPECT_TRUE(piece(400, 1'001, 8).datagram.empty());
}

TEST_F(ReassemblerTest, AnExactDuplicateDoesNoHarm) {
  piece(0, 400);
  EXPECT_EQ(piece(0, 400).why, Drop::none);
  expect_whole(piece(400, 1'001));
}

TEST_F(ReassemblerTest, AnOverlapCondemnsTheWholeDatagram) {
  piece(0, 400);
  EXPECT_EQ(piece(392, 800).why, Drop::fragment_overlap);
  EXPECT_EQ(piece(400, 1'001).why, Drop::fragment_overlap);
}

TEST_F(ReassemblerTest, ADuplicateWithOtherBytesIsAnOverlap) {
  piece(0, 400);
  whole[8] ^= std::byte{1};
  EXPECT_EQ(piece(0, 400).why, Drop::fragment_overlap);
}

TEST_F(ReassemblerTest, TwoEndsCannotBothBeRight) {
  piece(800, 1'001);
  EXPECT_EQ(add(pattern(8), {400, false}).why, Drop::fragment_malformed);
}

TEST_F(ReassemblerTest, NothingMayLieBehindTheEnd) {
  add(pattern(8), {400, false});
  EXPECT_EQ(add(pattern(8), {408, true}).why, Drop::fragment_malformed);
}

TEST_F(ReassemblerTest, AllButTheLastAreMultiplesOfEight) {
  EXPECT_EQ(add(pattern(9), {0, true}).why, Drop::fragment_malformed);
  EXPECT_EQ(add({}, {8, true}).why, Drop::fragment_malformed);
}

TEST_F(ReassemblerTest, AnEndBeyondADatagramIsMalformed) {
  EXPECT_EQ(add(pattern(64), {65'528, false}).why, Drop::fragment_malformed);
}

TEST_F(ReassemblerTest, ADatagramThatFitsIntoNoFrameIsRefused) {
  EXPECT_EQ(add(pattern(8), {Reassembler::kPayloadMax, false}).why, Drop::frame_chained);
  whole = pattern(Reassembler::kPayloadMax);
  piece(0, 1'000);
  expect_whole(piece(1'000, Reassembler::kPayloadMax));
}

TEST_F(ReassemblerTest, ADamagedHeaderIsNotMadeGoodAgain) {
  packet = ipv4(kProtocolTcp, pattern(8), {0, true});
  packet[8] ^= std::byte{1};
  EXPECT_EQ(reassembler.add(packet, now).why, Drop::ip_checksum);
}

TEST_F(ReassemblerTest, BytesBehindTheTotalLengthArePadding) {
  piece(0, 1'000);
  packet = ipv4(kProtocolTcp, std::span(whole).subspan(1'000), {1'000, false});
  packet.resize(46);
  expect_whole(reassembler.add(packet, now));
}

TEST_F(ReassemblerTest, AfterAMinuteTheFirstPieceIsGivenUp) {
  piece(0, 400);
  now = now + 60_s;
  const Reassembler::Answer answer = piece(400, 1'001);
  EXPECT_TRUE(answer.datagram.empty());
  EXPECT_EQ(answer.timed_out, 1u);
}

TEST_F(ReassemblerTest, LaterPiecesDoNotLengthenTheTime) {
  piece(0, 400);
  now = now + 59_s;
  piece(400, 800);
  now = now + 1_s;
  EXPECT_TRUE(piece(800, 1'001).datagram.empty());
}

TEST_F(ReassemblerTest, AFullTableGivesUpTheOldestOfASourceThatHasMany) {
  for (std::uint16_t id = 0; id < Reassembler::kCapacity; ++id) {
    now = now + 1_ms;
    EXPECT_EQ(piece(0, 400, id).evicted, 0u);
  }
  EXPECT_EQ(piece(0, 400, 999).evicted, 1u);
  EXPECT_TRUE(piece(400, 1'001, 0).datagram.empty()) << "the oldest is gone";
  expect_whole(piece(400, 1'001, 3), 3);
  expect_whole(piece(400, 1'001, 999), 999);
}

TEST_F(ReassemblerTest, ACompletedDatagramComesInTheLastFragmentsFrame) {
  MemPort port;
  const auto put = [&](std::size_t first, std::size_t end) {
    const Reassembler::Answer answer = piece(first, end);
    port.inject(ethernet(0x0800, packet));
    MemPort::Frame frame = nullptr;
    port.receive({&frame, 1}, now);
    return link::put_datagram(port, frame, 14, answer.datagram);
  };
  EXPECT_EQ(put(0, 400), nullptr);
  const MemPort::Frame frame = put(400, 1'001);
  ASSERT_NE(frame, nullptr);
  EXPECT_THAT(port.bytes(frame), ElementsAreArray(ethernet(0x0800, ipv4(kProtocolTcp, whole))));
  port.release(frame);
  EXPECT_EQ(port.buffers, MemPort().buffers);
}

}  // namespace
}  // namespace mayfly::testing
