// The short ways of parse_frame and emit_tcp give what the long ones give. A VLAN tag forces the
// long way, and changes nothing behind it.
#include "wire/plain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "unit/wire/ipv6_frames.h"
#include "wire/checksum.h"
#include "wire/layout.h"
#include "wire/print.h"

namespace mayfly::testing {
namespace {

constexpr std::uint16_t kVlan = 12;
constexpr wire::ParseRules kTaggedRules{kOurMac, kVlan}, kTaggedRules6{kOurMac, kVlan, true};
constexpr wire::LinkHeader kUntagged{kPeerMac, kOurMac}, kTagged{kPeerMac, kOurMac, kVlan};
constexpr std::size_t kTagAt = wire::ethernet_at::type;

Frame tagged(const Frame& frame) {
  const auto at = frame.begin() + kTagAt;
  return Frame(frame.begin(), at) + bytes({0x81, 0, 0, kVlan}) + Frame(at, frame.end());
}

/// All that is in a parsed frame, with offsets from the network header on.
Frame content_of(const wire::ParsedFrame& parsed) {
  wire::ParsedFrame p = parsed;
  const auto moved = [&](auto offset) {
    return static_cast<decltype(offset)>(offset == 0 ? 0 : offset - parsed.l3_off);
  };
  p.l4_off = moved(p.l4_off);
  p.segment.payload_off = moved(p.segment.payload_off);
  p.segment.sack_off = moved(p.segment.sack_off);
  p.l3_off = 0;
  Frame content(sizeof p.key + sizeof p.segment);
  std::memcpy(content.data(), &p.key, sizeof p.key);
  std::memcpy(content.data() + sizeof p.key, &p.segment, sizeof p.segment);
  return content + bytes({static_cast<int>(p.kind), static_cast<int>(p.drop), p.link_group, p.ipv6,
                          p.problem_at >> 8, p.problem_at & 0xff, p.protocol, p.l4_off >> 8,
                          p.l4_off & 0xff, p.l4_len >> 8, p.l4_len & 0xff});
}

/// Is it parsed by the short way?
bool is_short_way(const Frame& frame, wire::RxChecks checks) {
  wire::ParsedFrame parsed;
  return wire::parse_plain_tcp(frame, kRules6, checks, parsed) ||
         wire::parse_plain_tcp6(frame, kRules6, checks, parsed);
}

/// Parses damaged copies of the frames both ways. How many went the short one.
int compare_ways(const std::vector<Frame>& frames) {
  auto random = seeded_generator();
  const auto below = [&](std::size_t n) { return random() % n; };
  int plain = 0;
  for (int i = 0; i < 100'000; ++i) {
    Frame frame = frames[below(frames.size())];
    for (std::size_t flips = below(4); flips > 0; --flips)
      frame[below(std::min<std::size_t>(frame.size(), 100))] = std::byte(random() & 0xff);
    if (below(8) == 0) frame.resize(below(frame.size()) + 1);
    if (below(8) == 0) frame = frame + bytes({1, 2, 3});
    if (frame.size() < wire::kEthernetHeaderSize) continue;
    if (load_be16(&frame[kTagAt]) == wire::ethertype::vlan) continue;
    const wire::RxChecks checks = below(4) > 0 ? kAllGood : wire::RxChecks{.l4_good = true};
    plain += is_short_way(frame, checks) ? 1 : 0;
    EXPECT_EQ(content_of(parse(frame, kRules6, checks)),
              content_of(parse(tagged(frame), kTaggedRules6, checks)))
        << "frame " << i;
    if (::testing::Test::HasFailure()) break;
  }
  return plain;
}

TEST(PlainTcp, ParsesAsTheLongWayWhateverTheFrameHolds) {
  EXPECT_GT(compare_ways(valid_frames()), 10'000);
}

TEST(PlainTcp, ParsesIpv6AsTheLongWayWhateverTheFrameHolds) {
  const Frame stamps = hex("01 01 08 0a 00 00 00 01 00 00 00 02");
  const std::vector<Frame> frames = {
      tcp6_frame({}),
      tcp6_frame({.payload = text("hello")}),
      tcp6_frame({.options = stamps, .payload = text("hello")}),
      tcp6_frame({.flags = wire::tcp_flag::syn, .options = hex("02 04 05 b4 03 03 07 00")}),
      tcp6_frame({.options = stamps}, {.traffic_class = 3}),
      tcp6_frame({}, {.source = wire::kAllNodes}),
      tcp6_frame({}, {.source = {}}),
      tcp6_frame({}, {.source = Ipv6Address::of({0, 0, 0, 0, 0, 0xffff, 1, 1})}),
      tcp6_frame({}, {.destination = wire::kAllNodes}),
      tcp6_frame({}, {.source = kOurIp6}),
      tcp6_frame({}, {.next = 60, .chain = padding_header(6)}),
  };
  EXPECT_GT(compare_ways(frames), 10'000);
}

TEST(PlainTcp, IsParsedWithTimestampsAndWithTheOptionsOfASyn) {
  EXPECT_TRUE(is_short_way(tcp_frame({.payload = text("hello")}), {}));
  EXPECT_TRUE(is_short_way(tcp_frame({.options = hex("01 01 08 0a 00 00 00 01 00 00 00 02")}), {}));
  EXPECT_TRUE(
      is_short_way(tcp_frame({.flags = wire::tcp_flag::syn, .options = hex("02 04 05 b4")}), {}));
  EXPECT_TRUE(is_short_way(tcp6_frame({.payload = text("hello")}), {}));
  EXPECT_TRUE(
      is_short_way(tcp6_frame({.options = hex("01 01 08 0a 00 00 00 01 00 00 00 02")}), {}));
}

TEST(PlainTcp, IsNotParsedWhereAChecksumIsWrong) {
  Frame six = tcp6_frame({.payload = text("hello")});
  six.back() ^= std::byte{1};
  EXPECT_FALSE(is_short_way(six, {}));
  EXPECT_EQ(drop_of(six, kRules6), Drop::tcp_checksum);
  Frame segment = tcp_frame({.payload = text("hello")}), header = segment;
  segment.back() ^= std::byte{1};
  EXPECT_FALSE(is_short_way(segment, {}));
  EXPECT_FALSE(is_short_way(segment, {.l4_bad = true}));
  header[wire::kEthernetHeaderSize + wire::ipv4_at::id] ^= std::byte{1};
  EXPECT_FALSE(is_short_way(header, {.l4_good = true}));
  EXPECT_EQ(drop_of(segment), Drop::tcp_checksum);
  EXPECT_EQ(drop_of(header), Drop::ip_checksum);
}

TEST(PlainTcp, IsNotParsedWhereItWasSentToAGroup) {
  constexpr MacAddress kGroup{{1, 0, 0x5e, 0, 0, 1}};
  const Frame frame = tcp_frame({}, {.mac = kGroup});
  EXPECT_EQ(drop_of(frame), Drop::ip_multicast);
  EXPECT_EQ(drop_of(frame, {kGroup}), Drop::ip_multicast);
}

TEST(PlainTcp, IsNotParsedOverIpv6WhereThatIsNotSpoken) {
  EXPECT_EQ(drop_of(tcp6_frame({}), kOurRules), Drop::ethertype_unknown);
}

/// A plain emission with any values, and the text that it carries.
struct AnyEmission {
  explicit AnyEmission(std::mt19937_64& random) {
    const auto any = [&] { return static_cast<std::uint32_t>(random()); };
    e = {.seq = {any()}, .ack = {any()}, .ts = {any(), any()}};
    e.payload_len = any() % 3 == 0 ? 0 : any() % 1'460;
    e.window = static_cast<std::uint16_t>(any());
    e.flags = static_cast<std::uint8_t>(any());
    e.options = any() % 2 == 0 ? wire::tcp_option::timestamps : std::uint8_t{0};
    by = any() % 4 == 0 ? wire::ChecksumBy::device : wire::ChecksumBy::software;
    number = any();
    payload.resize(e.payload_len);
    for (std::byte& b : payload) b = std::byte(any() & 0xff);
    EXPECT_TRUE(wire::is_plain(kUntagged, e) && !wire::is_plain(kTagged, e));
  }
  Emission e;
  wire::ChecksumBy by;
  std::uint32_t number;
  Frame payload;
};

TEST(PlainTcp, IsEmittedAsTheLongWayDoes) {
  auto random = seeded_generator();
  const FlowKey4 key = FlowKey4::of(kOurIp, 80, kPeerIp, 40000);
  for (int i = 0; i < 2'000; ++i) {
    const AnyEmission any(random);
    const auto emitted = [&](const wire::LinkHeader& link) {
      Frame frame = Frame(tcp_payload_offset(link, any.e), std::byte{0xee}) + any.payload;
      const auto id = static_cast<std::uint16_t>(any.number);
      const auto sum =
          i % 2 == 0 ? std::optional(wire::checksum_native(any.payload)) : std::nullopt;
      EXPECT_EQ(emit_tcp(frame, link, key, any.e, id, any.by, any.by, sum), frame.size());
      EXPECT_TRUE(any.by == wire::ChecksumBy::device || wire::overhear(frame).drop == Drop::none);
      return frame;
    };
    ASSERT_EQ(tagged(emitted(kUntagged)), emitted(kTagged)) << "emission " << i;
  }
}

TEST(PlainTcp, IsEmittedOverIpv6AsTheLongWayDoes) {
  auto random = seeded_generator();
  FlowKey6 key = FlowKey6::of(kOurIp6, 80, kPeerIp6, 40000);
  for (int i = 0; i < 2'000; ++i) {
    const AnyEmission any(random);
    key.flow_label = any.number & 0xf'ffff;
    const auto emitted = [&](const wire::LinkHeader& link) {
      Frame frame = Frame(tcp6_payload_offset(link, any.e), std::byte{0xee}) + any.payload;
      const auto sum =
          i % 2 == 0 ? std::optional(wire::checksum_native(any.payload)) : std::nullopt;
      EXPECT_EQ(emit_tcp6(frame, link, key, any.e, any.by, sum), frame.size());
      EXPECT_TRUE(any.by == wire::ChecksumBy::device || wire::overhear(frame).drop == Drop::none);
      return frame;
    };
    ASSERT_EQ(tagged(emitted(kUntagged)), emitted(kTagged)) << "emission " << i;
  }
}

TEST(ChecksumNative, IsJoinedOfTwoPartsAtAnyPlace) {
  auto random = seeded_generator();
  Frame data(60), copy(60);
  for (std::byte& b : data) b = std::byte(random() & 0xff);
  for (std::size_t size = 0; size <= data.size(); ++size)
    for (std::size_t at = 0; at <= size; ++at) {
      const std::span<const std::byte> all = std::span(data).first(size);
      const std::uint64_t head = wire::copy_summed(all.first(at), copy.data());
      const std::uint64_t tail = wire::copy_summed(all.subspan(at), copy.data() + at);
      EXPECT_TRUE(std::ranges::equal(all, std::span(copy).first(size)));
      EXPECT_EQ(wire::checksum_fold(wire::checksum_joined(head, at, tail)),
                wire::checksum_fold(wire::checksum_native(all)));
    }
}

TEST(Ipv6Address, ComparesAsItsOctetsDo) {
  auto random = seeded_generator();
  const auto any = [&] {
    Ipv6Address address;
    for (std::uint8_t& octet : address.octets) octet = static_cast<std::uint8_t>(random() % 3);
    return address;
  };
  const auto bits_alike = [](const Ipv6Address& a, const Ipv6Address& b) {
    for (std::size_t bit = 0; bit < 128; ++bit)
      if (((a.octets[bit / 8] ^ b.octets[bit / 8]) >> (7 - bit % 8) & 1) != 0) return bit;
    return std::size_t{128};
  };
  for (int i = 0; i < 2'000; ++i) {
    const Ipv6Address a = any();
    Ipv6Address b = any();
    std::copy_n(a.octets.begin(), random() % 17, b.octets.begin());
    EXPECT_EQ(a == b, a.octets == b.octets);
    EXPECT_EQ(a < b, a.octets < b.octets);
    EXPECT_EQ(a > b, a.octets > b.octets);
    for (std::size_t length = 0; length <= 128; ++length)
      ASSERT_EQ(a.shares_prefix(b, length), length <= bits_alike(a, b)) << length;
  }
}

TEST(ChecksumNative, SumsAsTheOther) {
  auto random = seeded_generator();
  for (std::size_t size = 0; size < 200; ++size) {
    Frame data(size);
    for (std::byte& b : data) b = std::byte(random() & 0xff);
    const std::uint64_t start = random() & 0xffff'ffff;
    const auto swapped = [](std::uint16_t v) { return swap16(v); };
    EXPECT_EQ(swapped(wire::checksum_fold(wire::checksum_native(data))),
              wire::checksum_fold(wire::checksum_add(data)));
    EXPECT_EQ(wire::checksum_fold(wire::checksum_native(data, start)),
              wire::checksum_fold(wire::checksum_native(data) % 0xffff + start));
  }
}

}  // namespace
}  // namespace mayfly::testing
