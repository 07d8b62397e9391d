// The wheel against a multimap of deadlines, under random arms, disarms, jumps and budgets, with
// callbacks that arm and disarm.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/prng.h"
#include "timer/wheel.h"

namespace mayfly::testing {
namespace {

using timer::TimerWheel;

class RandomOwner {
 public:
  explicit RandomOwner(std::uint64_t seed)
      : prng_(seed),
        now_{static_cast<std::int64_t>(prng_.below(std::uint64_t{1} << 43))},
        wheel_(now_),
        nodes_(kCount + 1),
        waiting_(kCount, deadlines_.end()) {}

  void step() {
    const std::uint64_t choice = prng_.below(100);
    if (choice < 60)
      arm(any_index());
    else if (choice < 75)
      disarm(any_index());
    else
      advance();
    ASSERT_EQ(wheel_.armed_count(), deadlines_.size());
    check_next();
  }

  /// A run that never met these would prove little: deadlines beyond the span, budgets that ran
  /// out, entries that were moved to level 0, and entries armed again while they waited.
  void expect_variety() const {
    EXPECT_GT(beyond_span_, 0);
    EXPECT_GT(cut_short_, 0);
    EXPECT_GT(moved_, 0);
    EXPECT_GT(armed_again_, 0);
  }

  /// Lets all that is armed fire, arming nothing more.
  void drain() {
    quiet_ = true;
    now_ = now_ + TimerWheel::kSpan + 1_ms;
    while (advance_within(7) != 0) {
    }
    EXPECT_TRUE(deadlines_.empty());
    EXPECT_EQ(wheel_.armed_count(), 0U);
    EXPECT_EQ(wheel_.next_due(), Instant::never());
  }

  timer::WheelNode& wheel_node(std::uint32_t index) noexcept { return nodes_[index]; }

 private:
  static constexpr std::size_t kCount = 300;
  using Deadlines = std::multimap<Instant, std::uint32_t>;

  static Instant rounded_up(Instant t) { return {(t.us + 999) / 1'000 * 1'000}; }
  static Instant rounded_down(Instant t) { return {t.us / 1'000 * 1'000}; }

  std::uint32_t any_index() { return static_cast<std::uint32_t>(prng_.below(kCount)); }

  /// Up to 2^5 .. 2^36 us (19 h), sometimes in the past, often the same few.
  Duration any_delay() {
    if (prng_.chance(0.3)) return Duration::from_s(static_cast<std::int64_t>(prng_.below(3)) * 60);
    if (prng_.chance(0.05)) return TimerWheel::kSpan + 1_s;
    const std::uint64_t limit = std::uint64_t{1} << (5 + prng_.below(32));
    const auto delay = static_cast<std::int64_t>(prng_.below(limit));
    return {prng_.chance(0.1) ? -delay : delay};
  }

  /// The wheel's own present: what a spare node armed for the past is armed for.
  Instant present() {
    constexpr std::uint32_t kSpare = kCount;
    wheel_.arm(*this, kSpare, Instant{});
    const Instant present = wheel_.deadline_of(nodes_[kSpare]);
    wheel_.disarm(*this, kSpare);
    return present;
  }

  void arm(std::uint32_t index) {
    const Instant wanted = now_ + any_delay();
    armed_again_ += nodes_[index].armed() ? 1 : 0;
    beyond_span_ += wanted > present() + TimerWheel::kSpan ? 1 : 0;
    forget(index);
    wheel_.arm(*this, index, wanted);
    const Instant due = wheel_.deadline_of(nodes_[index]);
    EXPECT_EQ(due, std::clamp(rounded_up(wanted), present(), present() + TimerWheel::kSpan));
    if (advancing_ && due == present())
      for_next_advance_.insert(index);
    else
      waiting_[index] = deadlines_.emplace(due, index);
  }

  void disarm(std::uint32_t index) {
    forget(index);
    wheel_.disarm(*this, index);
    EXPECT_FALSE(nodes_[index].armed());
  }

