#include "shard/cluster_ring.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using shard::ClusterRing;

constexpr Ipv6Address member_of(std::uint32_t place) {
  return Ipv6Address::mapped(0xc612'0a01 + place);
}

/// The ring of `n` servers as the one at `place` sees it.
ClusterRing ring(std::uint32_t n, std::uint32_t place, std::uint32_t hops) {
  shard::ClusterSettings settings{.hops = hops};
  for (std::uint32_t i = 0; i < n; ++i) settings.members.push_back(member_of(i));
  return {settings, [&](const Ipv6Address& a) { return a == member_of(place); }};
}

TEST(ClusterRing, OfIgnorantServersAsksAsManyAsHopsOnceEach) {
  for (std::uint32_t n = 2; n <= 8; ++n) {
    for (std::uint32_t hops = 1; hops <= 9; ++hops) {
      for (std::uint32_t origin = 0; origin < n; ++origin) {
        std::uint32_t at = origin, copies = 0;
        for (;; ++copies) {
          const auto next = ring(n, at, hops).next_after(origin);
          if (!next) break;
          at = *ring(n, at, hops).place_of(*next);
          ASSERT_NE(at, origin) << "it comes back to the one that asked first";
          ASSERT_LT(copies, n);
        }
        EXPECT_EQ(copies, std::min(hops, n - 1));
      }
    }
  }
}

TEST(ClusterRing, KnowsItsMembers) {
  const ClusterRing three = ring(3, 1, 2);
  EXPECT_EQ(three.own_place(), 1U);
  EXPECT_EQ(three.place_of(member_of(2)), 2U);
  EXPECT_FALSE(three.place_of(member_of(3)));
  EXPECT_EQ(three.next_after(1), member_of(2));
  EXPECT_TRUE(three.is_own(member_of(1)));
  EXPECT_FALSE(three.is_own(member_of(2)));
}

TEST(ClusterRing, AsksNobodyWhereThereIsNoneOrThisServerIsNotInIt) {
  EXPECT_FALSE(ClusterRing().next_after(0));
  EXPECT_FALSE(ClusterRing().place_of(member_of(0)));
  EXPECT_FALSE(ring(3, 7, 2).next_after(0));
  EXPECT_FALSE(ring(3, 0, 0).next_after(0));
}

}  // namespace
}  // namespace mayfly::testing
