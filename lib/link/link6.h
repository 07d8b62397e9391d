// ICMPv6 on a link (RFC 4443). Part of link.h.
#pragma once

#include "link/link.h"

namespace mayfly::link {

/// The most of a packet that an error quotes (RFC 4443 2.4 (c)).
inline constexpr std::size_t kQuoteMax =
    wire::kIpv6MtuMin - wire::kIpv6HeaderSize - wire::kIcmpHeaderSize;

template <Port P>
template <class OnError>
Drop Link<P>::on_icmp6(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                       Instant now, OnError&& on_error) noexcept {
  MAYFLY_ASSERT(parsed.kind == wire::FrameKind::icmp && ipv6_ != nullptr);
  const auto message = bytes.subspan(parsed.l4_off, parsed.l4_len);
  const wire::IcmpHeader icmp = wire::read_icmp(message);
  constexpr std::uint8_t kLinkFirst = wire::icmp6_type::mld_query,
                         kLinkLast = wire::icmp6_type::mld2_report;
  if (icmp.type >= kLinkFirst && icmp.type <= kLinkLast)
    return on_link_message6(bytes, parsed, icmp.type, now);
  const FlowKey6 key = flow_key6(bytes, parsed);
  if (!ipv6_->resolver.is_ours(key.local)) return Drop::not_our_ip;
  if (ipv6_->resolver.is_ours(key.remote) || key.remote.is_unspecified())
    return Drop::ip_source_invalid;
  if (icmp.type == wire::icmp6_type::echo) return answer_echo6(message, key, now);
  Icmp6Report report;
  if (!is_error6(icmp, report.error)) return Drop::icmp_ignored;
  const Drop why = read_quoted_segment6(message.subspan(wire::kIcmpHeaderSize), report.about);
  return why != Drop::none ? why : on_error(report);
}

// Messages that do not leave the link.
template <Port P>
Drop Link<P>::on_link_message6(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                               std::uint8_t type, Instant now) noexcept {
  if (type == wire::icmp6_type::neighbour_solicitation ||
      type == wire::icmp6_type::neighbour_advertisement)
    return ipv6_->resolver.on_neighbour(bytes, parsed, now);
  if (type == wire::icmp6_type::router_advertisement)
    return ipv6_->resolver.on_router(bytes, parsed, now);
  // Redirects are not believed (RFC 4861 8 lets a host ignore them).
  if (type != wire::icmp6_type::mld_query) return Drop::icmp_ignored;
  // RFC 3810 5.1.14: from a link-local address, with hop limit 1.
  const std::byte* ip = &bytes[parsed.l3_off];
  const bool is_sound = wire::load_u8(ip + wire::ipv6_at::hop_limit) == 1 &&
                        Ipv6Address::at(ip + wire::ipv6_at::source).is_link_local();
  return is_sound ? ipv6_->resolver.on_mld_query(now) : Drop::nd_invalid;
}

// False: a message that a host need not act on.
template <Port P>
bool Link<P>::is_error6(const wire::IcmpHeader& icmp, tcp::IcmpError& error) noexcept {
  using Kind = tcp::IcmpError::Kind;
  // TCP counts with the 20 bytes of an IPv4 header.
  constexpr std::uint32_t kMoreHeader = wire::kIpv6HeaderSize - wire::kIpv4HeaderSizeMin;
  switch (icmp.type) {
    case wire::icmp6_type::packet_too_big:
      // RFC 8201 4: a path's MTU below the least of any link is not believed.
      if (icmp.rest < wire::kIpv6MtuMin) return false;
      error = {Kind::fragmentation_needed,
               static_cast<std::uint16_t>(std::min(icmp.rest, 0xffffu) - kMoreHeader)};
      return true;
    case wire::icmp6_type::unreachable:  // RFC 1122 4.2.3.9, RFC 4443 3.1
      error = {icmp.code == wire::unreachable6_code::port ? Kind::hard : Kind::soft, 0};
      return true;
    case wire::icmp6_type::parameter_problem:  // an unknown next header: nobody speaks TCP there
      error = {icmp.code == wire::problem_code::next_header ? Kind::hard : Kind::soft, 0};
      return true;
    case wire::icmp6_type::time_exceeded: error = {Kind::soft, 0}; return true;
    default: return false;
  }
}

// RFC 4443 4.2 (MUST): the data comes back whole, in fragments if it must be.
template <Port P>
Drop Link<P>::answer_echo6(std::span<const std::byte> message, const FlowKey6& key,
                           Instant now) noexcept {
  if (!interface_.answers) return Drop::none;
  if (!common_.echo_limit.allow(now)) {
    common_.count.lose(Drop::icmp_rate_limited);
    return Drop::none;
  }
  send_icmp6(key, {wire::icmp6_type::echo_reply, 0, wire::read_icmp(message).rest},
             message.subspan(wire::kIcmpHeaderSize), now);
  return Drop::none;
}

// RFC 4443 2.4: as much of the packet as fits into the least MTU (c); no error about an error (e.1)
// or to an address that does not name one host (e.6); limited in rate (f). The parser has seen to
// (e.3) to (e.5), about groups.
template <Port P>
void Link<P>::answer_problem6(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                              Instant now) noexcept {
  FlowKey6 key = flow_key6(bytes, parsed);
  const bool to_group = key.local.is_multicast();
  const bool is_allowed_to_group = parsed.drop == Drop::ip6_option;
  if (!interface_.answers || (to_group ? !is_allowed_to_group : !is_ours(key.local)) ||
      key.remote.is_unspecified() || is_ours(key.remote))
    return;
  if (!common_.icmp_limit.allow(now)) return common_.count.lose(Drop::icmp_rate_limited);
  if (to_group) key.local = interface_.source_for(key.remote);
  wire::IcmpHeader icmp{wire::icmp6_type::parameter_problem, wire::problem_code::field,
                        parsed.problem_at};
  switch (parsed.drop) {
    case Drop::protocol_unknown: icmp.code = wire::problem_code::next_header; break;
    case Drop::ip6_option: icmp.code = wire::problem_code::option; break;
    case Drop::ip6_first_fragment: icmp.code = wire::problem_code::first_fragment; break;
    case Drop::none:  // UDP, which nobody listens to
      icmp = {wire::icmp6_type::unreachable, wire::unreachable6_code::port, 0};
      break;
    default: break;
  }
  const auto packet = bytes.subspan(parsed.l3_off);
  const std::size_t length =
      wire::kIpv6HeaderSize + load_be16(&packet[wire::ipv6_at::payload_length]);
  send_icmp6(key, icmp, packet.first(std::min({length, packet.size(), kQuoteMax})), now);
}

// A message back to where `answered` came from, from the address that it came to.
template <Port P>
void Link<P>::send_icmp6(const FlowKey6& answered, wire::IcmpHeader icmp,
                         std::span<const std::byte> body, Instant now) noexcept {
  const Frame frame = port_.allocate();
  if (frame == Frame{}) return common_.count.lose(Drop::no_buffer);
  port_.set_length(frame, emit_icmp6(port_.bytes(frame), header_,
                                     {.source = answered.local,
                                      .destination = answered.remote,
                                      .type = icmp.type,
                                      .code = icmp.code,
                                      .rest = icmp.rest},
                                     body));
  common_.count.icmp_sent.add();
  const std::size_t size = wire::kIpv6HeaderSize + wire::kIcmpHeaderSize + body.size();
  if (size > ipv6_->resolver.mtu()) return send_in_fragments(frame, answered.remote, now);
  ipv6_->resolver.resolve(frame, answered.remote, now);
}

// RFC 8200 4.5. Takes ownership of the packet.
template <Port P>
void Link<P>::send_in_fragments(Frame whole, const Ipv6Address& to, Instant now) noexcept {
  constexpr std::size_t kHeaders = wire::kIpv6HeaderSize + wire::kFragmentHeaderSize;
  const std::size_t most = (ipv6_->resolver.mtu() - kHeaders) / 8 * 8;
  const std::span<const std::byte> packet = port_.bytes(whole);
  const std::size_t size = packet.size() - header_.size() - wire::kIpv6HeaderSize;
  const std::uint32_t identification = common_.secret.next_identification();
  for (std::size_t at = 0; at < size; at += most) {
    const Frame frame = port_.allocate();
    if (frame == Frame{}) {
      common_.count.lose(Drop::no_buffer);
      break;
    }
    port_.set_length(frame, wire::emit_fragment6(port_.bytes(frame), packet, header_.size(), at,
                                                 std::min(most, size - at), identification));
    ipv6_->resolver.resolve(frame, to, now);
  }
  port_.release(whole);
}

template <Port P>
void Link<P>::age6(Instant now) noexcept {
  ipv6_->resolver.age(now);
  note_lost(ipv6_->reassembler.expire(
                now, [&](std::span<const std::byte> first) { tell_incomplete6(first, now); }),
            0);
}

// RFC 8200 4.5: to the sender of a first fragment that others did not follow, within the limit.
template <Port P>
void Link<P>::tell_incomplete6(std::span<const std::byte> first_fragment, Instant now) noexcept {
  const std::byte* ip = first_fragment.data();
  FlowKey6 key;
  key.local = Ipv6Address::at(ip + wire::ipv6_at::destination);
  key.remote = Ipv6Address::at(ip + wire::ipv6_at::source);
  if (!interface_.answers || !is_ours(key.local) || key.remote.is_unspecified() ||
      is_ours(key.remote))
    return;
  if (!common_.icmp_limit.allow(now)) return common_.count.lose(Drop::icmp_rate_limited);
  send_icmp6(key, {wire::icmp6_type::time_exceeded, wire::time_exceeded_code::reassembly, 0},
             first_fragment.first(std::min(first_fragment.size(), kQuoteMax)), now);
}

}  // namespace mayfly::link
