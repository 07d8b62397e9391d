#include "shard/cluster_ring.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using shard::ClusterRing;

constexpr std::uint32_t kFirst = 0xc612'0a01;  // 198.18.10.1

constexpr Ipv6Address member_of(std::uint32_t place) { return Ipv6Address::mapped(kFirst + place); }

bool nobody(const Ipv6Address&) { return false; }

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
          const auto next = ring(n, at, hops).next_after(origin, nobody);
          ASSERT_EQ(next.has_value(), !ring(n, at, hops).is_last_after(origin));
          if (!next) break;
          at = *ring(n, at, hops).place_of(next->member);
          ASSERT_NE(at, origin) << "it comes back to the one that asked first";
          ASSERT_LT(copies, n);
        }
        EXPECT_EQ(copies, std::min(hops, n - 1));
      }
    }
  }
}

TEST(ClusterRing, PassesOverThoseThatAreSilentAndNeverComesBack) {
  constexpr std::uint32_t n = 5;
  for (std::uint32_t hops = 1; hops <= n; ++hops) {
    for (std::uint32_t origin = 0; origin < n; ++origin) {
      for (std::uint32_t silent = 0; silent < 1u << n; ++silent) {
        const auto is_silent = [&](const Ipv6Address& a) {
          return (silent >> (a.low() - kFirst) & 1) != 0;
        };
        std::uint32_t at = origin, asked = 0, skipped = 0;
        while (const auto next = ring(n, at, hops).next_after(origin, is_silent)) {
          at = *ring(n, at, hops).place_of(next->member);
          ASSERT_NE(at, origin);
          ASSERT_FALSE(is_silent(next->member));
          ++asked, skipped += next->skipped;
        }
        const std::uint32_t most = std::min(hops, n - 1);
        std::uint32_t there = 0;
        for (std::uint32_t k = 1; k <= most; ++k)
          there += is_silent(member_of((origin + k) % n)) ? 0 : 1;
        EXPECT_EQ(asked, there);
        EXPECT_LE(asked + skipped, most);
      }
    }
  }
}

TEST(ClusterRing, KnowsItsMembers) {
  const ClusterRing three = ring(3, 1, 2);
  EXPECT_EQ(three.own_place(), 1U);
  EXPECT_EQ(three.place_of(member_of(2)), 2U);
  EXPECT_FALSE(three.place_of(member_of(3)));
  EXPECT_EQ(three.next_after(1, nobody)->member, member_of(2));
  EXPECT_TRUE(three.is_own(member_of(1)));
  EXPECT_FALSE(three.is_own(member_of(2)));
}

TEST(ClusterRing, AsksNobodyWhereThereIsNoneOrThisServerIsNotInIt) {
  EXPECT_FALSE(ClusterRing().next_after(0, nobody));
  EXPECT_FALSE(ClusterRing().place_of(member_of(0)));
  EXPECT_FALSE(ring(3, 7, 2).next_after(0, nobody));
  EXPECT_FALSE(ring(3, 0, 0).next_after(0, nobody));
}

}  // namespace
}  // namespace mayfly::testing
