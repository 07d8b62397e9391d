// A shard's view of one port: everything between TCP and the device. Frames come in parsed; ARP,
// neighbour discovery, ICMP and ICMPv6 are answered here; TCP segments go out with their headers,
// checksums and next hop filled in. It does not know the connections: an ICMP error about one is
// passed to the caller.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "base/assert.h"
#include "base/time.h"
#include "link/interface.h"
#include "link/link_common.h"
#include "link/port.h"
#include "link/reassembler.h"
#include "link/resolver.h"
#include "link/resolver6.h"
#include "link/tx_stage.h"
#include "tcp/tcp.h"
#include "wire/emit.h"
#include "wire/icmp.h"
#include "wire/layout.h"
#include "wire/parse.h"
#include "wire/plain.h"

namespace mayfly::link {

/// An ICMP error about one of our segments (RFC 5927). The connection has to check that the segment
/// is in flight.
struct IcmpReport {
  wire::QuotedSegment about;
  tcp::IcmpError error;
};
/// The same of ICMPv6.
struct Icmp6Report {
  wire::QuotedSegment6 about;
  tcp::IcmpError error;
};

/// What a link has for IPv6 alone.
template <Port P>
struct Ipv6Side {
  Ipv6Side(P& port, const Interface& interface, TxStage<P>& stage, LinkCommon& common)
      : resolver(port, interface, stage, common) {}
  Resolver6<P> resolver;
  Reassembler6 reassembler;
};

/// Owned by one core, not thread-safe. `now` is the time of the poll.
template <Port P>
class Link {
 public:
  using Frame = typename P::Frame;

