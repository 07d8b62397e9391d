#include "link/watch.h"

#include <gtest/gtest.h>

#include "wire/flow_key.h"

namespace mayfly::testing {
namespace {

constexpr Ipv4Address kWatched{0xc612'0101}, kOtherOne{0xc612'0102};

class WatchedHost : public ::testing::Test {
 protected:
  using Watch = link::Watch<Ipv4Address>;

  WatchedHost() { watch.add(kWatched, now); }
  void after(Duration span) {
    for (const Instant end = now + span; now < end;) {
      now = now + 1_ms;
      const int before = asked;
      watch.poll(now, [this](Ipv4Address ip, std::uint8_t) {
        if (!may_ask) return false;
        EXPECT_EQ(ip, kWatched);
        ++asked;
        return true;
      });
      if (answers && asked > before) watch.heard_of(kWatched, now);
    }
  }

  Instant now{1'000'000};
  Watch watch;
  int asked = 0;
  bool answers = true;
  bool may_ask = true;  // the rate limit allows requests
};

TEST_F(WatchedHost, IsAskedOnceASecondWhileItAnswers) {
  after(10_s);
  EXPECT_EQ(asked, 10);
  EXPECT_FALSE(watch.is_silent(kWatched));
}

TEST_F(WatchedHost, IsSilentAfterFourQuestionsWithoutAnAnswer) {
  after(1_ms);
  answers = false;
  after(Watch::kPeriod + Watch::kRetry * Watch::kTries - 1_ms);
  EXPECT_EQ(asked, 1 + Watch::kTries);
  EXPECT_FALSE(watch.is_silent(kWatched)) << "the last of them may still be answered";
  after(1_ms);
  EXPECT_TRUE(watch.is_silent(kWatched));
}

TEST_F(WatchedHost, ThatIsSilentIsAskedOnceASecondAndNoMoreOnceItSpeaks) {
  answers = false;
  after(3_s);
  asked = 0;
  after(10_s);
  EXPECT_EQ(asked, 10);
  watch.heard_of(kWatched, now);
  EXPECT_FALSE(watch.is_silent(kWatched)) << "whatever it said, it is there";
  answers = true;
  asked = 0;
  after(10_s);
  EXPECT_EQ(asked, 10);
}

TEST_F(WatchedHost, MayLeaveThreeQuestionsUnanswered) {
  for (int i = 0; i < 100; ++i) {
    answers = i % 4 == 3;
    after(Watch::kRetry);
    EXPECT_FALSE(watch.is_silent(kWatched));
  }
}

TEST_F(WatchedHost, IsNotSilentBecauseNobodyCouldAsk) {
  may_ask = false;
  after(10_s);
  EXPECT_FALSE(watch.is_silent(kWatched));
}

TEST_F(WatchedHost, IsTheOnlyOneThatIsJudged) {
  answers = false;
  watch.heard_of(kOtherOne, now);
  after(10_s);
  EXPECT_FALSE(watch.is_silent(kOtherOne));
}

}  // namespace
}  // namespace mayfly::testing
