#include "base/siphash.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace mayfly::testing {
namespace {

/// The key 00 01 .. 0f and the messages 00 01 02 .. of the paper and of its reference
/// implementation.
constexpr SipKey kKey = {0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};

std::array<std::byte, 64> counting_bytes() {
  std::array<std::byte, 64> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

std::uint64_t siphash24_of_first(std::size_t length) {
  const auto bytes = counting_bytes();
  return siphash24(std::span(bytes).first(length), kKey);
}

template <std::size_t N>
std::array<std::uint64_t, N> counting_words() {
  std::array<std::uint64_t, N> words;
  std::memcpy(words.data(), counting_bytes().data(), sizeof words);
  return words;
}

TEST(SipHash24, GivesTheExampleOfThePaper) {
  EXPECT_EQ(siphash24_of_first(15), 0xa129'ca61'49be'45e5U);
}

TEST(SipHash24, GivesTheReferenceVectors) {
  EXPECT_EQ(siphash24_of_first(0), 0x726f'db47'dd0e'0e31U);
  EXPECT_EQ(siphash24_of_first(1), 0x74f8'39c5'93dc'67fdU);
  EXPECT_EQ(siphash24_of_first(7), 0xab02'00f5'8b01'd137U);
  EXPECT_EQ(siphash24_of_first(8), 0x93f5'f579'9a93'2462U);
  EXPECT_EQ(siphash24_of_first(16), 0x3f2a'cc7f'57c2'9bdbU);
  EXPECT_EQ(siphash24_of_first(63), 0x958a'324c'eb06'4572U);
}

TEST(SipHash13, GivesTheReferenceVectorsOfWholeWords) {
  EXPECT_EQ(siphash13(counting_words<1>(), kKey), 0x3690'9511'8d29'9a8eU);
  EXPECT_EQ(siphash13(counting_words<2>(), kKey), 0xcc4f'dd1a'7d90'8b66U);
  EXPECT_EQ(siphash13(counting_words<3>(), kKey), 0xf464'aeb2'6734'9c8cU);
}

TEST(SipHash13, ChangesWithEitherHalfOfTheKey) {
  const auto words = counting_words<2>();
  const auto hash = siphash13(words, kKey);
  EXPECT_NE(hash, siphash13(words, SipKey{kKey[0] ^ 1, kKey[1]}));
  EXPECT_NE(hash, siphash13(words, SipKey{kKey[0], kKey[1] ^ 1}));
}

}  // namespace
}  // namespace mayfly::testing
