#include "wire/parse_ipv6.h"

#include <cstring>

#include "base/assert.h"
#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/layout.h"

namespace mayfly::wire {
namespace {

using Bytes = std::span<const std::byte>;

/// The last octet of a fragment header's offset field (RFC 8200 4.5).
constexpr std::uint16_t kMoreFragments = 1, kOffsetMask = 0xfff8;
/// RFC 8200 4.2: pad options, and the two high bits of a type that say what unknown ones do.
constexpr std::uint8_t kPad1 = 0, kPadN = 1, kRouterAlert = 5;
constexpr std::uint8_t kSkip = 0, kDiscard = 1, kDiscardSilentlyIfGroup = 3;

/// Walks the chain of extension headers. `at` is the header that `next` names; `named_at` is the
/// octet that named it. All from the network header's first octet.
class Chain {
 public:
  explicit Chain(Bytes packet, bool to_group) noexcept
      : packet_(packet), to_group_(to_group), next_(load_u8(&packet[ipv6_at::next_header])) {}

  /// Up to the header that is no extension, or to a fragment header that is not atomic. Any other
  /// result than none is the reason to drop the packet, and problem_at() tells whether its sender
  /// is told.
  Drop walk() noexcept {
    for (std::size_t i = 0; i < kExtensionHeadersMax; ++i) {
      if (!is_extension(next_) || is_fragment_) return Drop::none;
      if (const Drop why = pass(); why != Drop::none) return why;
    }
    return is_extension(next_) && !is_fragment_ ? Drop::ip6_chain : Drop::none;
  }
  /// A fragment that walk() has stopped at: of a first one, the whole chain must be in it.
  Drop check_fragment() noexcept;

  std::uint8_t next() const noexcept { return next_; }
  std::size_t at() const noexcept { return at_; }
  std::size_t named_at() const noexcept { return named_at_; }
  bool is_fragment() const noexcept { return is_fragment_; }
  bool had_fragment_header() const noexcept { return had_fragment_header_; }
  /// The sender is to be told of the octet at problem_at().
  bool is_problem() const noexcept { return is_problem_; }
  std::size_t problem_at() const noexcept { return problem_at_; }

 private:
  static bool is_extension(std::uint8_t next) noexcept {
    return next == next_header::hop_by_hop || next == next_header::destination ||
           next == next_header::routing || next == next_header::fragment;
  }
  Drop problem(std::size_t at, Drop why) noexcept {
    is_problem_ = !to_group_;  // RFC 4443 2.4 (e.3)
    problem_at_ = at;
    return why;
  }
  Drop pass() noexcept;
  Drop pass_options(std::size_t size) noexcept;
  Drop on_unknown_option(std::uint8_t type, std::size_t at) noexcept;
  Drop pass_fragment() noexcept;
  void step(std::size_t size) noexcept {
    next_ = load_u8(&packet_[at_]);
    named_at_ = at_;
    at_ += size;
  }

