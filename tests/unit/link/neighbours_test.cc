#include "link/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "link/link_common.h"

namespace mayfly::testing {
namespace {

constexpr Ipv4Address kIp{0xc612'0101}, kOther{0xc612'0102};
constexpr MacAddress kMac{{2, 0, 0, 0, 0, 7}}, kNewMac{{2, 0, 0, 0, 0, 8}};

class Neighbours : public ::testing::Test {
 protected:
  using Cache = link::NeighbourCache<int>;
  struct Asked {
    Ipv4Address ip;
    std::optional<MacAddress> known;
  };

  Drop wait(Ipv4Address ip, int frame) {
    bool ask = false;
    const Drop why = cache.wait(ip, frame, now, ask);
    if (ask) asked.push_back({ip, std::nullopt});
    return why;
  }
  bool learn(Ipv4Address ip, const MacAddress& mac, bool create, bool trusted = false) {
    return cache.learn({ip, mac, create, trusted}, now,
                       [this](int frame) { released.push_back(frame); });
  }
  void after(Duration span) {
    for (const Instant end = now + span; now < end;) {
      now = now + 1_ms;
      const auto ask = [this](Ipv4Address ip, const MacAddress* known) {
        if (!may_ask) return false;
        asked.push_back({ip, known != nullptr ? std::optional(*known) : std::nullopt});
        return true;
      };
      const std::size_t asked_before = asked.size();
      cache.settle_doubts(now, ask);
      cache.age(now, ask, [this](int frame) { dropped.push_back(frame); });
      if (owner && asked.size() > asked_before) learn(asked.back().ip, *owner, false);
    }
  }
  /// Frames go to `ip` all the time.
  void after_using(Ipv4Address ip, Duration span) {
    for (const Instant end = now + span; now < end;) {
      cache.find(ip);
      after(50_ms);
    }
  }

