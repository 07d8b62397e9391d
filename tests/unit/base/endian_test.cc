#include "base/endian.h"

#include <gtest/gtest.h>

#include <array>

namespace mayfly::testing {
namespace {

TEST(Endian, StoresTheMostSignificantByteFirstAtAnyAddress) {
  std::array<std::byte, 7> bytes{};
  store_be32(bytes.data() + 1, 0x0102'0304);
  store_be16(bytes.data() + 5, 0x0506);
  for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], static_cast<std::byte>(i));
}

TEST(Endian, LoadsWhatItStored) {
  std::array<std::byte, 5> bytes{};
  store_be32(bytes.data() + 1, 0xdead'beef);
  EXPECT_EQ(load_be32(bytes.data() + 1), 0xdead'beefU);
  EXPECT_EQ(load_be16(bytes.data() + 3), 0xbeefU);
}

}  // namespace
}  // namespace mayfly::testing
