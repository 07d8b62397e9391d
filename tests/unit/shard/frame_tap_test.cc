// The ring in which a core leaves copies of its frames.
#include "shard/frame_tap.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using shard::FrameTap;

constexpr std::size_t kRing = 4'096;

bool any(const void*, std::span<const std::byte>) noexcept { return true; }
bool is_long(const void* filter, std::span<const std::byte> frame) noexcept {
  return frame.size() > *static_cast<const std::size_t*>(filter);
}

std::vector<std::byte> frame_of(std::size_t size, std::uint32_t number) {
  std::vector<std::byte> frame(size, static_cast<std::byte>(number));
  std::memcpy(frame.data(), &number, sizeof number);
  return frame;
}

void note(FrameTap& tap, std::uint32_t number, std::size_t size, Drop fate = Drop::none) {
  tap.hold(0, false, frame_of(size, number), Instant{number});
  tap.commit(fate);
}

std::vector<std::uint32_t> read(FrameTap& tap) {
  std::vector<std::uint32_t> numbers;
  tap.read([&](const FrameTap::Record& record, std::span<const std::byte> bytes) {
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    EXPECT_EQ(record.at_us, number);
    EXPECT_EQ(bytes.size(), record.kept);
    for (const std::byte each : bytes.subspan(sizeof number))
      EXPECT_EQ(each, static_cast<std::byte>(number));
    numbers.push_back(number);
    return true;
  });
  return numbers;
}

TEST(AFrameTap, GivesFramesInTheirOrderWithWhatBecameOfThem) {
  FrameTap tap(kRing, 2'048, any, nullptr);
  note(tap, 1, 60);
  note(tap, 2, 60, Drop::tcp_no_listener);
  tap.hold(3, true, frame_of(100, 3), Instant{3});
  tap.commit(Drop::none);
  std::vector<FrameTap::Record> records;
  tap.read([&](const FrameTap::Record& record, std::span<const std::byte>) {
    records.push_back(record);
    return true;
  });
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].fate, Drop::tcp_no_listener);
  EXPECT_TRUE(records[2].is_sent);
  EXPECT_EQ(records[2].port, 3);
  EXPECT_EQ(records[2].length, 100u);
  EXPECT_TRUE(read(tap).empty());
}

TEST(AFrameTap, KeepsNoMoreOfAFrameThanWasAskedForAndNoneThatIsNotWanted) {
  const std::size_t least = 100;
  FrameTap tap(kRing, 80, is_long, &least);
  note(tap, 1, 100);
  note(tap, 2, 500);
  tap.read([](const FrameTap::Record& record, std::span<const std::byte> bytes) {
    EXPECT_EQ(record.length, 500u);
    EXPECT_EQ(bytes.size(), 80u);
    return true;
  });
}

TEST(AFrameTap, ForgetsAFrameThatWasHeldAndNotSent) {
  FrameTap tap(kRing, 2'048, any, nullptr);
  tap.hold(0, true, frame_of(60, 1), Instant{1});
  note(tap, 2, 60);
  EXPECT_EQ(read(tap), std::vector<std::uint32_t>{2});
}

TEST(AFrameTap, LosesTheNewestWhenNobodyReadsAndCountsThem) {
  FrameTap tap(kRing, 2'048, any, nullptr);
  for (std::uint32_t n = 0; n < 100; ++n) note(tap, n, 1'000);
  EXPECT_EQ(tap.lost(), 96u);
  EXPECT_EQ(read(tap), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  note(tap, 200, 1'000);
  EXPECT_EQ(read(tap), std::vector<std::uint32_t>{200});
}

TEST(AFrameTap, HasAReaderOnAnotherThread) {
  FrameTap tap(kRing, 2'048, any, nullptr);
  constexpr std::uint32_t kFrames = 50'000;
  std::atomic<bool> is_over{false};
  std::thread writer([&] {
    Prng prng(3);
    for (std::uint32_t n = 0; n < kFrames; ++n) note(tap, n, 4 + prng.below(700));
    is_over = true;
  });
  std::uint64_t got = 0, next = 0;
  for (bool was_over = false; !was_over;) {
    was_over = is_over;
    for (const std::uint32_t number : read(tap)) {
      EXPECT_GE(number, next);
      next = number + 1;
      ++got;
    }
  }
  writer.join();
  EXPECT_EQ(got + tap.lost(), kFrames);
}

}  // namespace
}  // namespace mayfly::testing
