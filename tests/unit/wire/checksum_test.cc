#include "wire/checksum.h"

#include <gtest/gtest.h>

#include "unit/wire/frames.h"

namespace mayfly::testing {
namespace {

using wire::checksum_add;
using wire::checksum_finish;
using wire::checksum_fold;

TEST(Checksum, OfTheExampleInRfc1071) {
  EXPECT_EQ(checksum_fold(checksum_add(hex("00 01 f2 03 f4 f5 f6 f7"))), 0xddf2);
}

TEST(Checksum, OfNothingIsAllOnes) {
  EXPECT_EQ(checksum_add({}), 0u);
  EXPECT_EQ(checksum_finish(0), 0xffff);
}

TEST(Checksum, AnOddLastByteIsTheHighHalfOfItsWord) {
  EXPECT_EQ(checksum_fold(checksum_add(hex("ab"))), 0xab00);
  EXPECT_EQ(checksum_fold(checksum_add(hex("00 01 ab"))), 0xab01);
}

TEST(Checksum, FoldsTheLargestSum) {
  EXPECT_EQ(checksum_fold(~std::uint64_t{0}), 0xffff);
  EXPECT_EQ(checksum_fold(0x1'0000), 1);
  EXPECT_EQ(checksum_fold(0xffff'0001'0000'0000), 1);
}

TEST(Checksum, OfThePseudoHeader) {
  const FlowKey4 key = FlowKey4::of(kOurIp, 80, kPeerIp, 40000);
  // c612 + 0001 + c612 + 0101 + 0006 + 0014 = 1'8d40
  EXPECT_EQ(checksum_fold(pseudo_header_sum(key, 6, 20)), 0x8d41);
}

TEST(Checksum, EqualsThePlainOneForEveryLengthAndPlace) {
  auto random = seeded_generator();
  Frame data(2048);
  for (auto& octet : data) octet = std::byte(random());
  for (std::size_t length = 0; length < 1600; ++length) {
    const std::size_t offset = random() % 64;
    const Frame piece(data.begin() + offset, data.begin() + offset + length);
    ASSERT_EQ(checksum_finish(checksum_add({data.data() + offset, length})), plain_checksum(piece))
        << length << " bytes at " << offset;
  }
}

TEST(Checksum, EqualsThePlainOneAtEveryPlaceInTwoCacheLines) {
  auto random = seeded_generator();
  Frame data(256);
  for (auto& octet : data) octet = std::byte(random());
  for (std::size_t offset = 0; offset < 64; ++offset) {
    for (std::size_t length = 0; length <= 128; ++length) {
      const Frame piece(data.begin() + offset, data.begin() + offset + length);
      ASSERT_EQ(checksum_finish(checksum_add({data.data() + offset, length})),
                plain_checksum(piece))
          << length << " bytes at " << offset;
    }
  }
}

TEST(Checksum, OfTheLargestDatagramOfOnes) {
  const Frame data(65535, std::byte{0xff});
  EXPECT_EQ(checksum_finish(checksum_add(data)), plain_checksum(data));
}

TEST(Checksum, AddsUpOverPieces) {
  auto random = seeded_generator();
  Frame data(301);
  for (auto& octet : data) octet = std::byte(random());
  for (std::size_t cut = 0; cut <= data.size(); cut += 2) {
    const std::span<const std::byte> all(data);
    const std::uint64_t sum = checksum_add(all.subspan(cut), checksum_add(all.first(cut)));
    ASSERT_EQ(checksum_finish(sum), plain_checksum(data)) << "cut at " << cut;
  }
}

TEST(Checksum, AddsUpOverManyPiecesOfWhichTheLastMayBeOdd) {
  auto random = seeded_generator();
  for (int round = 0; round < 500; ++round) {
    Frame data;
    std::vector<std::size_t> ends;
    for (auto pieces = random() % 8; pieces > 0; --pieces) {
      for (auto words = random() % 40; words > 0; --words) {
        data.push_back(std::byte(random()));
        data.push_back(std::byte(random()));
      }
      ends.push_back(data.size());
    }
    if (random() % 2 == 1) data.push_back(std::byte(random()));
    ends.push_back(data.size());
    std::uint64_t sum = 0;
    std::size_t from = 0;
    for (const std::size_t end : ends) {
      sum = checksum_add(std::span<const std::byte>(data).subspan(from, end - from), sum);
      from = end;
    }
    ASSERT_EQ(checksum_finish(sum), plain_checksum(data)) << "round " << round;
  }
}

}  // namespace
}  // namespace mayfly::testing
