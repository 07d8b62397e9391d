#include "nic/xdp_share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using nic::Prefix32;
using nic::prefixes_of;

using ::testing::ElementsAre;

TEST(Prefixes, OneAddressIsOne) {
  EXPECT_THAT(prefixes_of(0xc612'0001, 0xc612'0001), ElementsAre(Prefix32{0xc612'0001, 32}));
}

TEST(Prefixes, ARangeIsCutWhereItsNumbersAlign) {
  EXPECT_THAT(prefixes_of(1, 10), ElementsAre(Prefix32{1, 32}, Prefix32{2, 31}, Prefix32{4, 30},
                                              Prefix32{8, 31}, Prefix32{10, 32}));
  EXPECT_THAT(prefixes_of(0xc612'0100, 0xc612'01ff), ElementsAre(Prefix32{0xc612'0100, 24}));
}

TEST(Prefixes, TheEndsOfTheNumbersAreNoExceptions) {
  EXPECT_THAT(prefixes_of(0, 0xffff'ffff), ElementsAre(Prefix32{0, 0}));
  EXPECT_THAT(prefixes_of(0xffff'ffff, 0xffff'ffff), ElementsAre(Prefix32{0xffff'ffff, 32}));
  EXPECT_THAT(prefixes_of(0, 0), ElementsAre(Prefix32{0, 32}));
}

TEST(Prefixes, EachNumberOfARangeIsInOneOfThemAndNoOther) {
  for (std::uint32_t first = 0; first < 40; ++first)
    for (std::uint32_t last = first; last < 40; ++last)
      for (std::uint32_t number = 0; number < 80; ++number) {
        int found = 0;
        for (const Prefix32& prefix : prefixes_of(first, last))
          if (prefix.length == 0 || ((number ^ prefix.first) >> (32 - prefix.length)) == 0) ++found;
        ASSERT_EQ(found, number >= first && number <= last ? 1 : 0) << first << " " << last;
      }
}

}  // namespace
}  // namespace mayfly::testing