  Instant now{1'000'000};
  Cache cache;
  std::vector<Asked> asked;
  std::vector<int> released, dropped;
  bool may_ask = true;              // the rate limit allows requests
  std::optional<MacAddress> owner;  // answers every request at once
};

TEST_F(Neighbours, KeepFramesUntilTheAnswerAndGiveThemInOrder) {
  EXPECT_EQ(cache.find(kIp), nullptr);
  EXPECT_EQ(wait(kIp, 1), Drop::none);
  EXPECT_EQ(wait(kOther, 9), Drop::none);
  EXPECT_EQ(wait(kIp, 2), Drop::none);
  EXPECT_EQ(wait(kIp, 3), Drop::none);
  EXPECT_EQ(asked.size(), 2u) << "one request for each";
  learn(kIp, kMac, false);
  EXPECT_EQ(released, (std::vector{1, 2, 3}));
  ASSERT_NE(cache.find(kIp), nullptr);
  EXPECT_EQ(*cache.find(kIp), kMac);
  EXPECT_EQ(cache.find(kOther), nullptr);
}

TEST_F(Neighbours, AreMadeOnlyByWhoSpeaksToUs) {  // RFC 826
  learn(kIp, kMac, false);
  EXPECT_EQ(cache.find(kIp), nullptr);
  learn(kIp, kMac, true);
  ASSERT_NE(cache.find(kIp), nullptr);
  learn(kIp, kMac, false);
  EXPECT_EQ(*cache.find(kIp), kMac);
}

TEST_F(Neighbours, ThatAreAliveKeepTheirAddressWhateverIsSaidOfThem) {
  learn(kIp, kMac, true);
  owner = kMac;
  for (int claim = 0; claim < 10; ++claim) {
    EXPECT_FALSE(learn(kIp, kNewMac, claim % 2 == 0));
    after_using(kIp, 500_ms);
    EXPECT_EQ(*cache.find(kIp), kMac);
  }
  EXPECT_GE(asked.size(), 4u);
  EXPECT_LE(asked.size(), 5u) << "at most once a second (RFC 1122 2.3.2.1)";
  for (const Asked& one : asked) EXPECT_EQ(one.known, kMac) << "the owner is asked, not everybody";
}

TEST_F(Neighbours, ThatMovedAreFollowedWithin200MsAfterThreeRequestsToTheOldAddress) {
  learn(kIp, kMac, true);
  after(5_s);
  EXPECT_FALSE(learn(kIp, kNewMac, false));
  after(149_ms);
  EXPECT_EQ(*cache.find(kIp), kMac);
  after(5_ms);
  EXPECT_EQ(*cache.find(kIp), kNewMac);
  ASSERT_EQ(asked.size(), 3u);
  for (const Asked& one : asked) EXPECT_EQ(one.known, kMac);
  after_using(kIp, 10_s);
  EXPECT_EQ(asked.size(), 3u) << "the new address is as good as any";
}

TEST_F(Neighbours, ThatMovedAreFollowedAtOnceWhereClaimsAreTrusted) {
  learn(kIp, kMac, true);
  EXPECT_FALSE(learn(kIp, kNewMac, false, true)) << "it is told all the same";
  EXPECT_EQ(*cache.find(kIp), kNewMac);
  after(1_s);
  EXPECT_TRUE(asked.empty());
}

TEST_F(Neighbours, OfWhomSeveralClaimTheAddressGoToTheLastOne) {
  constexpr MacAddress kThirdMac{{2, 0, 0, 0, 0, 9}};
  learn(kIp, kMac, true);
  learn(kIp, kThirdMac, false);
  after(60_ms);
  learn(kIp, kNewMac, false);
  after(100_ms);
  EXPECT_EQ(*cache.find(kIp), kNewMac);
  EXPECT_EQ(asked.size(), 3u) << "a further claim buys no further time";
}

TEST_F(Neighbours, AreNotGivenUpForRequestsThatTheRateLimitHeldBack) {
  learn(kIp, kMac, true);
  may_ask = false;
  learn(kIp, kNewMac, false);
  after(2_s);
  EXPECT_EQ(*cache.find(kIp), kMac);
  may_ask = true;
  owner = kMac;
  after(1_s);
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_EQ(*cache.find(kIp), kMac);
}

TEST_F(Neighbours, ThatTcpGetsNoAnswerFromAreAskedAndThenLookedForEverywhere) {
  learn(kIp, kMac, true);
  after(2_s);
  cache.suspect(kIp, now);
  after(155_ms);
  ASSERT_EQ(asked.size(), 4u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(asked[i].known, kMac);
  EXPECT_FALSE(asked[3].known);
  learn(kIp, kNewMac, false);
  EXPECT_EQ(*cache.find(kIp), kNewMac) << "whoever answers now is believed";
}

TEST_F(Neighbours, ThatNobodyAnswersForKeepTheirAddressAndItsDefence) {
  learn(kIp, kMac, true);
  after(2_s);
  cache.suspect(kIp, now);
  after(1'200_ms);
  EXPECT_EQ(asked.size(), 4u);
  EXPECT_EQ(*cache.find(kIp), kMac);
  EXPECT_FALSE(learn(kIp, kNewMac, false)) << "the time in which anybody is believed is over";
  EXPECT_EQ(*cache.find(kIp), kMac);
}

TEST_F(Neighbours, ThatAnswerAreNotSuspectedTwiceInASecond) {
  learn(kIp, kMac, true);
  owner = kMac;
  cache.suspect(kIp, now);
  after(500_ms);
  EXPECT_TRUE(asked.empty()) << "it was heard a moment ago";
  for (int i = 0; i < 100; ++i) {
    cache.suspect(kIp, now);
    after(30_ms);
  }
  EXPECT_GE(asked.size(), 2u);
  EXPECT_LE(asked.size(), 4u);
}

TEST_F(Neighbours, ThatAreNotKnownAreNotSuspected) {
  cache.suspect(kIp, now);
  wait(kOther, 1);
  cache.suspect(kOther, now);
  after(500_ms);
  EXPECT_EQ(asked.size(), 1u) << "the one that the frame asked for";
}

TEST_F(Neighbours, InDoubtAreForgottenWithTheirDoubt) {
  learn(kIp, kMac, true);
  learn(kIp, kNewMac, false);
  cache.clear([](int) {});
  after(1_s);
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(cache.find(kIp), nullptr);
}

TEST_F(Neighbours, InDoubtAreAskedThoughManyOthersAreToo) {
  std::uint32_t moved = 0;
  for (std::uint32_t i = 0; i < 100; ++i) learn({kIp.host + i}, kMac, true);
  after(1_s);
  for (std::uint32_t i = 0; i < 100; ++i) learn({kIp.host + i}, kNewMac, false);
  after(200_ms);
  for (std::uint32_t i = 0; i < 100; ++i) moved += *cache.find({kIp.host + i}) == kNewMac ? 1 : 0;
  EXPECT_EQ(moved, Cache::kDoubtsMax);
  for (std::uint32_t i = 0; i < 100; ++i) learn({kIp.host + i}, kNewMac, false);
  after(200_ms);
  EXPECT_EQ(*cache.find({kIp.host + 99}), kNewMac) << "a claim that is repeated finds its turn";
}

TEST_F(Neighbours, InUseAreNotPushedOutByThoseThatNobodyHeardOf) {
  for (std::uint32_t i = 0; i < 2'000; ++i) learn({kIp.host + i}, kMac, true);
  std::vector<Ipv4Address> live;
  for (std::uint32_t i = 0; i < 2'000; ++i)
    if (cache.find({kIp.host + i}) != nullptr) live.push_back({kIp.host + i});
  for (std::uint32_t i = 0; i < 20'000; ++i) wait({0xc613'0000 + i}, 0);
  for (const Ipv4Address ip : live) EXPECT_NE(cache.find(ip), nullptr);
}

TEST_F(Neighbours, ThatServedArePushedOutAfterThoseThatOnlySpoke) {
  learn(kIp, kMac, true);
  EXPECT_NE(cache.find(kIp), nullptr);
  after(1_s);
  for (std::uint32_t i = 0; i < 3 * Cache::kSets * Cache::kWays; ++i) {
    learn({0xc613'0000 + i}, kNewMac, true);
  }
  EXPECT_NE(cache.find(kIp), nullptr);
}

TEST_F(Neighbours, AreAskedForOnceASecondAndThenGivenUp) {  // RFC 1122 2.3.2.1
  wait(kIp, 1);
  after(999_ms);
  EXPECT_EQ(asked.size(), 1u);
  after(150_ms);
  EXPECT_EQ(asked.size(), 2u);
  wait(kIp, 2);
  EXPECT_EQ(asked.size(), 2u) << "a further frame asks no more often";
  after(1'150_ms);
  EXPECT_EQ(asked.size(), 3u);
  after(1'150_ms);
  EXPECT_EQ(asked.size(), 4u);
  EXPECT_TRUE(dropped.empty());
  after(1'150_ms);
  EXPECT_EQ(dropped, (std::vector{1, 2}));
  EXPECT_EQ(asked.size(), 4u);
  EXPECT_EQ(wait(kIp, 3), Drop::none);
  EXPECT_EQ(asked.size(), 5u) << "the next frame begins anew";
}

TEST_F(Neighbours, KeepNoMoreFramesForOneThanItsShare) {
  for (int i = 0; i < Cache::kWaitingEachMax; ++i) ASSERT_EQ(wait(kIp, i), Drop::none);
  EXPECT_EQ(wait(kIp, -1), Drop::neighbour_wait_full);
  EXPECT_EQ(wait(kOther, 0), Drop::none);
}

TEST_F(Neighbours, KeepNoMoreFramesThanThereIsRoomFor) {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < Cache::kWaitingMax + 10; ++i)
    kept += wait({kIp.host + i / 100}, 0) == Drop::none ? 1 : 0;
  EXPECT_EQ(kept, Cache::kWaitingMax);
  learn(kIp, kMac, false);
  EXPECT_EQ(wait(kOther, 0), Drop::none) << "what was released makes room";
}

TEST_F(Neighbours, AreForgottenWhenTheyAreStaleAndUnused) {
  learn(kIp, kMac, true);
  after(59_s);
  EXPECT_NE(cache.find(kIp), nullptr);
  after(2_s);
  EXPECT_EQ(cache.find(kIp), nullptr);
  EXPECT_TRUE(asked.empty());
}

TEST_F(Neighbours, InUseAreAskedByUnicastBeforeTheyAreForgotten) {  // RFC 1122 2.3.2.1 (2)
  learn(kIp, kMac, true);
  after_using(kIp, 60'500_ms);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].known, kMac);
  EXPECT_NE(cache.find(kIp), nullptr) << "still in use while it is asked";
  learn(kIp, kMac, false);
  after_using(kIp, 10_s);
  EXPECT_EQ(asked.size(), 1u) << "the answer makes it fresh";
}

TEST_F(Neighbours, InUseThatDoNotAnswerAreAskedByAllAndForgotten) {
  learn(kIp, kMac, true);
  after_using(kIp, 65'500_ms);
  ASSERT_EQ(asked.size(), 4u);
  EXPECT_TRUE(asked[0].known && asked[1].known);
  EXPECT_FALSE(asked[2].known || asked[3].known);
  EXPECT_EQ(cache.find(kIp), nullptr);
}

TEST_F(Neighbours, ThatAnswerNeverAreNotPushedOutWhileFramesWaitForThem) {
  std::uint32_t refused = 0;
  for (std::uint32_t i = 0; i < 2 * Cache::kSets * Cache::kWays; ++i) {
    const Drop why = wait({kIp.host + i}, 0);
    if (why == Drop::neighbour_table_full) ++refused;
  }
  EXPECT_GT(refused, 0u);
  learn(kIp, kMac, false);
  EXPECT_EQ(released.size(), 1u);
}

TEST_F(Neighbours, LongUnconfirmedMakeRoomForNewOnes) {
  for (std::uint32_t i = 0; i < 2 * Cache::kSets * Cache::kWays; ++i) {
    learn({kIp.host + i}, kMac, true);
    now = now + 1_us;
  }
  EXPECT_NE(cache.find({kIp.host + 2 * Cache::kSets * Cache::kWays - 1}), nullptr);
  EXPECT_EQ(cache.find(kIp), nullptr);
}

// The entry that was found last is asked first.
TEST_F(Neighbours, AreFoundByTurnsAndNotOnceTheyAreForgotten) {
  learn(kIp, kMac, true);
  learn(kOther, kNewMac, true);
  for (int i = 0; i < 3; ++i) {
    ASSERT_NE(cache.find(kIp), nullptr);
    EXPECT_EQ(*cache.find(kIp), kMac);
    ASSERT_NE(cache.find(kOther), nullptr);
    EXPECT_EQ(*cache.find(kOther), kNewMac);
  }
  cache.clear([](int) {});
  EXPECT_EQ(cache.find(kOther), nullptr) << "found last, and forgotten";
  EXPECT_EQ(cache.find(kIp), nullptr);
  learn(kIp, kNewMac, true);
  EXPECT_EQ(*cache.find(kIp), kNewMac);
}

TEST_F(Neighbours, HandEverythingBackWhenTheyAreCleared) {
  wait(kIp, 1);
  wait(kOther, 2);
  cache.clear([this](int frame) { dropped.push_back(frame); });
  EXPECT_EQ(dropped.size(), 2u);
  EXPECT_EQ(cache.find(kIp), nullptr);
}

// Where an address was found is remembered by its last octet.
TEST(Neighbours6, AddressesWithTheSameLastOctetAreToldApart) {
  using Cache6 = link::NeighbourCache<int, Ipv6Address, link::LinkSecret>;
  Cache6 cache{link::LinkSecret()};
  const Ipv6Address one = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}),
                    other = one.with_low(0x101), third = one.with_low(0x201);
  const MacAddress other_mac{{2, 0, 0, 0, 0, 9}};
  cache.learn({one, kMac, true, false}, Instant{1}, [](int) {});
  cache.learn({other, other_mac, true, false}, Instant{1}, [](int) {});
  for (int i = 0; i < 2; ++i) {
    ASSERT_NE(cache.find(one), nullptr);
    EXPECT_EQ(*cache.find(one), kMac);
    ASSERT_NE(cache.find(other), nullptr);
    EXPECT_EQ(*cache.find(other), other_mac);
    EXPECT_EQ(cache.find(third), nullptr);
  }
}

TEST(Neighbours6, AnEntryThatWasGivenUpIsFoundNoMore) {
  using Cache6 = link::NeighbourCache<int, Ipv6Address, link::LinkSecret>;
  Cache6 cache{link::LinkSecret()};
  const Ipv6Address one = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});
  cache.learn({one, kMac, true, false}, Instant{1}, [](int) {});
  ASSERT_NE(cache.find(one), nullptr);
  cache.clear([](int) {});
  EXPECT_EQ(cache.find(one), nullptr);
  EXPECT_EQ(cache.find({}), nullptr) << "no entry is that of the unspecified address";
}

// RFC 6583: whoever may take any address of a link would fill the set of another host.
TEST(Neighbours6, NobodyWithoutTheKeyKnowsWhichAddressesShareASet) {
  using Cache6 = link::NeighbourCache<int, Ipv6Address, link::LinkSecret>;
  constexpr std::size_t kSharing = 3 * Cache6::kWays;
  const link::LinkSecret one({1, 2}), other({3, 4});
  const auto address = [](std::uint32_t n) {
    return Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 0}).with_low(n);
  };
  std::vector<Ipv6Address> sharing;  // a set, under the first key
  for (std::uint32_t n = 0; sharing.size() < kSharing; ++n)
    if (one.hash(address(n)) >> 23 == 7) sharing.push_back(address(n));
  const auto kept_under = [&](const link::LinkSecret& key) {
    Cache6 cache(key);
    for (const Ipv6Address& ip : sharing)
      cache.learn({ip, kMac, true, false}, Instant{1}, [](int) {});
    return std::ranges::count_if(sharing,
                                 [&](const auto& ip) { return cache.find(ip) != nullptr; });
  };
  EXPECT_EQ(kept_under(one), Cache6::kWays);
  EXPECT_EQ(kept_under(other), kSharing);
}

}  // namespace
}  // namespace mayfly::testing
