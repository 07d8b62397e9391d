#include "flow/flow_table.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using flow::FlowTable;

FlowTable make_table(std::uint32_t flows) {
  static unsigned made = 0;
  auto table = FlowTable::create("table" + std::to_string(made++), flows, flow::FlowSecret({1, 2}),
                                 HugePages::never);
  EXPECT_TRUE(table);
  return std::move(*table);
}

FlowKey4 key(std::uint32_t n) {
  return FlowKey4::of({0xc612'0001}, 80, {0xc612'0100 + n / 50'000},
                      static_cast<std::uint16_t>(1 + n % 50'000));
}

std::int32_t find(const FlowTable& table, const FlowKey4& k) {
  return table.find(k, table.hash(k));
}

void erase(FlowTable& table, std::int32_t position) {
  const auto at = static_cast<std::uint32_t>(position);
  table.erase(at, table.hash(table.key(at)));
}

TEST(FlowTableTest, FindsWhatWasInserted) {
  FlowTable table = make_table(100);
  const std::int32_t position = table.insert(key(1), table.hash(key(1)), 7);
  ASSERT_GE(position, 0);
  EXPECT_EQ(find(table, key(1)), position);
  EXPECT_EQ(find(table, key(2)), FlowTable::kNone);
  EXPECT_EQ(table.block(static_cast<std::uint32_t>(position)), 7u);
  EXPECT_EQ(table.key(static_cast<std::uint32_t>(position)), key(1));
  EXPECT_EQ(table.used(), 1u);
}

TEST(FlowTableTest, ForgetsWhatWasErasedAndSaysThatItDid) {
  FlowTable table = make_table(100);
  const std::int32_t position = table.insert(key(1), table.hash(key(1)), 7);
  const std::uint32_t epoch = table.epoch();
  erase(table, position);
  EXPECT_EQ(find(table, key(1)), FlowTable::kNone);
  EXPECT_NE(table.epoch(), epoch);
  EXPECT_EQ(table.used(), 0u);
}

std::uint32_t hash_of(const FlowTable& table, const FlowKey4& k) { return table.hash(k); }
std::uint32_t hash_of(const FlowTable& table, const FlowKey6& k) {
  return table.hash(table.name(k));
}

/// A burst of `keys`, of which every other one is in the table.
template <class Key>
void find_a_burst(FlowTable& table, const std::vector<Key>& keys) {
  std::vector<const Key*> pointers;
  std::vector<std::uint32_t> hashes;
  for (const Key& k : keys) {
    pointers.push_back(&k);
    hashes.push_back(hash_of(table, k));
  }
  for (std::uint32_t i = 0; i < keys.size(); i += 2) table.insert(keys[i], hashes[i], i);
  std::vector<std::int32_t> positions(keys.size());
  table.find_bulk(pointers, hashes, positions);
  for (std::uint32_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(std::max(positions[i], FlowTable::kNone), table.find(keys[i], hashes[i]));
    EXPECT_EQ(positions[i] < 0, i % 2 == 1);
  }
}

TEST(FlowTableTest, FindsABurstAtOnce) {
  FlowTable table = make_table(100);
  std::vector<FlowKey4> keys;
  for (std::uint32_t i = 0; i < kBurstMax; ++i) keys.push_back(key(i));
  find_a_burst(table, keys);
}

TEST(FlowTableTest, HashesByItsSecret) {
  auto other = FlowTable::create("othersecret", 100, flow::FlowSecret({3, 4}), HugePages::never);
  ASSERT_TRUE(other);
  const FlowTable table = make_table(100);
  unsigned same = 0;
  for (std::uint32_t i = 0; i < 1'000; ++i)
    same += table.hash(key(i)) == other->hash(key(i)) ? 1 : 0;
  EXPECT_LT(same, 3u);
}

TEST(FlowTableTest, HoldsAllTheFlowsItWasMadeForAndFillsUpOnlyThen) {
  constexpr std::uint32_t kFlows = 6'000;
  FlowTable table = make_table(kFlows);
  std::uint32_t held = 0;
  while (table.insert(key(held), table.hash(key(held)), held) >= 0) ++held;
  EXPECT_GE(held, kFlows) << "at a load of 60 % every insertion succeeds";
  EXPECT_EQ(table.used(), held);
  EXPECT_EQ(find(table, key(held)), FlowTable::kNone);
  for (std::uint32_t i = 0; i < held; ++i) {
    const std::int32_t position = find(table, key(i));
    ASSERT_GE(position, 0);
    ASSERT_EQ(table.block(static_cast<std::uint32_t>(position)), i);
    erase(table, position);
  }
  EXPECT_EQ(table.used(), 0u);
  EXPECT_GE(table.insert(key(1), table.hash(key(1)), 1), 0) << "room again";
}

TEST(FlowTableTest, HasRoomForNoMoreKeysThanFlowsWhereItsBucketsAllowIt) {
  constexpr std::size_t kKeyAndBlock = 36, kPlaceAndRing = 8 + 4;
  for (const std::uint32_t flows : {300'000u, 1'200'000u, 10'000'000u}) {
    const std::size_t places = std::bit_ceil(std::size_t{flows} * 10 / 6);
    EXPECT_LE(FlowTable::bytes_needed(flows), flows * kKeyAndBlock + places * kPlaceAndRing)
        << flows;
  }
}

TEST(FlowTableTest, SaysWhyItCannotBeMade) {
  const auto table =
      FlowTable::create("toolarge", 2'000'000'000, flow::FlowSecret({1, 2}), HugePages::never);
  ASSERT_FALSE(table);
  EXPECT_NE(table.error().what.find("2000000000 flows"), std::string::npos) << table.error().what;
}

struct HashOf {
  std::size_t operator()(const FlowKey4& k) const { return k.remote_ip * 31u + k.remote_port; }
};

TEST(FlowTableTest, FindsInABurstWhatAMapWouldFind) {
  Prng random(7);
  FlowTable table = make_table(500);
  std::unordered_map<FlowKey4, std::uint32_t, HashOf> map;
  for (std::uint32_t burst = 0; burst < 500; ++burst) {
    std::vector<FlowKey4> keys;
    std::vector<const FlowKey4*> pointers;
    std::vector<std::uint32_t> hashes;
    keys.reserve(kBurstMax);
    for (std::size_t n = 1 + random.below(kBurstMax); n > 0; --n) {
      keys.push_back(key(static_cast<std::uint32_t>(random.below(700))));
      pointers.push_back(&keys.back());
      hashes.push_back(table.hash(keys.back()));
    }
    std::vector<std::int32_t> positions(keys.size());
    table.find_bulk(pointers, hashes, positions);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto known = map.find(keys[i]);
      ASSERT_EQ(positions[i] >= 0, known != map.end());
      if (positions[i] < 0) continue;
      ASSERT_EQ(table.block(static_cast<std::uint32_t>(positions[i])), known->second);
    }
    const std::int32_t last = find(table, keys.back());
    if (last >= 0) {
      erase(table, last);
      map.erase(keys.back());
    } else if (map.size() < 500) {
      ASSERT_GE(table.insert(keys.back(), hashes.back(), burst), 0);
      map.emplace(keys.back(), burst);
    }
  }
}

TEST(FlowTableTest, AgreesWithAMapWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prng random(seed);
    FlowTable table = make_table(500);
    std::unordered_map<FlowKey4, std::uint32_t, HashOf> map;
    for (std::uint32_t step = 0; step < 5'000; ++step) {
      const FlowKey4 k = key(static_cast<std::uint32_t>(random.below(700)));
      const std::int32_t position = find(table, k);
      const auto known = map.find(k);
      ASSERT_EQ(position >= 0, known != map.end());
      if (position >= 0) {
        ASSERT_EQ(table.block(static_cast<std::uint32_t>(position)), known->second);
        erase(table, position);
        map.erase(known);
      } else if (map.size() < 500) {
        ASSERT_GE(table.insert(k, table.hash(k), step), 0);
        map.emplace(k, step);
      }
      ASSERT_EQ(table.used(), map.size());
    }
  }
}

// -- IPv6

FlowKey6 key6(std::uint32_t n) {
  const Ipv6Address net = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 0});
  return FlowKey6::of(net.with_low(1), 80, net.with_low(0x100 + n / 50'000),
                      static_cast<std::uint16_t>(1 + n % 50'000));
}

TEST(FlowTable6Test, FindsBothFamiliesAndTellsThemApart) {
  auto made = FlowTable::create("both", 100, flow::FlowSecret({1, 2}), HugePages::never, true);
  ASSERT_TRUE(made);
  FlowTable& table = *made;
  const flow::FlowSecret secret({1, 2});
  const std::uint32_t hash6 = secret.hash(secret.name(key6(1)));
  EXPECT_EQ(table.find(key6(1), hash6), FlowTable::kNone);
  const auto four = static_cast<std::uint32_t>(table.insert(key(1), table.hash(key(1)), 7));
  const auto six = static_cast<std::uint32_t>(table.insert(key6(1), hash6, 8));
  EXPECT_FALSE(table.is_ipv6(four));
  EXPECT_TRUE(table.is_ipv6(six));
  EXPECT_EQ(table.block(four), 7u);
  EXPECT_EQ(table.block(six), 8u);
  EXPECT_EQ(table.key6(six), key6(1));
  EXPECT_EQ(table.find(key6(1), hash6), static_cast<std::int32_t>(six));
  EXPECT_EQ(table.used(), 2u);
  table.erase(six, hash6);
  EXPECT_EQ(table.find(key6(1), hash6), FlowTable::kNone);
  EXPECT_EQ(find(table, key(1)), static_cast<std::int32_t>(four));
  EXPECT_EQ(table.epoch(), 1u);
}

TEST(FlowTable6Test, FindsABurstAtOnce) {
  auto made = FlowTable::create("six-burst", 100, flow::FlowSecret({1, 2}), HugePages::never, true);
  ASSERT_TRUE(made);
  std::vector<FlowKey6> keys;
  for (std::uint32_t i = 0; i < kBurstMax; ++i) keys.push_back(key6(i));
  find_a_burst(*made, keys);
}

TEST(FlowTable6Test, HoldsAsManyFlowsOfEitherFamilyAsItWasMadeFor) {
  auto made = FlowTable::create("many6", 10'000, flow::FlowSecret({1, 2}), HugePages::never, true);
  ASSERT_TRUE(made);
  const flow::FlowSecret secret({1, 2});
  for (std::uint32_t n = 0; n < 10'000; ++n)
    ASSERT_GE(made->insert(key6(n), secret.hash(secret.name(key6(n))), n), 0);
  for (std::uint32_t n = 0; n < 10'000; ++n)
    ASSERT_GE(made->insert(key(n), made->hash(key(n)), n), 0);
  EXPECT_GT(FlowTable::bytes_needed(100, true), FlowTable::bytes_needed(100));
}

TEST(FlowSecretTest, TheNameOfAnIpv6FlowDependsOnEveryBitAndOnTheSecret) {
  const flow::FlowSecret secret({1, 2}), other({1, 3});
  const FlowKey6 one = key6(1);
  const FlowKey4 name = secret.name(one);
  EXPECT_TRUE(name.is_ipv6_name());
  EXPECT_FALSE(secret.name(one) == other.name(one));
  for (std::size_t bit = 0; bit < FlowKey6::kSize * 8; ++bit) {
    std::array<std::byte, sizeof(FlowKey6)> bytes;
    std::memcpy(bytes.data(), &one, sizeof one);
    bytes[bit / 8] ^= std::byte(1 << bit % 8);
    const FlowKey4 changed = secret.name(std::bit_cast<FlowKey6>(bytes));
    // All three parts change: 96 bits, not fewer.
    EXPECT_NE(changed.local_ip, name.local_ip);
    EXPECT_NE(changed.remote_ip, name.remote_ip);
    EXPECT_FALSE(changed.local_port == name.local_port && changed.remote_port == name.remote_port);
  }
}

TEST(FlowSecretTest, AFlowLabelIsThatOfItsFlowAndNoPartOfItsName) {
  const flow::FlowSecret secret({1, 2}), other({1, 3});
  const auto label = [](const flow::FlowSecret& under, std::uint32_t n) {
    FlowKey6 key = key6(n);
    EXPECT_EQ(under.name_and_label(key), under.name(key6(n)));
    return key.flow_label;
  };
  EXPECT_EQ(label(secret, 7), label(secret, 7));
  EXPECT_NE(label(secret, 7), label(secret, 8));
  EXPECT_NE(label(secret, 7), label(other, 7));
  // Of 20 bits, about half differ between two flows, and from those of the other words.
  int differ = 0;
  std::uint32_t seen = 0;
  constexpr std::uint32_t kFlows = 1'000;
  for (std::uint32_t n = 0; n < kFlows; ++n) {
    EXPECT_LE(label(secret, n), 0xf'ffffu);
    const FlowKey4 name = secret.name(key6(n));
    differ += std::popcount((label(secret, n) ^ name.local_ip) & 0xf'ffff);
    EXPECT_NE(label(secret, n), name.local_ip >> 12);
    EXPECT_NE(label(secret, n), name.remote_ip >> 12);
    seen |= label(secret, n);
  }
  EXPECT_NEAR(differ, 10.0 * kFlows, 300);
  EXPECT_EQ(seen, 0xf'ffffu);
}

TEST(FlowSecretTest, NumbersOfIpv6AreThoseOfTheFourTupleAndOffsetsThoseOfTheHosts) {
  const flow::FlowSecret secret({1, 2});
  const Instant now{5'000'000};
  EXPECT_NE(secret.initial_sequence(key6(1), now), secret.initial_sequence(key6(2), now));
  EXPECT_EQ(secret.initial_sequence(key6(1), now + 4_ms) - secret.initial_sequence(key6(1), now),
            1'000);
  EXPECT_EQ(secret.timestamp_offset(key6(1)), secret.timestamp_offset(key6(2)));
  EXPECT_NE(secret.timestamp_offset(key6(1)), secret.timestamp_offset(key6(60'000)));
}

TEST(FlowSecretTest, NamesThatAreMadeTogetherAreThoseThatAreMadeAlone) {
  const flow::FlowSecret secret({1, 2});
  for (const std::uint32_t n : {1u, 2u, 60'000u}) {
    FlowKey6 made = key6(n), alone = made;
    const auto six = secret.names_and_label(made);
    EXPECT_EQ(six.flow, secret.name_and_label(alone));
    EXPECT_EQ(made.flow_label, alone.flow_label);
    EXPECT_EQ(secret.timestamp_offset(six, 3), secret.timestamp_offset(key6(n), 3));
    EXPECT_EQ(flow::FlowSecret::names(key(n)).flow, key(n));
  }
}

}  // namespace
}  // namespace mayfly::testing
