#include "flow/time_wait_index.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using flow::LogRange;
using flow::TimeWaitIndex;

class TimeWaitIndexTest : public ::testing::Test {
 protected:
  TimeWaitIndexTest() : buckets_(kBuckets), index_(buckets_) {}

  static constexpr std::size_t kBuckets = 16;
  /// In the first bucket, or the last; the low bits are the tag.
  static std::uint32_t first_bucket(std::uint16_t tag) { return tag; }
  static std::uint32_t last_bucket(std::uint16_t tag) { return 0xffff'0000U | tag; }
  static std::uint16_t tag_of(std::uint32_t hash) { return static_cast<std::uint16_t>(hash); }

  void put(std::uint32_t hash) {
    ++range_.length;
    index_.put(hash, tag_of(hash), range_.head + range_.length - 1, range_);
  }
  /// Is this position found?
  bool finds(std::uint32_t hash, std::uint32_t position) const {
    return index_.find(hash, tag_of(hash), range_,
                       [&](std::uint32_t p) { return p == position; }) == position;
  }

  std::vector<TimeWaitIndex::Bucket> buckets_;
  TimeWaitIndex index_;
  LogRange range_{.head = 1, .length = 0};
};

TEST_F(TimeWaitIndexTest, FindsWhatWasPutAndNothingElse) {
  put(first_bucket(7));
  EXPECT_TRUE(finds(first_bucket(7), 1));
  EXPECT_FALSE(finds(first_bucket(8), 1)) << "another tag";
  EXPECT_FALSE(finds(last_bucket(7), 1)) << "another bucket";
}

TEST_F(TimeWaitIndexTest, FindsEachOfItsTags) {
  for (std::uint16_t tag = 0; tag < TimeWaitIndex::kSlots; ++tag) put(first_bucket(tag));
  for (std::uint16_t tag = 0; tag < TimeWaitIndex::kSlots; ++tag)
    EXPECT_TRUE(finds(first_bucket(tag), 1U + tag)) << int{tag};
}

TEST_F(TimeWaitIndexTest, ForgetsWhatIsBeforeTheRange) {
  put(first_bucket(7));
  ++range_.head, --range_.length;
  EXPECT_FALSE(finds(first_bucket(7), 1));
}

TEST_F(TimeWaitIndexTest, HidesNothingThatFoundNoRoomInItsBucket) {
  for (int i = 0; i < 30; ++i) put(last_bucket(9));  // goes on in the first one
  for (std::uint32_t position = 1; position <= 30; ++position)
    EXPECT_TRUE(finds(last_bucket(9), position)) << position;
  index_.remove(last_bucket(9), 9, 30, range_);
  EXPECT_FALSE(finds(last_bucket(9), 30));
  index_.move(last_bucket(9), 9, 28, 30, range_);
  EXPECT_TRUE(finds(last_bucket(9), 30));
  range_ = {.head = 30, .length = 1};
  EXPECT_TRUE(finds(last_bucket(9), 30)) << "beyond two buckets whose entries have all ended";
}

TEST_F(TimeWaitIndexTest, UsesTheSlotsOfWhatHasEnded) {
  for (int i = 0; i < 1'000; ++i) {
    put(first_bucket(3));
    if (range_.length > TimeWaitIndex::kSlots) ++range_.head, --range_.length;
  }
  for (std::size_t b = 2; b < kBuckets; ++b) EXPECT_EQ(buckets_[b].at[0], 0u) << "bucket " << b;
}

TEST_F(TimeWaitIndexTest, AgreesWithAListWhateverHappens) {
  Prng random(1);
  std::deque<std::uint32_t> hashes;  // of the positions of the range; 0 = removed
  range_.head = 0xffff'ff00U;        // passes the end of the numbers
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t hash = static_cast<std::uint32_t>(random.next()) | 1;
    if (range_.length < 96) {
      put(hash);
      hashes.push_back(hash);
    }
    if (random.chance(0.3)) {
      const auto at = static_cast<std::uint32_t>(random.below(hashes.size()));
      if (hashes[at] != 0) index_.remove(hashes[at], tag_of(hashes[at]), range_.head + at, range_);
      hashes[at] = 0;
    }
    if (range_.length == 96 || random.chance(0.3)) {
      ++range_.head, --range_.length;
      hashes.pop_front();
    }
    for (std::uint32_t i = 0; i < range_.length; ++i) {
      if (hashes[i] == 0) continue;
      ASSERT_TRUE(finds(hashes[i], range_.head + i)) << step;
    }
  }
}

}  // namespace
}  // namespace mayfly::testing
