#include "nic/gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace mayfly::testing {
namespace {

using nic::Gate;

TEST(AGate, IsClosedAtFirstAndLetsACoreInWhenItIsOpen) {
  Gate gate(2);
  EXPECT_FALSE(gate.enter(0));
  gate.open();
  EXPECT_TRUE(gate.enter(0));
  EXPECT_TRUE(gate.enter(1)) << "another core's place";
  gate.leave(0);
  gate.leave(1);
  gate.close();
  EXPECT_FALSE(gate.enter(0));
  EXPECT_FALSE(gate.is_open());
}

TEST(AGate, ClosesWhenTheLastCoreHasLeft) {
  Gate gate(2);
  gate.open();
  ASSERT_TRUE(gate.enter(1));
  std::atomic<bool> is_closed{false};
  std::thread closer([&] {
    gate.close();
    is_closed = true;
  });
  while (gate.is_open()) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(is_closed) << "a core is inside";
  gate.leave(1);
  closer.join();
  EXPECT_TRUE(is_closed);
}

TEST(AGate, NeverHasACoreInsideAfterItWasClosed) {
  Gate gate(1);
  std::atomic<bool> is_there{false}, is_ending{false};  // what the cores work on behind the gate
  std::atomic<unsigned> missing{0}, seen{0};
  std::thread core([&] {
    while (!is_ending) {
      if (!gate.enter(0)) continue;
      for (int i = 0; i < 20; ++i) is_there.load(std::memory_order_relaxed) ? ++seen : ++missing;
      gate.leave(0);
    }
  });
  for (unsigned i = 0; i < 20'000 || seen == 0; ++i) {
    is_there = true;
    gate.open();
    if (i % 16 == 0) std::this_thread::yield();
    gate.close();
    is_there = false;
  }
  is_ending = true;
  core.join();
  EXPECT_EQ(missing, 0u);
  EXPECT_GT(seen, 0u);
}

}  // namespace
}  // namespace mayfly::testing
