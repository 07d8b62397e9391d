// The small parts of a shard: receive buffers, interface, rate limit, names.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "stack/app.h"
#include "stack/interface.h"
#include "stack/rate_limit.h"
#include "stack/rx_buffer.h"
#include "stack/shard_memory.h"

namespace mayfly {
namespace {

// -- RxBuffers --

class RxBuffersTest : public ::testing::Test {
 protected:
  std::string read(std::uint32_t index, Seq at, std::uint32_t length) const {
    std::string all;
    while (length > 0) {  // in two parts where the ring wraps
      const auto part = buffers.read(index, at, length);
      all.append(reinterpret_cast<const char*>(part.data()), part.size());
      at += static_cast<std::uint32_t>(part.size());
      length -= static_cast<std::uint32_t>(part.size());
    }
    return all;
  }
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
  }

  std::vector<std::byte> memory = std::vector<std::byte>(2 * 8);
  std::vector<std::uint32_t> free_list = std::vector<std::uint32_t>(2);
  RxBuffers buffers{memory, 8, free_list};
};

TEST_F(RxBuffersTest, AreHandedOutUntilThereAreNone) {
  const std::uint32_t a = buffers.take(), b = buffers.take();
  EXPECT_NE(a, b);
  EXPECT_EQ(buffers.take(), kNoIndex);
  EXPECT_EQ(buffers.used(), 2u);
  buffers.give_back(a);
  EXPECT_EQ(buffers.take(), a);
}

TEST_F(RxBuffersTest, KeepBytesByTheirSequenceNumbers) {
  const std::uint32_t a = buffers.take(), b = buffers.take();
  buffers.write(a, Seq{0xffff'fffdu}, bytes("abcdef"));  // over the end of numbers and of the ring
  buffers.write(b, Seq{4}, bytes("12345678"));
  EXPECT_EQ(read(a, Seq{0xffff'fffdu}, 6), "abcdef");
  EXPECT_EQ(read(a, Seq{1}, 2), "ef");
  EXPECT_EQ(read(b, Seq{4}, 8), "12345678");
}

TEST_F(RxBuffersTest, AreAPowerOfTwoThatHoldsTheWindow) {
  EXPECT_EQ(RxBuffers::size_for(65'535), 65'536u);
  EXPECT_EQ(RxBuffers::size_for(65'536), 65'536u);
  EXPECT_EQ(RxBuffers::size_for(1'460), 2'048u);
}

// -- Interface --

Interface link() {
  Interface interface;
  interface.addresses = {{{0xc612'0001}, {0xc612'0001}, 15},   // 198.18.0.1/15
                         {{0x0a00'0010}, {0x0a00'001f}, 24}};  // 10.0.0.16-31/24
  return interface;
}

TEST(InterfaceTest, KnowsItsAddressesAndRanges) {
  const Interface i = link();
  EXPECT_TRUE(i.is_local({0xc612'0001}));
  EXPECT_FALSE(i.is_local({0xc612'0002}));
  EXPECT_TRUE(i.is_local({0x0a00'0010}));
  EXPECT_TRUE(i.is_local({0x0a00'001f}));
  EXPECT_FALSE(i.is_local({0x0a00'000f}));
  EXPECT_FALSE(i.is_local({0x0a00'0020}));
}

TEST(InterfaceTest, KnowsWhoIsOnTheLink) {
  const Interface i = link();
  EXPECT_EQ(i.on_link({0xc613'fffe}), &i.addresses[0]);  // 198.19.255.254
  EXPECT_EQ(i.on_link({0x0a00'00fe}), &i.addresses[1]);
  EXPECT_EQ(i.on_link({0xc614'0000}), nullptr);
  EXPECT_EQ(i.on_link({0x0a00'0100}), nullptr);
}

TEST(InterfaceTest, KnowsBroadcastAndMulticastAddresses) {
  const Interface i = link();
  for (const std::uint32_t ip : {0xffff'ffffu, 0xe000'0001u, 0xef00'0001u, 0xc613'ffffu,
                                 0xc612'0000u, 0x0a00'00ffu, 0x0a00'0000u})
    EXPECT_TRUE(i.is_broadcast({ip})) << std::hex << ip;
  for (const std::uint32_t ip : {0xc612'ffffu, 0xc613'0000u, 0x0a00'01ffu, 0xdfff'ffffu})
    EXPECT_FALSE(i.is_broadcast({ip})) << std::hex << ip;
}

TEST(InterfaceTest, HasNoBroadcastOnAPointToPointLink) {  // RFC 3021
  Interface i;
  i.addresses = {{{0x0a00'0000}, {0x0a00'0000}, 31}};
  EXPECT_FALSE(i.is_broadcast({0x0a00'0000}));
  EXPECT_FALSE(i.is_broadcast({0x0a00'0001}));
}

TEST(InterfaceTest, SendsToTheHostOnTheLinkAndElseToTheGateway) {
  Interface i = link();
  EXPECT_EQ(i.next_hop({0xc612'0101}), Ipv4Address{0xc612'0101});
  EXPECT_EQ(i.next_hop({0x0808'0808}), std::nullopt);
  i.gateway = Ipv4Address{0xc612'00fe};
  EXPECT_EQ(i.next_hop({0x0808'0808}), Ipv4Address{0xc612'00fe});
  EXPECT_EQ(i.next_hop({0xc612'0101}), Ipv4Address{0xc612'0101});
}

TEST(InterfaceTest, MasksAnyPrefix) {
  EXPECT_EQ(Interface::mask(0), 0u);
  EXPECT_EQ(Interface::mask(15), 0xfffe'0000u);
  EXPECT_EQ(Interface::mask(32), 0xffff'ffffu);
}

// -- RateLimit --

TEST(RateLimitTest, AllowsABurstAndThenTheRate) {
  RateLimit limit(100, 5);
  Instant now{1'000'000};
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limit.allow(now));
  EXPECT_FALSE(limit.allow(now));
  now = now + 9_ms;
  EXPECT_FALSE(limit.allow(now));
  now = now + 1_ms;
  EXPECT_TRUE(limit.allow(now));
  EXPECT_FALSE(limit.allow(now));
}

TEST(RateLimitTest, SavesNoMoreThanABurst) {
  RateLimit limit(100, 5);
  Instant now{1'000'000};
  EXPECT_TRUE(limit.allow(now));
  now = now + 1'000_s;
  int allowed = 0;
  while (limit.allow(now)) ++allowed;
  EXPECT_EQ(allowed, 5);
}

TEST(RateLimitTest, HoldsTheRateInTheLongRun) {
  RateLimit limit(1'000, 50);
  int allowed = 0;
  for (Instant now{0}; now < Instant{10'000'000}; now = now + 100_us)
    allowed += limit.allow(now) ? 1 : 0;
  EXPECT_NEAR(allowed, 10'050, 10);
}

// -- names --

TEST(CloseReasonTest, HasANameForEach) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kCloseReasonCount; ++i)
    names.insert(name_of(static_cast<CloseReason>(i)));
  EXPECT_EQ(names.size(), kCloseReasonCount);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(name_of(static_cast<CloseReason>(kCloseReasonCount)), "unknown");
}

}  // namespace
}  // namespace mayfly
