#include "wire/print.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>
#include <utility>

#include "base/endian.h"
#include "wire/drop.h"
#include "wire/emit.h"
#include "wire/icmp6.h"
#include "wire/layout.h"
#include "wire/options.h"
#include "wire/parse.h"

namespace mayfly::wire {
namespace {

using Bytes = std::span<const std::byte>;

/// The two addresses: source, destination.
std::pair<std::string, std::string> ends(Bytes frame, const ParsedFrame& parsed) {
  if (!parsed.is_ipv6()) return {to_string(parsed.key.remote()), to_string(parsed.key.local())};
  const FlowKey6 key = flow_key6(frame, parsed);
  return {"IP6 " + to_string(key.remote), to_string(key.local)};
}

/// "SOURCE > DESTINATION"
std::string addresses(Bytes frame, const ParsedFrame& parsed) {
  const auto [source, destination] = ends(frame, parsed);
  return fmt::format("{} > {}", source, destination);
}

/// "SOURCE.PORT > DESTINATION.PORT"
std::string endpoints(Bytes frame, const ParsedFrame& parsed) {
  const auto [source, destination] = ends(frame, parsed);
  return fmt::format("{}.{} > {}.{}", source, parsed.key.remote_port_host(), destination,
                     parsed.key.local_port_host());
}

std::uint32_t distance(Seq seq, Seq origin) { return (seq - origin.raw).raw; }

/// The blocks are in the sequence numbers of the segment's receiver.
std::string print_sack(Bytes option, Seq origin) {
  const std::size_t blocks = (option.size() - tcp_option_size::sack) / tcp_option_size::sack_block;
  std::string text = fmt::format("sack {}", blocks);
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::byte* block = &option[tcp_option_size::sack + i * tcp_option_size::sack_block];
    fmt::format_to(std::back_inserter(text), "{}{{{}:{}}}", i == 0 ? " " : "",
                   distance({load_be32(block)}, origin), distance({load_be32(block + 4)}, origin));
  }
  return text;
}

std::string print_option(std::uint8_t kind, Bytes option, Seq sack_origin) {
  const auto is = [&](std::uint8_t wanted, std::size_t size) {
    return kind == wanted && option.size() == size;
  };
  if (kind == option_kind::end) return "eol";
  if (kind == option_kind::nop) return "nop";
  if (is(tcp_option_kind::mss, tcp_option_size::mss)) {
    return fmt::format("mss {}", load_be16(&option[2]));
  }
  if (is(tcp_option_kind::window_scale, tcp_option_size::window_scale)) {
    return fmt::format("wscale {}", load_u8(&option[2]));
  }
  if (is(tcp_option_kind::sack_permitted, tcp_option_size::sack_permitted)) return "sackOK";
  if (is(tcp_option_kind::timestamps, tcp_option_size::timestamps)) {
    return fmt::format("TS val {} ecr {}", load_be32(&option[2]), load_be32(&option[6]));
  }
  if (kind == tcp_option_kind::sack) return print_sack(option, sack_origin);
  return fmt::format("unknown-{}", kind);
}

std::string print_options(Bytes options, Seq sack_origin) {
  std::string text;
  walk_options(options, [&](std::uint8_t kind, Bytes option) {
    if (!text.empty()) text += ',';
    text += print_option(kind, option, sack_origin);
  });
  return text.empty() ? text : fmt::format(", options [{}]", text);
}

/// As tcpdump: the sequence number of a segment that takes up none is left out, unless `every_seq`.
std::string print_tcp(Bytes frame, const ParsedFrame& parsed, const SeqOrigins& origins,
                      bool every_seq) {
  const Segment& segment = parsed.segment;
  std::string text =
      fmt::format("{}: Flags [{}]", endpoints(frame, parsed), flags_to_string(segment.flags));
  const auto out = std::back_inserter(text);
  const std::uint32_t seq = distance(segment.seq, origins.sender);
  if (segment.payload_len != 0) {
    fmt::format_to(out, ", seq {}:{}", seq, seq + segment.payload_len);
  } else if (every_seq || segment.has(tcp_flag::syn | tcp_flag::fin | tcp_flag::rst)) {
    fmt::format_to(out, ", seq {}", seq);
  }
  if (segment.has(tcp_flag::ack))
    fmt::format_to(out, ", ack {}", distance(segment.ack, origins.receiver));
  fmt::format_to(out, ", win {}", segment.window);
  if (segment.has(tcp_flag::urg)) fmt::format_to(out, ", urg {}", segment.urgent);
  const std::size_t options = parsed.l4_off + kTcpHeaderSizeMin;
  text += print_options(frame.subspan(options, segment.payload_off - options), origins.receiver);
  fmt::format_to(out, ", length {}", segment.payload_len);
  return text;
}

std::string print_arp(Bytes frame, const ParsedFrame& parsed) {
  const ArpPacket arp = read_arp(frame, parsed.l3_off);
  if (arp.operation == ArpPacket::Operation::request) {
    return fmt::format("ARP, Request who-has {} tell {}", to_string(arp.target_ip),
                       to_string(arp.sender_ip));
  }
  return fmt::format("ARP, Reply {} is-at {}", to_string(arp.sender_ip), to_string(arp.sender_mac));
}

/// RFC 792's name of a message, with the code unless it is always zero.
std::string icmp_name(std::uint8_t type, std::uint8_t code) {
  switch (type) {
    case 0: return "echo reply";
    case 3: return fmt::format("destination unreachable code {}", code);
    case 5: return fmt::format("redirect code {}", code);
    case 8: return "echo request";
    case 11: return fmt::format("time exceeded code {}", code);
    case 12: return fmt::format("parameter problem code {}", code);
    default: return fmt::format("type {} code {}", type, code);
  }
}

/// The same of ICMPv6 (RFC 4443, RFC 4861).
std::string icmp6_name(std::uint8_t type, std::uint8_t code) {
  switch (type) {
    case icmp6_type::unreachable: return fmt::format("destination unreachable code {}", code);
    case icmp6_type::packet_too_big: return "packet too big";
    case icmp6_type::time_exceeded: return fmt::format("time exceeded code {}", code);
    case icmp6_type::parameter_problem: return fmt::format("parameter problem code {}", code);
    case icmp6_type::echo: return "echo request";
    case icmp6_type::echo_reply: return "echo reply";
    case icmp6_type::router_solicitation: return "router solicitation";
    case icmp6_type::router_advertisement: return "router advertisement";
    case icmp6_type::mld2_report: return "multicast listener report v2";
    default: return fmt::format("type {} code {}", type, code);
  }
}

std::string print_icmp6(Bytes frame, const ParsedFrame& parsed) {
  const Bytes message = frame.subspan(parsed.l4_off, parsed.l4_len);
  const std::uint8_t type = load_u8(&message[icmp_at::type]);
  std::string text = icmp6_name(type, load_u8(&message[icmp_at::code]));
  const bool solicits = type == icmp6_type::neighbour_solicitation;
  if (solicits || type == icmp6_type::neighbour_advertisement) {
    Neighbour n;
    if (const Drop why = read_neighbour(frame, parsed, n); why != Drop::none)
      return fmt::format("drop {}, {} bytes", name_of(why), frame.size());
    text = fmt::format("neighbour {}, {} {}", solicits ? "solicitation" : "advertisement",
                       solicits ? "who has" : "tgt is", to_string(n.target));
  }
  return fmt::format("{}: ICMP6, {}, length {}", addresses(frame, parsed), text, parsed.l4_len);
}

std::string print_icmp(Bytes frame, const ParsedFrame& parsed) {
  if (parsed.is_ipv6()) return print_icmp6(frame, parsed);
  const std::byte* message = &frame[parsed.l4_off];
  return fmt::format("{}: ICMP {}, length {}", addresses(frame, parsed),
                     icmp_name(load_u8(message + icmp_at::type), load_u8(message + icmp_at::code)),
                     parsed.l4_len);
}

std::string print_fragment6(Bytes frame, const ParsedFrame& parsed) {
  const std::byte* header = &frame[parsed.l4_off];
  const std::uint16_t field = load_be16(header + 2);
  return fmt::format("{}: fragment of id {}, protocol {}, offset {}{}, length {}",
                     addresses(frame, parsed), load_be32(header + 4), load_u8(header),
                     field & 0xfff8, (field & 1) != 0 ? "+" : "",
                     parsed.l4_len - kFragmentHeaderSize);
}

std::string print_fragment(Bytes frame, const ParsedFrame& parsed) {
  if (parsed.is_ipv6()) return print_fragment6(frame, parsed);
  const std::byte* packet = &frame[parsed.l3_off];
  const std::uint16_t field = load_be16(packet + ipv4_at::fragment);
  const bool more = (field & ipv4_fragment::more_fragments) != 0;
  return fmt::format("{}: fragment of id {}, protocol {}, offset {}{}, length {}",
                     addresses(frame, parsed), load_be16(packet + ipv4_at::id), parsed.protocol,
                     (field & ipv4_fragment::offset_mask) * 8, more ? "+" : "", parsed.l4_len);
}

/// Rules that accept any frame: printing needs no address of its own.
ParseRules rules_for(Bytes frame) {
  ParseRules rules{.ipv6 = true};
  if (frame.size() < kEthernetHeaderSize + kVlanTagSize) return rules;
  std::memcpy(rules.mac.octets.data(), frame.data(), rules.mac.octets.size());
  if (load_be16(&frame[ethernet_at::type]) == ethertype::vlan) {
    rules.vlan = load_be16(&frame[ethernet_at::vlan]) & 0x0fff;
  }
  return rules;
}

std::string print(Bytes frame, const SeqOrigins& origins, bool every_seq) {
  const ParsedFrame parsed = parse_frame(frame, rules_for(frame), {});
  switch (parsed.kind) {
    case FrameKind::tcp: return print_tcp(frame, parsed, origins, every_seq);
    case FrameKind::arp: return print_arp(frame, parsed);
    case FrameKind::icmp: return print_icmp(frame, parsed);
    case FrameKind::udp:
      return fmt::format("{}: UDP, length {}", endpoints(frame, parsed), parsed.l4_len);
    case FrameKind::other_protocol:
      return fmt::format("{}: protocol {}, length {}", addresses(frame, parsed), parsed.protocol,
                         parsed.l4_len);
    case FrameKind::fragment: return print_fragment(frame, parsed);
    case FrameKind::problem:
    case FrameKind::drop: break;
  }
  return fmt::format("drop {}, {} bytes", name_of(parsed.drop), frame.size());
}

}  // namespace

