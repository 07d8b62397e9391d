#include "flow/time_wait_table.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using flow::TimeWaitTable;

constexpr Instant kStart = Instant{} + 1_s;

TimeWaitTable make_table(std::uint32_t capacity) {
  auto table = TimeWaitTable::create(capacity, HugePages::never, kStart);
  EXPECT_TRUE(table);
  return std::move(*table);
}

FlowKey4 key(std::uint32_t n) {
  return FlowKey4::of({0xc612'0001}, 80, {0xc612'0100 + n / 50'000},
                      static_cast<std::uint16_t>(1 + n % 50'000));
}
/// Few values, so that buckets hold many.
std::uint32_t hash(const FlowKey4& k) { return k.remote_port % 16u; }

tcp::TimeWaitEntry entry(std::uint32_t n) { return {.rcv_nxt = Seq{n}}; }

std::vector<std::uint32_t> due_at(TimeWaitTable& table, Instant now, std::size_t budget = 64) {
  std::vector<std::uint32_t> due(budget);
  std::size_t count = 0;
  table.advance(now, due, count);
  due.resize(count);
  return due;
}

TEST(TimeWaitTableTest, FindsARecordByItsFourTuple) {
  TimeWaitTable table = make_table(10);
  const std::uint32_t index = table.insert(key(1), hash(key(1)), entry(7));
  ASSERT_NE(index, kNoIndex);
  EXPECT_EQ(table.find(key(1), hash(key(1))), index);
  EXPECT_EQ(table.find(key(17), hash(key(17))), kNoIndex) << "the same bucket, another tuple";
  EXPECT_EQ(table[index].key(), key(1));
  EXPECT_EQ(table[index].entry.rcv_nxt, Seq{7});
}

TEST(TimeWaitTableTest, IsFullAtItsCapacityAndHasRoomAgainAfterAnErasure) {
  TimeWaitTable table = make_table(3);
  for (std::uint32_t i = 0; i < 3; ++i)
    ASSERT_NE(table.insert(key(i), hash(key(i)), entry(i)), kNoIndex);
  EXPECT_EQ(table.insert(key(3), hash(key(3)), entry(3)), kNoIndex);
  table.erase(table.find(key(1), hash(key(1))), hash(key(1)));
  EXPECT_NE(table.insert(key(3), hash(key(3)), entry(3)), kNoIndex);
}

TEST(TimeWaitTableTest, EndsAHoldWhenItsTimeIsOverAndNotBefore) {
  TimeWaitTable table = make_table(3);
  const std::uint32_t index = table.insert(key(1), hash(key(1)), entry(1));
  table.hold(index, 60_s, kStart);
  EXPECT_TRUE(due_at(table, kStart + 59'999_ms).empty());
  EXPECT_EQ(due_at(table, kStart + 60_s), std::vector{index});
  EXPECT_NE(table.find(key(1), hash(key(1))), kNoIndex) << "erasing it is the owner's business";
}

TEST(TimeWaitTableTest, ASuspendedRecordStaysWithoutTime) {
  TimeWaitTable table = make_table(3);
  const std::uint32_t index = table.insert(key(1), hash(key(1)), entry(1));
  table.hold(index, 1_s, kStart);
  table.suspend(index);
  EXPECT_EQ(table.earliest(), kNoIndex);
  EXPECT_TRUE(due_at(table, kStart + 1000_s).empty());
  EXPECT_EQ(table.find(key(1), hash(key(1))), index);
}

TEST(TimeWaitTableTest, ShortensAHoldAndNeverProlongsIt) {
  TimeWaitTable table = make_table(3);
  const std::uint32_t index = table.insert(key(1), hash(key(1)), entry(1));
  table.hold(index, 60_s, kStart);
  EXPECT_FALSE(table.end_by(index, kStart + 90_s));
  EXPECT_TRUE(table.end_by(index, kStart + 10_s));
  EXPECT_EQ(due_at(table, kStart + 10_s), std::vector{index});
}

TEST(TimeWaitTableTest, KnowsTheAgeOfARecord) {
  TimeWaitTable table = make_table(3);
  const std::uint32_t index = table.insert(key(1), hash(key(1)), entry(1));
  table.hold(index, 60_s, kStart);
  EXPECT_EQ(table[index].age(kStart + 12'345_ms), 12'345_ms);
}

TEST(TimeWaitTableTest, GivesWhatIsDueInPortionsOfTheBudget) {
  TimeWaitTable table = make_table(1'000);
  for (std::uint32_t i = 0; i < 1'000; ++i)
    table.hold(table.insert(key(i), hash(key(i)), entry(i)), 1_s, kStart);
  std::size_t ended = 0;
  for (int call = 0; call < 4; ++call) {
    const auto due = due_at(table, kStart + 1_s, 300);
    EXPECT_LE(due.size(), 300u);
    ended += due.size();
  }
  EXPECT_EQ(ended, 1'000u);
}

TEST(TimeWaitTableTest, TakesAtMost56BytesAnEntryAtEveryPowerOfTwo) {
  for (const std::uint32_t n : {1u << 20, 1u << 24, 1u << 26, 64'000'000u})
    EXPECT_LE(TimeWaitTable::bytes_needed(n), std::size_t{n} * 56) << n;
}

struct HashOf {
  std::size_t operator()(const FlowKey4& k) const { return k.remote_ip * 31u + k.remote_port; }
};

TEST(TimeWaitTableTest, AgreesWithMapsWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prng random(seed);
    TimeWaitTable table = make_table(400);
    std::unordered_map<FlowKey4, Instant, HashOf> model;  // to the end of the hold
    Instant now = kStart;
    for (int step = 0; step < 5'000; ++step) {
      const FlowKey4 k = key(static_cast<std::uint32_t>(random.below(600)));
      const std::uint32_t index = table.find(k, hash(k));
      ASSERT_EQ(index != kNoIndex, model.contains(k));
      const Duration hold = Duration::from_ms(static_cast<std::int64_t>(random.below(90'000)));
      if (index == kNoIndex) {
        const std::uint32_t made = table.insert(k, hash(k), entry(0));
        ASSERT_EQ(made == kNoIndex, model.size() == 400);
        if (made == kNoIndex) continue;
        table.hold(made, hold, now);
        model[k] = now + hold;
      } else if (random.chance(0.3)) {
        table.erase(index, hash(k));
        model.erase(k);
      } else if (random.chance(0.3)) {
        table.hold(index, hold, now);
        model[k] = now + hold;
      } else {
        table.end_by(index, now + hold);
        if (model[k] > now + hold + 1_ms) model[k] = now + hold;
      }
      now = now + Duration::from_ms(static_cast<std::int64_t>(random.below(200)));
      for (const std::uint32_t over : due_at(table, now, 400)) {
        const FlowKey4 gone = table[over].key();
        ASSERT_TRUE(model.contains(gone));
        ASSERT_LE(model[gone], now);
        model.erase(gone);
        table.erase(over, hash(gone));
      }
      ASSERT_EQ(table.used(), model.size());
      for (const auto& [left, until] : model) ASSERT_GE(until + 1_ms, now) << "a timer was lost";
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
