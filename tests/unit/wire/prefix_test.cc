#include "wire/prefix.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

constexpr Prefix kWide = Prefix::of({0x0a00'0000}, 8), kNarrow = Prefix::of({0x0a01'0000}, 16),
                 kOther = Prefix::of({0x0b00'0000}, 8), kAll = Prefix::of({}, 0);
constexpr Prefix kWide6{Ipv6Address::of({0x2001, 0xdb8}), 32},
    kNarrow6{Ipv6Address::of({0x2001, 0xdb8, 1}), 48}, kAll6{{}, 0};

TEST(PrefixTest, CoversTheAddressesThatBeginWithItsBits) {
  EXPECT_TRUE(kWide.covers(Ipv4Address{0x0aff'ffff}));
  EXPECT_FALSE(kWide.covers(Ipv4Address{0x0b00'0000}));
  EXPECT_TRUE(kWide6.covers(Ipv6Address::of({0x2001, 0xdb8, 0xffff})));
  EXPECT_FALSE(kWide6.covers(Ipv6Address::of({0x2001, 0xdb9})));
}

TEST(PrefixTest, CoversWhatIsInIt) {
  EXPECT_TRUE(kAll.covers(kOther));
  EXPECT_TRUE(kWide.covers(kNarrow));
  EXPECT_TRUE(kWide.covers(kWide));
  EXPECT_FALSE(kNarrow.covers(kWide));
  EXPECT_FALSE(kWide.covers(kOther));
  EXPECT_FALSE(Prefix::of({}, 32).covers(kWide));
  EXPECT_TRUE(kWide6.covers(kNarrow6));
  EXPECT_FALSE(kNarrow6.covers(kWide6));
}

TEST(PrefixTest, IsOfOneFamily) {
  EXPECT_TRUE(kAll.is_ipv4());
  EXPECT_FALSE(kAll6.is_ipv4());
  EXPECT_FALSE(kAll6.covers(Ipv4Address{0x0a00'0001}));
  EXPECT_FALSE(kAll6.covers(kWide));
  EXPECT_FALSE(kAll.covers(kWide6));
  EXPECT_FALSE(kAll.covers(Ipv6Address::of({0x2001, 0xdb8})));
  EXPECT_TRUE(kAll6.covers(Ipv6Address::of({0xffff})));
}

}  // namespace
}  // namespace mayfly::testing
