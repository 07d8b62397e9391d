// Work that the control side gives to a polling core.
#include "run/errand.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace mayfly::testing {
namespace {

using run::Errand;
constexpr std::chrono::milliseconds kSoon{1}, kLong{5'000};

/// Polls until it ends, and counts up the work by one at each poll, to `until`.
struct Core {
  Core(Errand<int>& errand, int until)
      : thread([this, &errand, until] {
          while (!ends) {
            if (errand.is_asked()) errand.step([&](int& work) { return ++work >= until; });
            std::this_thread::yield();
          }
        }) {}
  ~Core() {
    ends = true;
    thread.join();
  }
  std::atomic<bool> ends{false};
  std::thread thread;
};

TEST(AnErrand, IsDoneStepByStepAndComesBack) {
  Errand<int> errand;
  const Core core(errand, 50);
  for (int time = 0; time < 3; ++time) {
    int work = time;
    EXPECT_TRUE(errand.run(work, kLong));
    EXPECT_EQ(work, 50);
  }
}

TEST(AnErrand, ComesBackUnfinishedWhenPatienceIsOver) {
  Errand<int> errand;
  const Core core(errand, std::numeric_limits<int>::max());
  int work = 0;
  EXPECT_TRUE(errand.run(work, kSoon));
  EXPECT_GT(work, 0);
}

TEST(AnErrand, ForACoreThatDoesNotPollLeavesTheWorkAlone) {
  Errand<int> errand;
  int work = 7;
  EXPECT_FALSE(errand.run(work, kSoon));
  EXPECT_EQ(work, 7);
  EXPECT_FALSE(errand.run(work, kSoon)) << "the core may still be about to begin with the last one";
  {
    const Core core(errand, 8);
    while (errand.is_asked()) std::this_thread::yield();
  }
  const Core core(errand, 9);
  EXPECT_TRUE(errand.run(work, kLong));
  EXPECT_EQ(work, 9);
}

}  // namespace
}  // namespace mayfly::testing
