#include "link/fault_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/mem_port.h"

namespace mayfly::testing {
namespace {

using link::FaultPort;

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

/// A device that vouches for all it receives and fills in all that is asked for.
class OffloadingPort : public MemPort {
 public:
  wire::RxChecks rx_checks(Frame f) noexcept {
    const bool received = bytes(f)[0] != std::byte{0xfa};
    return {.ip_good = received, .l4_good = received};
  }
  Frame allocate() noexcept {
    const Frame f = MemPort::allocate();
    if (f != nullptr) f->room[0] = std::byte{0xfa};
    return f;
  }
  link::TxOffloads tx_offloads() noexcept { return {.ip_checksum = true, .tcp_checksum = true}; }
};

class FaultPortTest : public ::testing::Test {
 protected:
  using Frame = MemPort::Frame;
  using Numbers = std::vector<int>;

  static std::vector<std::byte> numbered(int n) {
    std::vector<std::byte> frame(60);
    frame[0] = static_cast<std::byte>(n & 0xff);
    frame[1] = static_cast<std::byte>(n >> 8);
    return frame;
  }
  static int number(std::span<const std::byte> frame) {
    return std::to_integer<int>(frame[0]) | std::to_integer<int>(frame[1]) << 8;
  }

  /// Sends `count` frames at once and says which arrive by `until`.
  static Numbers send(FaultPort<MemPort>& port, int count, Instant until, Instant now = {}) {
    for (int i = 0; i < count; ++i) {
      Frame frame = port.allocate();
      port.set_length(frame, 60);
      std::ranges::copy(numbered(i), port.bytes(frame).begin());
      EXPECT_EQ(port.transmit({&frame, 1}, now), 1u);
    }
    std::array<Frame, kBurstMax> none;
    for (; now <= until; now = now + 10_us) port.receive(none, now);
    Numbers numbers;
    for (const auto& frame : port.inner().sent) numbers.push_back(number(frame));
    return numbers;
  }

  /// Puts `count` frames on the wire and says which arrive by `until`.
  static Numbers receive(FaultPort<MemPort>& port, int count, Instant until) {
    for (int i = 0; i < count; ++i) port.inner().inject(numbered(i));
    Numbers numbers;
    std::array<Frame, kBurstMax> frames;
    for (Instant now; now <= until; now = now + 10_us) {
      const std::size_t n = port.receive(frames, now);
      for (const Frame frame : std::span(frames).first(n)) {
        numbers.push_back(number(port.bytes(frame)));
        port.release(frame);
      }
    }
    return numbers;
  }

