#include "wire/icmp.h"

#include <gtest/gtest.h>

#include "unit/wire/frames.h"

namespace mayfly::testing {
namespace {

/// The IPv4 header, with `options`, and 8 bytes of TCP from our port 80 to the peer's port 40000.
Frame quote(const Frame& options = {}) {
  Ipv4Frame ip{.source = kOurIp, .destination = kPeerIp, .options = options};
  ip.payload = hex("00 50 9c 40  12 34 56 78");
  const Frame frame = ip.build();
  return {frame.begin() + 14, frame.end()};
}

Drop read(const Frame& frame) {
  wire::QuotedSegment segment;
  return read_quoted_segment(frame, segment);
}

TEST(Icmp, HeaderFields) {
  const wire::IcmpHeader icmp = wire::read_icmp(hex("03 04 ff ff 00 00 05 78"));
  EXPECT_EQ(icmp.type, wire::icmp_type::unreachable);
  EXPECT_EQ(icmp.code, wire::unreachable_code::fragmentation_needed);
  EXPECT_EQ(icmp.rest, 0x0578u);
  EXPECT_EQ(icmp.next_hop_mtu(), 1'400u);
}

TEST(Icmp, TheQuoteNamesItsSegment) {
  for (const Frame& options : {Frame{}, hex("01 01 01 00"), Frame(40, std::byte{1})}) {
    wire::QuotedSegment segment;
    ASSERT_EQ(read_quoted_segment(quote(options), segment), Drop::none);
    EXPECT_EQ(segment.key, FlowKey4::of(kOurIp, 80, kPeerIp, 40'000));
    EXPECT_EQ(segment.seq, Seq{0x1234'5678});
  }
}

TEST(Icmp, AQuoteThatIsCutShortIsMalformed) {
  const Frame whole = quote(hex("01 01 01 00"));
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_EQ(read({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)}),
              Drop::icmp_malformed);
}

TEST(Icmp, AQuoteOfAnotherVersionOrHeaderLengthIsMalformed) {
  Frame frame = quote();
  frame[0] = std::byte{0x65};
  EXPECT_EQ(read(frame), Drop::icmp_malformed);
  frame[0] = std::byte{0x44};
  EXPECT_EQ(read(frame), Drop::icmp_malformed);
  frame[0] = std::byte{0x46};
  EXPECT_EQ(read(frame), Drop::icmp_malformed);
}

TEST(Icmp, AQuoteOfAnotherProtocolIsIgnored) {
  Frame frame = quote();
  frame[9] = std::byte{17};
  EXPECT_EQ(read(frame), Drop::icmp_ignored);
}

}  // namespace
}  // namespace mayfly::testing
