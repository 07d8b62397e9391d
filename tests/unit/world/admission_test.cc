// How a server met a newcomer: who was kept out, by whom, and for how long.
#include "world/admission.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using world::Admission;

constexpr Instant at(Duration time) { return Instant{} + time; }
constexpr bool kSynAck = true, kAck = false;

TEST(Admission, IsGrantedAtOnceByASynAck) {
  Admission a;
  a.on_syn(at(1_s));
  a.on_answer(kSynAck, at(1_s));
  a.on_syn(at(2_s));  // a late copy
  EXPECT_TRUE(a.is_let_in());
  EXPECT_EQ(a.refused(), 0u);
  EXPECT_EQ(a.kept_out(true, at(9_s)), 0_s);
}

TEST(Admission, IsDeniedBySilence) {
  Admission a;
  a.on_syn(at(1_s));
  a.on_syn(at(2_s));
  a.on_syn(at(4_s));
  EXPECT_EQ(a.refused(), 3u);
  EXPECT_TRUE(a.is_black_hole());
  a.on_answer(kSynAck, at(4_s));
  EXPECT_EQ(a.refused(), 2u);
  EXPECT_EQ(a.kept_out(true, at(9_s)), 3_s);
  EXPECT_FALSE(a.is_black_hole());
}

TEST(Admission, IsNotDeniedByAQuestionThatTheResetAnswers) {
  Admission a;
  a.on_syn(at(1_s));
  a.on_answer(kAck, at(1_s));
  a.on_reset();
  a.on_syn(at(1'004_ms));
  a.on_answer(kSynAck, at(1'004_ms));
  EXPECT_EQ(a.refused(), 0u);
}

TEST(Admission, IsNotDeniedByWhatTheNetworkLost) {
  Admission a;
  for (const Duration time : {1_s, 2_s, 4_s}) {
    a.on_syn(at(time));
    a.on_answer(kAck, at(time));  // whose reset never arrives
  }
  EXPECT_EQ(a.refused(), 0u);
  EXPECT_FALSE(a.is_black_hole());
}

TEST(Admission, IsDeniedByAServerThatDoesNotListenToTheReset) {
  Admission a;
  for (const Duration time : {1_s, 2_s, 4_s}) {
    a.on_syn(at(time));
    a.on_answer(kAck, at(time));
    a.on_reset();
  }
  EXPECT_EQ(a.refused(), 2u);
  EXPECT_EQ(a.kept_out(false, at(11_s)), 9_s) << "not from the first, which was a question";
}

// The SYN that follows the reset is lost, and the client's RTO is long by now.
TEST(Admission, IsNotDelayedByWhatAClientWaitsForAfterALoss) {
  Admission a;
  a.on_syn(at(1_s));
  a.on_answer(kAck, at(1_s));
  a.on_reset();
  a.on_syn(at(9_s));
  a.on_answer(kAck, at(9_s));  // an old SYN was on trial: the reset comes once more
  a.on_reset();
  a.on_syn(at(9'004_ms));
  a.on_answer(kSynAck, at(9'004_ms));
  EXPECT_EQ(a.refused(), 1u);
  EXPECT_EQ(a.kept_out(true, at(12_s)), 4_ms);
}

TEST(Admission, TakesACopyOfASynForTheSameSyn) {
  Admission a;
  a.on_syn(at(1_s));
  a.on_syn(at(1'001_ms));
  a.on_answer(kSynAck, at(1'001_ms));
  EXPECT_EQ(a.refused(), 0u);
}

TEST(Admission, IsNoBlackHoleWithoutRoom) {
  Admission a;
  a.on_syn(at(1_s), false);
  EXPECT_FALSE(a.is_black_hole());
  EXPECT_EQ(a.refused(), 1u);
}

TEST(Admission, MayBeTakenBackBeforeTheHandshakeIsComplete) {
  Admission a;
  a.on_syn(at(1_s));
  a.on_answer(kSynAck, at(1_s));
  a.on_turned_back(at(2_s));
  a.on_turned_back(at(4_s));
  EXPECT_EQ(a.refused(), 2u);
  EXPECT_EQ(a.kept_out(true, at(9_s)), 3_s) << "there was room at last";
  EXPECT_EQ(a.kept_out(false, at(9_s)), 8_s);
}

}  // namespace
}  // namespace mayfly::testing