  const Bytes packet_;
  const bool to_group_;
  std::uint8_t next_;
  std::size_t at_ = kIpv6HeaderSize, named_at_ = ipv6_at::next_header;
  std::size_t problem_at_ = 0;
  bool is_fragment_ = false, had_fragment_header_ = false, is_problem_ = false;
};

// RFC 8200 4: all are whole multiples of 8 octets; but for the fragment header, the second octet
// counts those after the first.
Drop Chain::pass() noexcept {
  if (packet_.size() < at_ + 8) return Drop::ip6_chain;
  if (next_ == next_header::fragment) return pass_fragment();
  const std::size_t size = (load_u8(&packet_[at_ + 1]) + std::size_t{1}) * 8;
  if (packet_.size() < at_ + size) return Drop::ip6_chain;
  if (next_ == next_header::routing) {
    // RFC 8200 4.4, RFC 5095 3: we know no type, so type 0 is as any other.
    constexpr std::size_t type = 2, segments_left = 3;
    if (load_u8(&packet_[at_ + segments_left]) != 0) return problem(at_ + type, Drop::ip6_routing);
  } else {
    // RFC 8200 4.1: hop-by-hop options come first or count as an unknown header.
    if (next_ == next_header::hop_by_hop && at_ != kIpv6HeaderSize)
      return problem(named_at_, Drop::protocol_unknown);
    if (const Drop why = pass_options(size); why != Drop::none) return why;
  }
  step(size);
  return Drop::none;
}

Drop Chain::pass_options(std::size_t size) noexcept {
  for (std::size_t at = at_ + 2, end = at_ + size; at < end;) {
    const std::uint8_t type = load_u8(&packet_[at]);
    if (type == kPad1) {
      ++at;
      continue;
    }
    if (end - at < 2 || end - at < load_u8(&packet_[at + 1]) + std::size_t{2})
      return Drop::ip6_chain;
    if (type != kPadN && type != kRouterAlert)
      if (const Drop why = on_unknown_option(type, at); why != Drop::none) return why;
    at += load_u8(&packet_[at + 1]) + std::size_t{2};
  }
  return Drop::none;
}

Drop Chain::on_unknown_option(std::uint8_t type, std::size_t at) noexcept {
  const int action = type >> 6;
  if (action == kSkip) return Drop::none;
  if (action == kDiscard) return Drop::ip6_option;
  if (action == kDiscardSilentlyIfGroup) return problem(at, Drop::ip6_option);
  is_problem_ = true;  // RFC 4443 2.4 (e.3): even if it was sent to a group
  problem_at_ = at;
  return Drop::ip6_option;
}

// RFC 6946 4: an atomic fragment is a whole packet, whatever others with its identification are.
Drop Chain::pass_fragment() noexcept {
  had_fragment_header_ = true;
  const std::uint16_t field = load_be16(&packet_[at_ + 2]);
  if ((field & (kOffsetMask | kMoreFragments)) == 0) {
    step(kFragmentHeaderSize);
  } else {
    is_fragment_ = true;
  }
  return Drop::none;
}

Drop Chain::check_fragment() noexcept {
  const std::uint16_t field = load_be16(&packet_[at_ + 2]);
  const std::size_t offset = field & kOffsetMask;
  const std::size_t size = packet_.size() - at_ - kFragmentHeaderSize;
  // RFC 8200 4.5: the length of all but the last is a multiple of 8; none ends beyond 65,535.
  if ((field & kMoreFragments) != 0 && size % 8 != 0)
    return problem(ipv6_at::payload_length, Drop::fragment_malformed);
  if (offset + size > 65'535) return problem(at_ + 2, Drop::fragment_malformed);
  if (offset != 0) return Drop::none;
  Chain rest = *this;
  rest.is_fragment_ = false;
  rest.step(kFragmentHeaderSize);
  const Drop why = rest.walk();
  const std::size_t upper = rest.next_ == ip_protocol::tcp ? kTcpHeaderSizeMin : kUdpHeaderSize;
  const bool is_whole = why != Drop::ip6_chain && !rest.is_fragment_ &&
                        (rest.next_ == next_header::none || packet_.size() >= rest.at_ + upper);
  return is_whole ? Drop::none : problem(0, Drop::ip6_first_fragment);
}

/// RFC 4291 2.5.2, 2.5.3 and 2.7; the destination itself is the source of forged packets only.
Drop check_addresses(const Ipv6Address& source, const Ipv6Address& destination) noexcept {
  if (source.is_multicast() || source.is_loopback() || source.is_ipv4_mapped() ||
      source == destination)
    return Drop::ip_source_invalid;
  return Drop::none;
}

Drop parse_icmp6(Bytes message, std::uint64_t pseudo_sum, ParsedFrame& parsed) noexcept {
  if (message.size() < kIcmpHeaderSize ||
      checksum_fold(checksum_add(message, pseudo_sum)) != 0xffff)  // RFC 4443 2.3
    return Drop::icmp_malformed;
  parsed.kind = FrameKind::icmp;
  return Drop::none;
}

Drop parse_upper(Bytes frame, RxChecks checks, const Chain& chain, ParsedFrame& parsed) noexcept {
  const Ipv6Address source = Ipv6Address::at(&frame[parsed.l3_off + ipv6_at::source]);
  const Ipv6Address destination = Ipv6Address::at(&frame[parsed.l3_off + ipv6_at::destination]);
  const auto pseudo = [&] {
    return pseudo_header_sum(source, destination, parsed.protocol, parsed.l4_len);
  };
  switch (parsed.protocol) {
    case ip_protocol::tcp:
      if (source.is_unspecified()) return Drop::ip_source_invalid;
      // RFC 9293 3.9.2.3 (MUST-57).
      if (parsed.link_group || destination.is_multicast()) return Drop::ip_multicast;
      return parse_tcp6(frame, checks, checks.l4_good ? 0 : pseudo(), parsed);
    case next_header::icmp6:
      return parse_icmp6(frame.subspan(parsed.l4_off, parsed.l4_len), pseudo(), parsed);
    case ip_protocol::udp: return parse_udp6(frame, parsed);
    case next_header::none: return Drop::ip6_chain;  // RFC 8200 4.7
    default: break;
  }
  if (parsed.link_group || destination.is_multicast()) return Drop::protocol_unknown;
  // RFC 8200 4: the next header field that we do not know.
  parsed.kind = FrameKind::problem;
  parsed.problem_at = static_cast<std::uint16_t>(chain.named_at());
  return Drop::protocol_unknown;
}

}  // namespace

Drop parse_ipv6(std::span<const std::byte> frame, RxChecks checks, ParsedFrame& parsed) noexcept {
  Bytes packet = frame.subspan(parsed.l3_off);
  if (packet.size() < kIpv6HeaderSize) return Drop::frame_short;
  if (load_u8(&packet[ipv6_at::version]) >> 4 != 6) return Drop::ip_version;
  parsed.ipv6 = ParsedFrame::kIpv6;
  const std::size_t total = kIpv6HeaderSize + load_be16(&packet[ipv6_at::payload_length]);
  if (total > packet.size()) return Drop::ip_total_length;
  packet = packet.first(total);
  const Ipv6Address destination = Ipv6Address::at(&packet[ipv6_at::destination]);
  if (const Drop why = check_addresses(Ipv6Address::at(&packet[ipv6_at::source]), destination);
      why != Drop::none)
    return why;
  Chain chain(packet, parsed.link_group || destination.is_multicast());
  Drop why = chain.walk();
  if (why == Drop::none && chain.is_fragment()) why = chain.check_fragment();
  if (chain.had_fragment_header()) parsed.ipv6 |= ParsedFrame::kFragmentHeader;
  if (why != Drop::none) {
    if (chain.is_problem()) parsed.kind = FrameKind::problem;
    parsed.problem_at = static_cast<std::uint16_t>(chain.problem_at());
    return why;
  }
  parsed.protocol = chain.next();
  parsed.l4_off = static_cast<std::uint16_t>(parsed.l3_off + chain.at());
  parsed.l4_len = static_cast<std::uint16_t>(total - chain.at());
  if (chain.is_fragment()) {
    parsed.kind = FrameKind::fragment;
    return Drop::none;
  }
  // RFC 3168 5 and 5.3: the last two bits of the traffic class.
  if ((load_u8(&packet[1]) >> 4 & ipv4_ecn::mask) == ipv4_ecn::congestion)
    parsed.segment.options = tcp_option::ecn_mark;
  return parse_upper(frame, checks, chain, parsed);
}

}  // namespace mayfly::wire