  void forget(std::uint32_t index) {
    if (waiting_[index] != deadlines_.end()) deadlines_.erase(waiting_[index]);
    waiting_[index] = deadlines_.end();
    for_next_advance_.erase(index);
  }

  void advance() {
    const std::uint64_t limit = std::uint64_t{1} << (1 + prng_.below(34));  // 2 us .. 5 h
    now_ = now_ + Duration{static_cast<std::int64_t>(prng_.below(limit))};
    const auto budget = static_cast<std::uint32_t>(prng_.chance(0.5) ? 1'000'000 : prng_.below(20));
    if (advance_within(budget) < budget) {
      EXPECT_EQ(present(), rounded_down(now_));
      if (!deadlines_.empty()) {
        EXPECT_GT(deadlines_.begin()->first, now_) << "late";
      }
    }
    admit_late();
  }

  std::uint32_t advance_within(std::uint32_t budget) {
    advancing_ = true;
    std::uint32_t fired = 0;
    const std::uint32_t used = wheel_.advance(*this, now_, budget, [this, &fired](std::uint32_t i) {
      ++fired;
      on_expired(i);
    });
    advancing_ = false;
    EXPECT_LE(used, budget);
    moved_ += used - fired;  // the rest of the budget went into the move from level 1
    cut_short_ += used == budget ? 1 : 0;
    return used;
  }

  /// What callbacks armed for the past becomes due with the next call.
  void admit_late() {
    for (const std::uint32_t index : for_next_advance_)
      waiting_[index] = deadlines_.emplace(present(), index);
    for_next_advance_.clear();
  }

  void on_expired(std::uint32_t index) {
    ASSERT_NE(waiting_[index], deadlines_.end()) << "fired without being armed";
    ASSERT_FALSE(nodes_[index].armed());
    const Instant due = waiting_[index]->first;
    EXPECT_LE(due, now_) << "early";
    EXPECT_EQ(due, deadlines_.begin()->first) << "out of tick order";
    forget(index);
    if (quiet_) return;
    if (prng_.chance(0.3)) arm(prng_.chance(0.5) ? index : any_index());
    if (prng_.chance(0.3)) disarm(any_index());
  }

  void check_next() {
    if (deadlines_.empty()) {
      ASSERT_EQ(wheel_.next_due(), Instant::never());
      ASSERT_EQ(wheel_.earliest(), kNoIndex);
      return;
    }
    const Instant first = deadlines_.begin()->first;
    ASSERT_LE(wheel_.next_due(), std::max(first, present()));
    const std::uint32_t earliest = wheel_.earliest();
    ASSERT_TRUE(nodes_[earliest].armed());
    ASSERT_LE(waiting_[earliest]->first, first + Duration::from_ms(2 << TimerWheel::kLevel0Bits));
  }

  Prng prng_;
  Instant now_;
  TimerWheel wheel_;
  std::vector<timer::WheelNode> nodes_;
  Deadlines deadlines_;
  std::vector<Deadlines::iterator> waiting_;  ///< by index; end() = not armed
  std::set<std::uint32_t> for_next_advance_;  ///< armed for the past by a callback
  bool advancing_ = false, quiet_ = false;
  std::uint64_t beyond_span_ = 0, cut_short_ = 0, moved_ = 0, armed_again_ = 0;
};

class WheelRandom : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(WheelRandom, FiresWhatAMultimapWouldFire) {
  SCOPED_TRACE(::testing::Message() << "seed " << GetParam());
  RandomOwner owner(GetParam());
  for (int i = 0; i < 5'000 && !HasFailure(); ++i) owner.step();
  owner.drain();
  owner.expect_variety();
}

INSTANTIATE_TEST_SUITE_P(Seeds, WheelRandom, ::testing::Range<std::uint64_t>(1, 101));

}  // namespace
}  // namespace mayfly::testing