  /// `port` and `common` outlive the link.
  Link(P& port, const Interface& interface, LinkCommon& common)
      : port_(port),
        interface_(interface),
        rules_{interface.mac, interface.vlan, interface.has_ipv6()},
        header_{{}, interface.mac, interface.vlan},
        offloads_(port.tx_offloads()),
        common_(common),
        stage_(port, common.count),
        resolver_(port, interface_, stage_, common) {
    MAYFLY_ASSERT(interface.is_sound() && interface.mtu + header_.size() <= kFrameRoom);
    if (interface.has_ipv6())
      ipv6_ = std::make_unique<Ipv6Side<P>>(port, interface_, stage_, common);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  const Interface& interface() const noexcept { return interface_; }
  /// One of our IPv6 addresses, and no other host's.
  bool is_ours(const Ipv6Address& ip) const noexcept {
    return ipv6_ != nullptr && ipv6_->resolver.is_ours(ip);
  }
  /// A packet is to one of our addresses.
  bool is_ours(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed) const noexcept {
    return parsed.is_ipv6() ? is_ours(flow_key6(bytes, parsed).local)
                            : interface_.is_local(parsed.key.local());
  }

  // -- frames received: the caller owns them until it releases them

  /// Fills `frames` (at most kBurstMax); returns how many.
  std::size_t receive(std::span<Frame> frames, Instant now) noexcept {
    MAYFLY_ASSERT(frames.size() <= kBurstMax);
    const std::size_t n = port_.receive(frames, now);
    MAYFLY_ASSERT(n <= frames.size());
    return n;
  }
  std::span<const std::byte> bytes(Frame frame) noexcept { return port_.bytes(frame); }
  void release(Frame frame) noexcept { port_.release(frame); }

  void parse(Frame frame, wire::ParsedFrame& parsed) noexcept {
    const std::span<const std::byte> bytes = port_.bytes(frame);
    const wire::RxChecks checks = port_.rx_checks(frame);
    parsed = {};
    if (!wire::parse_plain_tcp(bytes, rules_, checks, parsed)) [[unlikely]]
      wire::parse_unplain(bytes, rules_, checks, parsed);
  }
  /// Parses a datagram that reassemble() made: the device saw only pieces of it, so every checksum
  /// is verified in software.
  wire::ParsedFrame parse_whole(Frame frame) noexcept {
    return parse_frame(port_.bytes(frame), rules_, wire::RxChecks{});
  }

  void on_arp(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
              Instant now) noexcept {
    resolver_.on_arp(bytes, parsed, now);
  }

  /// Handles an ICMP message: an echo is answered, an error about a TCP segment is given to
  /// `on_error(const IcmpReport&)`, which returns a Drop. Returns why the message was not acted on;
  /// Drop::none: it was.
  template <class OnError>
  Drop on_icmp(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed, Instant now,
               OnError&& on_error) noexcept;

  /// The same for ICMPv6, neighbour discovery and MLD; `on_error(const Icmp6Report&)`.
  template <class OnError>
  Drop on_icmp6(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed, Instant now,
                OnError&& on_error) noexcept;
  /// Tells the sender of an IPv6 packet that was dropped (FrameKind::problem, or UDP) why, if that
  /// is allowed (RFC 4443 2.4) and within the rate limit.
  void answer_problem6(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                       Instant now) noexcept;

  /// Answers a datagram that has no receiver here with ICMP unreachable, if such an error is
  /// allowed (RFC 1122 3.2.2) and within the rate limit. `code` is one of wire::unreachable_code.
  void answer_unreachable(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                          std::uint8_t code, Instant now) noexcept;

  /// Takes ownership of a fragment. Returns the whole datagram as one frame when it is
  /// complete; null while it is not, when the datagram is another core's, or when `why` says that
  /// the fragment was dropped.
  Frame reassemble(Frame fragment, const wire::ParsedFrame& parsed, Instant now,
                   Drop& why) noexcept;

  // -- frames to send

  /// True if a sender that can wait for the next poll may send one more segment. Always true if the
  /// device is stalled: what is sent then is lost, as on a wire that is cut.
  bool has_room() const noexcept { return stage_.has_room(); }
  /// The device does not make checksums.
  bool sums_payload() const noexcept { return !offloads_.tcp_checksum; }
  /// The device takes no frames (see TxStage).
  bool is_stalled() const noexcept { return stage_.is_stalled(); }

  /// Sends a segment of `key`. `copy_payload(std::span<std::byte>)` fills in the payload and, if
  /// sums_payload(), returns its wire::checksum_native; it is called only if the emission has one.
  /// If the device is stalled, the segment is lost (counted as link_stalled), so that TCP's timers
  /// run and R2 ends what cannot go on. False: there was no buffer (counted as no_buffer).
  template <class CopyPayload>
  bool send_tcp(const FlowKey4& key, const Emission& emission, Instant now,
                CopyPayload&& copy_payload) noexcept;
  /// The same over IPv6, under the key's flow label. The MSS that a SYN offers is at most
  /// mss6_max().
  template <class CopyPayload>
  bool send_tcp6(const FlowKey6& key, const Emission& emission, Instant now,
                 CopyPayload&& copy_payload) noexcept;
  /// The longest text that fits into an IPv6 packet here, which has to fit into another packet.
  std::uint16_t mss6_max() const noexcept {
    return static_cast<std::uint16_t>(ipv6_->resolver.mtu() - outer_header_ -
                                      wire::kIpv6HeaderSize - wire::kTcpHeaderSizeMin);
  }
  /// IPv6 peers leave room for so many bytes of an outer header from now on.
  void leave_room_for(std::uint16_t outer_header) noexcept { outer_header_ = outer_header; }

  /// The outer header of a packet with another inside. `from` and `to` are of one family, IPv4 ones
  /// mapped.
  struct OuterHeader {
    Ipv6Address from, to;
    std::uint8_t traffic_class = 0;  ///< RFC 2474 3
  };
  /// Sends an IP packet inside another (RFC 2003, 2473, 4213). False, and nothing is sent: the two
  /// do not fit the MTU, or there was no buffer (counted as no_buffer).
  bool send_ip_in_ip(std::span<const std::byte> packet, const OuterHeader& outer,
                     Instant now) noexcept;
  /// Of a packet that was received.
  OuterHeader outer_header(std::span<const std::byte> bytes,
                           const wire::ParsedFrame& outer) const noexcept;
  /// Parses the packet inside one that was received; all checksums are verified in software.
  /// Returns the bytes that `inner` speaks of. They are the frame's: it is changed.
  std::span<const std::byte> unwrap(Frame frame, const wire::ParsedFrame& outer,
                                    wire::ParsedFrame& inner) noexcept;

  /// Stages announcements of our addresses (RFC 5227 2.3), and asks for the gateway.
  void announce(Instant now) noexcept {
    resolver_.announce(now);
    if (ipv6_) ipv6_->resolver.announce(now);
  }
  /// TCP retransmits to `to` because nothing was heard of it: the next hop may have moved.
  void suspect(Ipv4Address to, Instant now) noexcept { resolver_.suspect(to, now); }
  void suspect(const Ipv6Address& to, Instant now) noexcept { ipv6_->resolver.suspect(to, now); }
  /// TCP has heard of `to`: the next hop is where it was (RFC 4861 7.3.1).
  void confirm(const Ipv6Address& to, Instant now) noexcept { ipv6_->resolver.confirm(to, now); }
  /// See Resolver.
  void look_for(Ipv4Address to, Instant now) noexcept { resolver_.look_for(to, now); }
  void look_for(const Ipv6Address& to, Instant now) noexcept { ipv6_->resolver.look_for(to, now); }
  /// A host of the link, IPv4 ones mapped, is asked all the time whether it is there
  /// (Resolver::watch).
  void watch(const Ipv6Address& host, Instant now) {
    if (host.is_ipv4_mapped()) return resolver_.watch({host.low()}, now);
    if (ipv6_) ipv6_->resolver.watch(host, now);
  }
  /// It is, and gives no answer.
  bool is_silent(const Ipv6Address& host) const noexcept {
    if (host.is_ipv4_mapped()) return resolver_.is_silent({host.low()});
    return ipv6_ != nullptr && ipv6_->resolver.is_silent(host);
  }
  /// Ages the neighbour caches (Resolver::age) and what is to be put together; call it at every
  /// poll.
  void age(Instant now) noexcept {
    resolver_.age(now);
    note_lost(reassembler_.expire(
                  now, [&](std::span<const std::byte> first) { tell_incomplete(first, now); }),
              0);
    if (ipv6_) age6(now);
  }
  /// Frames that wait for the device.
  std::size_t staged() const noexcept { return stage_.size(); }
  /// Hands the staged frames to the device. Returns how many it took.
  std::size_t transmit(Instant now) noexcept { return stage_.transmit(now); }

 private:
  template <class CopyPayload, class Emit>
  bool send_segment(std::size_t payload_at, std::size_t payload_len, CopyPayload& copy_payload,
                    Emit&& emit) noexcept;
  Drop answer_echo(std::span<const std::byte> message, const wire::ParsedFrame& parsed,
                   Instant now) noexcept;
  void send_icmp(const FlowKey4& answered, wire::IcmpHeader icmp, std::span<const std::byte> body,
                 Instant now) noexcept;
  void tell_incomplete(std::span<const std::byte> first_fragment, Instant now) noexcept;
  static bool is_error(const wire::IcmpHeader& icmp, tcp::IcmpError& error) noexcept;
  Drop on_link_message6(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                        std::uint8_t type, Instant now) noexcept;
  Drop answer_echo6(std::span<const std::byte> message, const FlowKey6& key, Instant now) noexcept;
  static bool is_error6(const wire::IcmpHeader& icmp, tcp::IcmpError& error) noexcept;
  void send_icmp6(const FlowKey6& answered, wire::IcmpHeader icmp, std::span<const std::byte> body,
                  Instant now) noexcept;
  void send_in_fragments(Frame whole, const Ipv6Address& to, Instant now) noexcept;
  void age6(Instant now) noexcept;
  void tell_incomplete6(std::span<const std::byte> first_fragment, Instant now) noexcept;
  void note_lost(std::size_t timed_out, std::size_t evicted) noexcept {
    if (timed_out > 0) common_.count.lose(Drop::fragment_timeout, timed_out);
    if (evicted > 0) common_.count.lose(Drop::fragment_table_full, evicted);
  }

  P& port_;
  const Interface interface_;
  const wire::ParseRules rules_;
  const wire::LinkHeader header_;  // of all IPv4 packets; the next hop is filled in by the resolver
  const TxOffloads offloads_;
  LinkCommon& common_;
  TxStage<P> stage_;
  Resolver<P> resolver_;
  Reassembler reassembler_;
  std::unique_ptr<Ipv6Side<P>> ipv6_;  // null: it is not spoken here
  std::uint16_t outer_header_ = 0;
};

// `emit(frame, bytes, payload_sum)` writes the headers and sends the frame.
template <Port P>
template <class CopyPayload, class Emit>
[[gnu::always_inline]] inline bool Link<P>::send_segment(std::size_t payload_at,
                                                         std::size_t payload_len,
                                                         CopyPayload& copy_payload,
                                                         Emit&& emit) noexcept {
  if (stage_.is_stalled()) [[unlikely]] {
    common_.count.lose(Drop::link_stalled);
    return true;
  }
  const Frame frame = port_.allocate();
  if (frame == Frame{}) [[unlikely]] {
    common_.count.lose(Drop::no_buffer);
    return false;
  }
  const std::size_t length = payload_at + payload_len;
  const std::span<std::byte> room = port_.bytes(frame);
  MAYFLY_ASSERT(length <= room.size());
  const std::uint64_t payload_sum =
      payload_len > 0 ? copy_payload(room.subspan(payload_at, payload_len)) : 0;
  port_.set_length(frame, length);
  emit(frame, room.first(length), payload_sum);
  return true;
}

template <Port P>
template <class CopyPayload>
bool Link<P>::send_tcp(const FlowKey4& key, const Emission& emission, Instant now,
                       CopyPayload&& copy_payload) noexcept {
  return send_segment(
      tcp_payload_offset(header_, emission), emission.payload_len, copy_payload,
      [&](Frame frame, std::span<std::byte> bytes, std::uint64_t payload_sum) {
        const auto by = [](bool device) {
          return device ? wire::ChecksumBy::device : wire::ChecksumBy::software;
        };
        const wire::ChecksumBy ip = by(offloads_.ip_checksum), tcp = by(offloads_.tcp_checksum);
        if (is_plain(header_, emission)) {
          wire::emit_plain_tcp(bytes, header_, key, emission, common_.ip_id++, ip, tcp,
                               payload_sum);
        } else {
          wire::emit_any_tcp(bytes, header_, key, emission, common_.ip_id++, ip, tcp, payload_sum);
        }
        if (offloads_.ip_checksum || offloads_.tcp_checksum)
          port_.request_checksums(frame, header_.size(), wire::kIpv4HeaderSizeMin);
        resolver_.resolve(frame, key.remote(), now);
      });
}

template <Port P>
template <class CopyPayload>
bool Link<P>::send_tcp6(const FlowKey6& key, const Emission& emission, Instant now,
                        CopyPayload&& copy_payload) noexcept {
  MAYFLY_ASSERT(ipv6_ != nullptr);
  if (emission.mss > mss6_max()) [[unlikely]] {
    Emission fitted = emission;
    fitted.mss = mss6_max();
    return send_tcp6(key, fitted, now, copy_payload);
  }
  const auto by = offloads_.tcp_checksum ? wire::ChecksumBy::device : wire::ChecksumBy::software;
  return send_segment(tcp6_payload_offset(header_, emission), emission.payload_len, copy_payload,
                      [&](Frame frame, std::span<std::byte> bytes, std::uint64_t payload_sum) {
                        emit_tcp6(bytes, header_, key, emission, by, payload_sum);
                        if (offloads_.tcp_checksum)
                          port_.request_checksums(frame, header_.size(), wire::kIpv6HeaderSize);
                        ipv6_->resolver.resolve(frame, key.remote, now);
                      });
}

template <Port P>
template <class OnError>
Drop Link<P>::on_icmp(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                      Instant now, OnError&& on_error) noexcept {
  MAYFLY_ASSERT(parsed.kind == wire::FrameKind::icmp);
  if (!interface_.is_local(parsed.key.local())) return Drop::not_our_ip;
  if (interface_.is_local(parsed.key.remote())) return Drop::ip_source_invalid;
  const auto message = bytes.subspan(parsed.l4_off, parsed.l4_len);
  const wire::IcmpHeader icmp = wire::read_icmp(message);
  if (icmp.type == wire::icmp_type::echo) return answer_echo(message, parsed, now);
  IcmpReport report;
  if (!is_error(icmp, report.error)) return Drop::icmp_ignored;
  const Drop why = read_quoted_segment(message.subspan(wire::kIcmpHeaderSize), report.about);
  return why != Drop::none ? why : on_error(report);
}

// False: a message that a host need not act on, such as source quench (RFC 6633), redirects, echo
// replies and timestamps.
template <Port P>
bool Link<P>::is_error(const wire::IcmpHeader& icmp, tcp::IcmpError& error) noexcept {
  using Kind = tcp::IcmpError::Kind;
  switch (icmp.type) {
    case wire::icmp_type::unreachable:  // RFC 1122 4.2.3.9
      if (icmp.code == wire::unreachable_code::fragmentation_needed) {
        error = {Kind::fragmentation_needed, icmp.next_hop_mtu()};
      } else {
        const bool is_hard = icmp.code == wire::unreachable_code::protocol ||
                             icmp.code == wire::unreachable_code::port;
        error = {is_hard ? Kind::hard : Kind::soft, 0};
      }
      return true;
    case wire::icmp_type::time_exceeded:
    case wire::icmp_type::parameter_problem: error = {Kind::soft, 0}; return true;
    default: return false;
  }
}

// RFC 1122 3.2.2.6 (MUST): the data comes back whole, or as much of it as a frame can carry.
template <Port P>
Drop Link<P>::answer_echo(std::span<const std::byte> message, const wire::ParsedFrame& parsed,
                          Instant now) noexcept {
  if (parsed.link_group || interface_.is_broadcast(parsed.key.remote())) return Drop::icmp_ignored;
  if (!interface_.answers) return Drop::none;
  if (!common_.echo_limit.allow(now)) {
    common_.count.lose(Drop::icmp_rate_limited);
    return Drop::none;
  }
  const std::size_t most = interface_.mtu - wire::kIpv4HeaderSizeMin - wire::kIcmpHeaderSize;
  const auto data = message.subspan(wire::kIcmpHeaderSize);
  send_icmp(parsed.key, {wire::icmp_type::echo_reply, 0, wire::read_icmp(message).rest},
            data.first(std::min(data.size(), most)), now);
  return Drop::none;
}

// RFC 1122 3.2.2: no error about a broadcast, nor to an address that does not name one host; RFC
// 1812 4.3.2.8: limited in rate.
template <Port P>
void Link<P>::answer_unreachable(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                                 std::uint8_t code, Instant now) noexcept {
  if (!interface_.is_local(parsed.key.local()) || !interface_.answers || parsed.link_group ||
      interface_.is_broadcast(parsed.key.remote()) || interface_.is_local(parsed.key.remote()))
    return;
  if (!common_.icmp_limit.allow(now)) return common_.count.lose(Drop::icmp_rate_limited);
  MAYFLY_ASSERT(parsed.l4_off >= parsed.l3_off + wire::kIpv4HeaderSizeMin);
  const std::size_t ip_header = parsed.l4_off - parsed.l3_off;
  const std::size_t quoted = ip_header + std::min<std::size_t>(parsed.l4_len, 8);
  send_icmp(parsed.key, {wire::icmp_type::unreachable, code, 0},
            bytes.subspan(parsed.l3_off, quoted), now);
}

// RFC 1122 3.3.2: to the sender of a first fragment that others did not follow, within the limit.
template <Port P>
void Link<P>::tell_incomplete(std::span<const std::byte> first_fragment, Instant now) noexcept {
  MAYFLY_ASSERT(first_fragment.size() >= wire::kIpv4HeaderSizeMin);
  const std::byte* const ip = first_fragment.data();
  const std::size_t ip_header = (wire::load_u8(ip) & 0x0fu) * std::size_t{4};
  const auto key = FlowKey4::of({load_be32(ip + wire::ipv4_at::destination)}, 0,
                                {load_be32(ip + wire::ipv4_at::source)}, 0);
  if (!interface_.is_local(key.local()) || !interface_.answers ||
      interface_.is_broadcast(key.remote()) || interface_.is_local(key.remote()))
    return;
  if (!common_.icmp_limit.allow(now)) return common_.count.lose(Drop::icmp_rate_limited);
  send_icmp(key, {wire::icmp_type::time_exceeded, wire::time_exceeded_code::reassembly, 0},
            first_fragment.first(std::min(first_fragment.size(), ip_header + 8)), now);
}

// A message back to where `answered` came from, from the address that it came to.
template <Port P>
void Link<P>::send_icmp(const FlowKey4& answered, wire::IcmpHeader icmp,
                        std::span<const std::byte> body, Instant now) noexcept {
  MAYFLY_ASSERT(body.size() + wire::kIpv4HeaderSizeMin + wire::kIcmpHeaderSize <= interface_.mtu);
  const Frame frame = port_.allocate();
  if (frame == Frame{}) return common_.count.lose(Drop::no_buffer);
  const Ipv4Address from = answered.local(), to = answered.remote();
  port_.set_length(frame, emit_icmp(port_.bytes(frame), header_, from, to, icmp.type, icmp.code,
                                    icmp.rest, body, common_.ip_id++));
  common_.count.icmp_sent.add();
  resolver_.resolve(frame, to, now);
}

template <Port P>
auto Link<P>::reassemble(Frame fragment, const wire::ParsedFrame& parsed, Instant now,
                         Drop& why) noexcept -> Frame {
  MAYFLY_ASSERT(fragment != Frame{} && parsed.kind == wire::FrameKind::fragment);
  why = Drop::none;
  if (!is_ours(port_.bytes(fragment), parsed)) {
    why = Drop::not_our_ip;
    port_.release(fragment);
    return {};
  }
  const std::size_t l3 = parsed.l3_off;
  const auto add = [&](auto& reassembler) {
    const auto answer = reassembler.add(port_.bytes(fragment).subspan(l3), now, parsed.link_group);
    why = answer.why;
    MAYFLY_ASSERT(why == Drop::none || concerns_received(why));
    note_lost(answer.timed_out, answer.evicted);
    return put_datagram(port_, fragment, l3, answer.datagram);
  };
  const Frame whole = parsed.is_ipv6() ? add(ipv6_->reassembler) : add(reassembler_);
  if constexpr (SpreadPort<P>)
    if (whole != Frame{} && port_.pass_on(whole)) return {};
  return whole;
}

}  // namespace mayfly::link

#include "link/ip_in_ip.h"  // IWYU pragma: export
#include "link/link6.h"     // IWYU pragma: export
