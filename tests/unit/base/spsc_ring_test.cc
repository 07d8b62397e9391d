#include "base/spsc_ring.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>

namespace mayfly::testing {
namespace {

template <class Ring>
bool put(Ring& ring, std::uint64_t value) {
  std::uint64_t* const place = ring.next_free();
  if (place == nullptr) return false;
  *place = value;
  ring.publish();
  return true;
}

TEST(SpscRing, TakesNoMoreThanItHolds) {
  SpscRing<std::uint64_t, 4> ring;
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(put(ring, i));
  EXPECT_FALSE(put(ring, 4));
  std::uint64_t next = 0;
  ring.take_all([&](std::uint64_t value) { EXPECT_EQ(value, next++); });
  EXPECT_EQ(next, 4u);
  EXPECT_TRUE(put(ring, 5));
}

TEST(SpscRing, WhatIsNotPublishedIsNotTaken) {
  SpscRing<std::uint64_t, 4> ring;
  *ring.next_free() = 1;
  ring.take_all([](std::uint64_t) { FAIL(); });
}

TEST(SpscRing, AnotherThreadTakesAllInOrder) {
  constexpr std::uint64_t kAll = 100'000;
  SpscRing<std::uint64_t, 64> ring;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kAll;) {
      if (put(ring, i)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t next = 0, wrong = 0;
  while (next < kAll) {
    ring.take_all([&](std::uint64_t value) { wrong += value != next++; });
    std::this_thread::yield();
  }
  writer.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace mayfly::testing