std::string to_string(Ipv4Address address) {
  const std::uint32_t a = address.host;
  return fmt::format("{}.{}.{}.{}", a >> 24, a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
}

// RFC 5952 4: no leading zeros, lower case, "::" for the first of the longest runs of two or more
// groups of zero; 5: the IPv4 address of a mapped one as such.
std::string to_string(const Ipv6Address& address) {
  if (address.is_ipv4_mapped()) return "::ffff:" + to_string(Ipv4Address{address.low()});
  constexpr std::size_t kGroups = 8;
  std::size_t best = 0, best_length = 1;
  for (std::size_t i = 0; i < kGroups;) {
    std::size_t end = i;
    while (end < kGroups && address.group(end) == 0) ++end;
    if (end - i > best_length) best = i, best_length = end - i;
    i = end + 1;
  }
  const bool has_run = best_length > 1;
  std::string text;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (has_run && i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", address.group(i));
  }
  return text;
}

std::string to_string(const MacAddress& mac) {
  const auto& o = mac.octets;
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", o[0], o[1], o[2], o[3], o[4],
                     o[5]);
}

std::string flags_to_string(std::uint8_t flags) {
  constexpr std::pair<std::uint8_t, char> letters[] = {
      {tcp_flag::fin, 'F'}, {tcp_flag::syn, 'S'}, {tcp_flag::rst, 'R'}, {tcp_flag::psh, 'P'},
      {tcp_flag::ack, '.'}, {tcp_flag::urg, 'U'}, {tcp_flag::ece, 'E'}, {tcp_flag::cwr, 'W'}};
  std::string text;
  for (const auto& [flag, letter] : letters) {
    if ((flags & flag) != 0) text += letter;
  }
  return text.empty() ? "none" : text;
}

std::string print_frame(std::span<const std::byte> frame) { return print(frame, {}, false); }

std::string print_frame(std::span<const std::byte> frame, const SeqOrigins& origins) {
  return print(frame, origins, true);
}

ParsedFrame overhear(std::span<const std::byte> frame) {
  return parse_frame(frame, rules_for(frame), {});
}

}  // namespace mayfly::wire