  static Numbers first(int count) {
    Numbers numbers(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) numbers[static_cast<std::size_t>(i)] = i;
    return numbers;
  }
};

TEST_F(FaultPortTest, WithoutFaultsNothingChanges) {
  FaultPort<MemPort> port(MemPort{}, link::FaultSettings{});
  EXPECT_EQ(send(port, 100, {}), first(100));
  EXPECT_EQ(receive(port, 100, Instant{100}), first(100));
  EXPECT_EQ(port.drops(Drop::fault_injected), 0u);
}

TEST_F(FaultPortTest, LosesAboutAsManyAsAskedForEachWay) {
  FaultPort<MemPort> port(MemPort{}, {.loss = 0.1});
  EXPECT_NEAR(static_cast<double>(send(port, 10'000, {}).size()), 9'000, 200);
  EXPECT_NEAR(static_cast<double>(receive(port, 10'000, Instant{4'000}).size()), 9'000, 200);
  EXPECT_EQ(port.drops(Drop::fault_injected), port.sent().lost.get() + port.received().lost.get());
  EXPECT_EQ(port.inner().buffers, MemPort().buffers);
}

TEST_F(FaultPortTest, TheSeedDecidesWhichAreLost) {
  const auto survivors = [](std::uint64_t seed) {
    FaultPort<MemPort> port(MemPort{}, {.loss = 0.5, .seed = seed});
    return send(port, 200, {});
  };
  EXPECT_EQ(survivors(7), survivors(7));
  EXPECT_NE(survivors(7), survivors(8));
}

TEST_F(FaultPortTest, ADuplicateIsTheSameFrameAgain) {
  FaultPort<MemPort> port(MemPort{}, {.duplicate = 1.0});
  EXPECT_THAT(send(port, 3, {}), ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_EQ(port.inner().sent[0], port.inner().sent[1]);
  EXPECT_EQ(port.sent().duplicated.get(), 3u);
}

TEST_F(FaultPortTest, CorruptionFlipsOneBit) {
  FaultPort<MemPort> port(MemPort{}, {.corrupt = 1.0});
  send(port, 1'000, {});
  for (int i = 0; i < 1'000; ++i) {
    int flipped = 0;
    for (std::size_t at = 0; at < 60; ++at) {
      const auto was = std::to_integer<unsigned>(numbered(i)[at]);
      flipped += __builtin_popcount(
          was ^ std::to_integer<unsigned>(port.inner().sent[static_cast<std::size_t>(i)][at]));
    }
    EXPECT_EQ(flipped, 1);
  }
  EXPECT_EQ(port.sent().corrupted.get(), 1'000u);
}

TEST_F(FaultPortTest, NothingVouchesForACorruptedFrame) {
  FaultPort<OffloadingPort> port(OffloadingPort{}, {.corrupt = 1.0});
  auto* device = &port.inner();
  device->inject(numbered(1));
  Frame frame = nullptr;
  ASSERT_EQ(port.receive({&frame, 1}, {}), 1u);
  EXPECT_NE(number(port.bytes(frame)), 0xfa);
  port.release(frame);
}

TEST_F(FaultPortTest, WithFaultsChecksumsAreNotLeftToTheDevice) {
  FaultPort<OffloadingPort> faulty(OffloadingPort{}, {.corrupt = 0.1});
  EXPECT_FALSE(faulty.tx_offloads().tcp_checksum);
  FaultPort<OffloadingPort> sound(OffloadingPort{}, {});
  EXPECT_TRUE(sound.tx_offloads().tcp_checksum);
}

TEST_F(FaultPortTest, ReorderingHoldsFramesBackForAMillisecondAtMost) {
  FaultPort<MemPort> port(MemPort{}, {.reorder = 0.2});
  auto numbers = send(port, 1'000, Instant{} + 1_ms);
  EXPECT_FALSE(std::ranges::is_sorted(numbers));
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers, first(1'000));
  EXPECT_NEAR(static_cast<double>(port.sent().reordered.get()), 200, 50);
}

TEST_F(FaultPortTest, DelayKeepsTheOrder) {
  FaultPort<MemPort> port(MemPort{}, {.delay = 5_ms});
  EXPECT_TRUE(send(port, 100, Instant{4'990}).empty());
  EXPECT_EQ(port.next_due(), Instant{} + 5_ms);
  EXPECT_EQ(send(port, 0, Instant{5'000}, Instant{5'000}), first(100));
  EXPECT_TRUE(port.next_due().is_never());
}

TEST_F(FaultPortTest, JitterSpreadsTheDelay) {
  FaultPort<MemPort> port(MemPort{}, {.delay = 1_ms, .jitter = 1_ms});
  EXPECT_TRUE(send(port, 1'000, Instant{990}).empty());
  const std::size_t half = send(port, 0, Instant{1'500}, Instant{1'000}).size();
  EXPECT_NEAR(static_cast<double>(half), 500, 80);
}

TEST_F(FaultPortTest, TheWireIsBounded) {
  FaultPort<MemPort> port(MemPort{}, {.delay = 1_s});
  send(port, static_cast<int>(link::kFaultyWireFrames) + 5, {});
  EXPECT_EQ(port.sent().overflowed.get(), 5u);
  EXPECT_EQ(port.drops(Drop::fault_injected), 5u);
}

TEST_F(FaultPortTest, WhatTheDeviceDoesNotTakeGoesNext) {
  FaultPort<MemPort> port(MemPort{}, {.delay = 1_us});
  port.inner().room = 0;
  EXPECT_TRUE(send(port, 50, Instant{100}).empty());
  port.inner().room = 7;
  EXPECT_EQ(send(port, 0, Instant{1'000}, Instant{110}), first(50));
}

TEST_F(FaultPortTest, WithoutBuffersNothingIsDuplicated) {
  FaultPort<MemPort> port(MemPort{}, {.duplicate = 1.0});
  Frame frame = port.allocate();
  port.set_length(frame, 60);
  port.inner().buffers = 0;
  EXPECT_EQ(port.transmit({&frame, 1}, {}), 1u);
  EXPECT_EQ(port.inner().sent.size(), 1u);
  EXPECT_EQ(port.sent().overflowed.get(), 1u);
}

}  // namespace
}  // namespace mayfly::testing
