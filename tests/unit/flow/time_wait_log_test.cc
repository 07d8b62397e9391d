#include "flow/time_wait_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using flow::TimeWaitLog;
using flow::TimeWaitLogMemory;

class TimeWaitLogTest : public ::testing::Test {
 protected:
  static constexpr Instant kStart = Instant{} + 1_s;
  static constexpr std::uint32_t kAll = 1'000'000;

  void make(std::uint32_t capacity, Duration hold = 60_s) {
    auto memory = TimeWaitLogMemory::create(capacity, HugePages::never);
    ASSERT_TRUE(memory);
    log_ = std::make_unique<TimeWaitLog>(std::move(*memory), secret_, kStart);
    log_->set_hold(0, hold);
  }
  static FlowKey4 key(std::uint32_t n) {
    return FlowKey4::of({0xc612'0001}, 80, {0xc612'0100 + n / 50'000},
                        static_cast<std::uint16_t>(1 + n % 50'000));
  }
  std::uint32_t hash(std::uint32_t n) const { return secret_.hash(key(n)); }
  std::uint32_t find(std::uint32_t n) const { return log_->find(key(n), hash(n)); }
  bool has(std::uint32_t n) const { return find(n) != kNoIndex; }
  std::uint32_t insert(std::uint32_t n, std::uint32_t cls = 0) {
    return log_->insert(key(n), hash(n), {.rcv_nxt = Seq{n}}, cls, now_);
  }
  void erase(std::uint32_t n) { log_->erase(find(n), hash(n)); }
  std::uint64_t expire(Duration span = {}, std::uint32_t budget = kAll) {
    now_ = now_ + span;
    return log_->expire(now_, budget).entries;
  }

  flow::FlowSecret secret_{tcp::Secret{1, 2}};
  std::unique_ptr<TimeWaitLog> log_;
  Instant now_ = kStart;
};

TEST_F(TimeWaitLogTest, FindsAnEntryByItsFourTuple) {
  make(10);
  const std::uint32_t position = insert(1);
  ASSERT_NE(position, kNoIndex);
  EXPECT_EQ(find(1), position);
  EXPECT_FALSE(has(2));
  EXPECT_EQ((*log_)[position].key(), key(1));
  EXPECT_EQ((*log_)[position].entry.rcv_nxt, Seq{1});
}

TEST_F(TimeWaitLogTest, IsFullAtItsCapacityAndHasRoomAgainAfterAnErasure) {
  make(3);
  for (std::uint32_t i = 0; i < 3; ++i) ASSERT_NE(insert(i), kNoIndex);
  EXPECT_EQ(insert(3), kNoIndex);
  erase(1);
  EXPECT_FALSE(has(1));
  EXPECT_NE(insert(3), kNoIndex);
}

TEST_F(TimeWaitLogTest, EndsAHoldWhenItsTimeIsOverAndNotBefore) {
  make(3);
  now_ = kStart + 250_us;
  insert(1);
  EXPECT_EQ(log_->next_due(), now_ + 60_s);
  EXPECT_EQ(expire(60_s - 1_us), 0u);
  EXPECT_EQ(expire(1_ms), 1u);
  EXPECT_FALSE(has(1));
  EXPECT_EQ(log_->used(), 0u);
  EXPECT_TRUE(log_->next_due().is_never());
}

TEST_F(TimeWaitLogTest, SaysWhenTheNextEntryIsDue) {
  make(10);
  insert(1);
  expire(10_s);
  insert(2);
  EXPECT_EQ(log_->next_due(), kStart + 60_s);
  expire(50_s);
  EXPECT_EQ(log_->next_due(), kStart + 70_s);
}

TEST_F(TimeWaitLogTest, HoldsAnewFromTheEnd) {
  make(3);
  insert(1);
  insert(2);
  expire(30_s);
  log_->hold_anew(find(1), hash(1), 0, now_);
  EXPECT_EQ(expire(30_s), 1u) << "the other one";
  EXPECT_TRUE(has(1));
  EXPECT_EQ(expire(30_s), 1u);
}

TEST_F(TimeWaitLogTest, KeepsAnEntryOnTrialWithoutTime) {
  make(3);
  insert(1);
  insert(2);
  log_->begin_trial(find(1), now_);
  EXPECT_FALSE(log_->is_held(find(1)));
  EXPECT_EQ(expire(1'000_s), 1u) << "the other one";
  ASSERT_TRUE(has(1));
  EXPECT_FALSE(log_->evict_oldest());
  log_->hold_anew(find(1), hash(1), 0, now_);
  EXPECT_TRUE(log_->is_held(find(1)));
  EXPECT_EQ(expire(60_s), 1u);
}

TEST_F(TimeWaitLogTest, AppliesAChangedHoldToAllEntriesOfItsClass) {
  make(10);
  log_->set_hold(1, 30_s);
  insert(1, 0);
  insert(2, 1);
  insert(3, 0);
  log_->set_hold(0, 10_s);
  EXPECT_EQ(expire(10_s), 2u);
  EXPECT_TRUE(has(2));
  log_->set_hold(1, 100_s);
  EXPECT_EQ(expire(60_s), 0u);
  EXPECT_EQ(expire(30_s), 1u);
}

TEST_F(TimeWaitLogTest, EndsShortHoldsAmidLongOnes) {
  make(100);
  log_->set_hold(1, 2_s);
  for (std::uint32_t n = 0; n < 100; ++n) insert(n, n % 2);
  EXPECT_EQ(log_->next_due(), now_ + 2_s);
  EXPECT_EQ(expire(2_s), 50u);
  for (std::uint32_t n = 0; n < 100; ++n) EXPECT_EQ(has(n), n % 2 == 0) << n;
  EXPECT_EQ(log_->count(0), 50u);
  EXPECT_EQ(expire(58_s), 50u);
}

TEST_F(TimeWaitLogTest, EvictsInTheOrderInWhichHoldsBegan) {
  make(10);
  log_->set_hold(1, 2_s);
  for (std::uint32_t n = 0; n < 4; ++n) insert(n, n % 2);
  log_->begin_trial(find(0), now_);
  erase(2);
  EXPECT_EQ(log_->evict_oldest()->key(), key(1));
  EXPECT_EQ(log_->evict_oldest()->key(), key(3));
  EXPECT_FALSE(log_->evict_oldest());
  EXPECT_TRUE(has(0));
  EXPECT_EQ(log_->used(), 1u);
}

TEST_F(TimeWaitLogTest, DoesAsMuchAsTheBudgetAllowsAndGoesOn) {
  make(1'000, 1_s);
  for (std::uint32_t n = 0; n < 1'000; ++n) insert(n);
  EXPECT_EQ(expire(1_s, 300), 300u);
  EXPECT_EQ(log_->next_due(), now_);
  EXPECT_EQ(expire({}, 300) + expire({}, 300) + expire({}, 300), 700u);
}

// A record knows the time modulo 17 minutes.
TEST_F(TimeWaitLogTest, EndsEntriesAfterACoreHasStoodStillForLong) {
  make(10, 15_min);
  insert(1);
  expire(14_min);
  insert(2);
  expire(5_min);
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(has(2));
  expire(60_min);
  EXPECT_EQ(log_->used(), 0u);
}

// One entry that is held for long, and one four-tuple that is opened again and again behind it.
TEST_F(TimeWaitLogTest, IsNotFilledByWhatIsOver) {
  make(1'000, 10_min);
  for (std::uint32_t n = 0; n < 900; ++n) insert(n);
  log_->begin_trial(find(0), now_);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_NE(insert(1'000), kNoIndex);
    expire(1_ms);
    erase(1'000);
  }
  for (std::uint32_t n = 0; n < 900; ++n) ASSERT_TRUE(has(n)) << n;
  EXPECT_EQ(log_->used(), 900u);
}

TEST_F(TimeWaitLogTest, TakesAtMost48BytesAnEntry) {
  for (const std::uint32_t n : {1'000'000U, 1U << 20, 1U << 24, 1U << 26, 64'000'000U})
    EXPECT_LE(TimeWaitLogMemory::bytes_needed(n), std::size_t{n} * 48) << n;
}

struct ModelEntry {
  Instant since;
  std::uint32_t cls = 0;
  bool on_trial = false;
};

/// What is true of a log, kept in a map.
class TimeWaitLogModel : public TimeWaitLogTest {
 protected:
  static constexpr std::uint32_t kCapacity = 200, kKeys = 300, kModelClasses = 3;

  void begin(std::uint64_t seed) {
    random_ = Prng(seed);
    make(kCapacity);
    model_.clear();
    now_ = kStart;
    for (std::uint32_t cls = 0; cls < kModelClasses; ++cls) change_hold(cls);
  }
  void change_hold(std::uint32_t cls) {
    holds_[cls] = Duration::from_ms(static_cast<std::int64_t>(1 + random_.below(20'000)));
    log_->set_hold(cls, holds_[cls]);
  }
  void step() {
    const auto n = static_cast<std::uint32_t>(random_.below(kKeys));
    const auto cls = static_cast<std::uint32_t>(random_.below(kModelClasses));
    const auto entry = model_.find(n);
    if (entry == model_.end()) return add(n, cls);
    if (random_.chance(0.4)) {
      erase(n);
      model_.erase(entry);
    } else if (random_.chance(0.3) && !entry->second.on_trial) {
      log_->begin_trial(find(n), now_);
      entry->second.on_trial = true;
    } else {
      log_->hold_anew(find(n), hash(n), cls, now_);
      entry->second = {now_, cls};
    }
  }
  void add(std::uint32_t n, std::uint32_t cls) {
    if (model_.size() == kCapacity && random_.chance(0.5)) evict();
    const bool full = model_.size() == kCapacity;
    ASSERT_EQ(insert(n, cls) == kNoIndex, full);
    if (!full) model_[n] = {now_, cls};
  }
  void evict() {
    const auto evicted = log_->evict_oldest();
    if (!evicted) return;
    const auto victim = std::ranges::find_if(
        model_, [&](const auto& each) { return key(each.first) == evicted->key(); });
    ASSERT_NE(victim, model_.end());
    for (const auto& [n, each] : model_)
      ASSERT_TRUE(each.on_trial || each.since + 1_ms > victim->second.since) << "an older one";
    model_.erase(victim);
  }
  /// Time goes on.
  void pass() {
    expire(Duration{
        static_cast<std::int64_t>(random_.below(random_.chance(0.01) ? 90'000'000 : 60'000))});
    std::erase_if(model_, [&](const auto& each) {
      return !each.second.on_trial && each.second.since + holds_[each.second.cls] + 1_ms <= now_;
    });
  }
  /// Entries may end within a millisecond after their time.
  void compare() {
    for (std::uint32_t n = 0; n < kKeys; ++n) {
      const auto entry = model_.find(n);
      const bool due = entry != model_.end() && !entry->second.on_trial &&
                       entry->second.since + holds_[entry->second.cls] <= now_;
      if (due && !has(n)) {
        model_.erase(entry);
      } else if (!due) {
        ASSERT_EQ(has(n), entry != model_.end()) << n;
      }
    }
    ASSERT_EQ(log_->used(), model_.size());
  }

  Prng random_{1};
  std::unordered_map<std::uint32_t, ModelEntry> model_;
  std::array<Duration, kModelClasses> holds_;
};

TEST_F(TimeWaitLogModel, AgreesWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    begin(seed);
    for (int i = 0; i < 2'000; ++i) {
      for (auto steps = random_.below(20); steps > 0; --steps) ASSERT_NO_FATAL_FAILURE(step());
      if (random_.chance(0.02))
        change_hold(static_cast<std::uint32_t>(random_.below(kModelClasses)));
      pass();
      ASSERT_NO_FATAL_FAILURE(compare()) << "round " << i;
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
