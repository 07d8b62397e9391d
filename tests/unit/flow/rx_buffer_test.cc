// A core's pool of receive buffers.
#include "flow/rx_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mayfly::testing {
namespace {

class RxBuffersTest : public ::testing::Test {
 protected:
  std::string read(std::uint32_t index, Seq at, std::uint32_t length) {
    const auto all = buffers.read(index, at, length);
    return {reinterpret_cast<const char*>(all.data()), all.size()};
  }
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
  }

  std::vector<std::byte> memory = std::vector<std::byte>(3 * 8);
  std::vector<flow::RxBuffers::Place> places = std::vector<flow::RxBuffers::Place>(2);
  flow::RxBuffers buffers{memory, 8, places};
};

TEST_F(RxBuffersTest, AreHandedOutUntilThereAreNone) {
  const std::uint32_t a = buffers.take(0, Instant{}), b = buffers.take(0, Instant{});
  EXPECT_NE(a, b);
  EXPECT_EQ(buffers.take(0, Instant{}), kNoIndex);
  EXPECT_EQ(buffers.used(), 2u);
  buffers.give_back(a);
  EXPECT_EQ(buffers.take(0, Instant{}), a);
}

TEST_F(RxBuffersTest, KeepBytesByTheirSequenceNumbers) {
  const std::uint32_t a = buffers.take(0, Instant{}), b = buffers.take(0, Instant{});
  buffers.write(a, Seq{0xffff'fffdu}, bytes("abcdef"));  // over the end of numbers and of the ring
  buffers.write(b, Seq{4}, bytes("12345678"));
  EXPECT_EQ(read(a, Seq{0xffff'fffdu}, 6), "abcdef");
  EXPECT_EQ(read(a, Seq{1}, 2), "ef");
  EXPECT_EQ(read(b, Seq{4}, 8), "12345678");
}

TEST_F(RxBuffersTest, AreAPowerOfTwoThatHoldsTheWindow) {
  EXPECT_EQ(flow::RxBuffers::size_for(65'535), 65'536u);
  EXPECT_EQ(flow::RxBuffers::size_for(65'536), 65'536u);
  EXPECT_EQ(flow::RxBuffers::size_for(1'460), 2'048u);
}

}  // namespace
}  // namespace mayfly::testing
