// TCP options: any bytes are read as a plain reading of RFC 9293 3.2 has them, the fast way and the
// slow way through the parser agree, and what is emitted is read again.
//
// Input: the flags, then the options as they stand in the header.
#include "wire/tcp_options.h"

#include <optional>

#include "base/endian.h"
#include "fuzz/emissions.h"
#include "fuzz/target.h"

namespace mayfly::testing {
namespace {

/// The options of a header read naively, as a second opinion. Nothing: an illegal length.
std::optional<Segment> read_plainly(const std::vector<std::byte>& options, std::uint8_t flags) {
  Segment s{.flags = flags};
  const bool syn = s.has(wire::tcp_flag::syn);
  for (std::size_t at = 0; at < options.size();) {
    const auto octet = [&](std::size_t i) { return std::to_integer<std::size_t>(options[at + i]); };
    const auto word = [&](std::size_t i) { return load_be32(&options[at + i]); };
    const std::size_t kind = octet(0);
    if (kind == 0) break;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 == options.size() || octet(1) < 2 || at + octet(1) > options.size()) return {};
    const std::size_t length = octet(1);
    if (syn && kind == 2 && length == 4) {
      s.options |= wire::tcp_option::mss;
      s.mss = static_cast<std::uint16_t>(octet(2) << 8 | octet(3));
    } else if (syn && kind == 3 && length == 3) {
      s.options |= wire::tcp_option::window_scale;
      s.window_scale = static_cast<std::uint8_t>(octet(2));
    } else if (syn && kind == 4 && length == 2) {
      s.options |= wire::tcp_option::sack_permitted;
    } else if (kind == 5 && length > 2 && length % 8 == 2) {
      s.options |= wire::tcp_option::sack;
      s.sack_count = static_cast<std::uint8_t>(length / 8);
      s.sack_off = static_cast<std::uint16_t>(at + 2);
    } else if (kind == 8 && length == 10) {
      s.options |= wire::tcp_option::timestamps;
      s.ts = {word(2), s.has(wire::tcp_flag::ack) ? word(6) : 0};
    }
    at += length;
  }
  return s;
}

void expect_same_options(const Segment& a, const Segment& b) {
  EXPECT_EQ(a.options, b.options);
  EXPECT_EQ(a.mss, b.mss);
  EXPECT_EQ(a.window_scale, b.window_scale);
  EXPECT_EQ(a.ts.val, b.ts.val);
  EXPECT_EQ(a.ts.echo, b.ts.echo);
  EXPECT_EQ(a.sack_count, b.sack_count);
}

/// A header with these options in a frame whose checksums count as good.
wire::ParsedFrame parse_in_a_frame(std::uint8_t flags, const std::vector<std::byte>& options) {
  const wire::LinkHeader link{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, 0};
  Emission e;
  e.flags = flags;
  e.payload_len = static_cast<std::uint32_t>(options.size());
  std::vector<std::byte> frame(tcp_payload_offset(link, e));
  frame.insert(frame.end(), options.begin(), options.end());
  const FlowKey4 key = FlowKey4::of({0xc612'0101}, 40'000, {0xc612'0001}, 80);
  emit_tcp(frame, link, key, e, 1, wire::ChecksumBy::software, wire::ChecksumBy::software);
  const std::size_t words = (wire::kTcpHeaderSizeMin + options.size()) / 4;
  wire::store_u8(&frame[link.size() + wire::kIpv4HeaderSizeMin + wire::tcp_at::data_offset],
                 static_cast<std::uint8_t>(words << 4));
  return wire::parse_frame(frame, {link.destination}, {.ip_good = true, .l4_good = true});
}

void run(FuzzInput in) {
  const std::uint8_t flags = take_flags(in);
  const std::vector<std::byte> options =
      in.bytes(wire::kTcpHeaderSizeMax - wire::kTcpHeaderSizeMin);
  Segment read{.flags = flags};
  const bool well_formed = read_tcp_options(options, 0, options.size(), read);
  const std::optional<Segment> plain = read_plainly(options, flags);
  ASSERT_EQ(well_formed, plain.has_value());
  if (well_formed) {
    expect_same_options(read, *plain);
    EXPECT_EQ(read.sack_off, plain->sack_off);
    const Emission e = emission_of(options, read);
    if (tcp_header_size(e) <= wire::kTcpHeaderSizeMax)
      expect_round_trip({{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, 0},
                        FlowKey4::of({0xc612'0101}, 40'000, {0xc612'0001}, 80), e, {});
  }
  if (options.size() % 4 != 0) return;
  const wire::ParsedFrame parsed = parse_in_a_frame(flags, options);
  EXPECT_EQ(parsed.drop, well_formed ? Drop::none : Drop::tcp_options_malformed);
  if (well_formed) expect_same_options(parsed.segment, read);
}

const Target kTarget("tcp_options", run);

}  // namespace
}  // namespace mayfly::testing
