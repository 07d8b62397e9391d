#include "run/idler.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#include "base/fd.h"

namespace mayfly::testing {
namespace {

using run::Idler;

Instant at_us(std::int64_t us) { return Instant{} + Duration{us}; }

struct Pipe {
  Pipe() {
    int both[2] = {-1, -1};
    EXPECT_EQ(pipe(both), 0);
    out = Fd(both[0]);
    in = Fd(both[1]);
  }
  Fd out, in;
};

/// How long an idler rests that has been without work for a second.
std::chrono::milliseconds rested(Idler& idler) {
  const auto begin = std::chrono::steady_clock::now();
  idler.rest(Instant::never(), at_us(1'000'000));
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

TEST(Idler, AdaptiveSleepsForAsLongAsThereWasNoWork) {
  Idler idler(shard::Idle::adaptive);
  EXPECT_FALSE(idler.is_idle(true, at_us(100)));
  EXPECT_FALSE(idler.is_idle(false, at_us(300))) << "work may be on its way";
  EXPECT_TRUE(idler.is_idle(false, at_us(301)));
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(301)).us, 201);
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(1'101)), Idler::kSleep);
  EXPECT_FALSE(idler.is_idle(true, at_us(1'200))) << "awake again at once";
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(1'201)).us, 0);
}

TEST(Idler, ATimerThatIsDueSoonerEndsTheSleep) {
  Idler idler(shard::Idle::adaptive);
  EXPECT_TRUE(idler.is_idle(false, at_us(5'000)));
  EXPECT_EQ(idler.sleep_until(at_us(5'070), at_us(5'000)).us, 70);
  EXPECT_EQ(idler.sleep_until(at_us(5'000), at_us(5'000)).us, 0) << "due now";
  EXPECT_EQ(idler.sleep_until(at_us(4'000), at_us(5'000)).us, 0) << "late already";
}

TEST(Idler, PollNeverSleeps) {
  Idler idler(shard::Idle::poll);
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(idler.is_idle(false, at_us(1'000'000)));
  EXPECT_TRUE(idler.is_idle(false, at_us(1'000'000))) << "it pauses";
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(2'000'000)).us, 0);
}

TEST(Idler, WhereAFrameEndsTheSleepItIsLong) {
  const Pipe frames;
  const int events[] = {frames.out.get()};
  Idler idler(shard::Idle::adaptive, events);
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(200)).us, 0) << "work may be on its way";
  EXPECT_EQ(idler.sleep_until(Instant::never(), at_us(201)), Idler::kWait);
  EXPECT_EQ(idler.sleep_until(at_us(5'070), at_us(5'000)).us, 70) << "a timer ends it too";
  EXPECT_GE(rested(idler).count(), 9);
}

TEST(Idler, ASleepDoesNotBeginWhileAFrameIsThere) {
  const Pipe other, frames;
  ASSERT_EQ(write(frames.in.get(), "x", 1), 1);
  const int events[] = {other.out.get(), frames.out.get()};
  Idler idler(shard::Idle::adaptive, events);
  // One of several tries: another process may have the processor.
  bool at_once = false;
  for (int i = 0; i < 10 && !at_once; ++i) at_once = rested(idler).count() < 5;
  EXPECT_TRUE(at_once);
}

TEST(Idler, TheControlThreadEndsASleepOrKeepsOneFromBeginning) {
  const Pipe frames;
  const int events[] = {frames.out.get()};
  Idler idler(shard::Idle::adaptive, events);
  bool at_once = false;
  for (int i = 0; i < 10 && !at_once; ++i) {
    idler.wake();
    at_once = rested(idler).count() < 5;
  }
  EXPECT_TRUE(at_once);
  EXPECT_GE(rested(idler).count(), 9) << "once, not for ever";
}

TEST(Idler, ADeviceThatIsGoneDoesNotKeepItAwake) {
  Pipe frames;
  frames.in.close();  // the pipe's other end says so without end
  const int events[] = {frames.out.get()};
  Idler idler(shard::Idle::adaptive, events);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) idler.rest(Instant::never(), at_us(1'000'000));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(8));
}

}  // namespace
}  // namespace mayfly::testing
