// Below TCP: ARP, ICMP, and the answers to what is not TCP. Part of shard.h.
#pragma once

#include "base/endian.h"
#include "shard/shard.h"
#include "wire/checksum.h"

namespace mayfly {

// RFC 826: a request for us makes or renews an entry, any other packet only renews one that is
// there. A reply that nobody asked for makes none, and none takes a live neighbour's place.
template <Port P, class A>
void Shard<P, A>::on_arp(std::uint8_t link_index, std::span<const std::byte> bytes,
                         const ParsedFrame& p) noexcept {
  Link& link = *links_[link_index];
  const ArpPacket arp = read_arp(bytes, p.l3_off);
  const bool for_us = link.interface.is_local(arp.target_ip);
  const bool probe = arp.sender_ip.host == 0;  // RFC 5227 2.1.1: nothing to learn from
  const bool claims_ours = link.interface.is_local(arp.sender_ip);
  if (!probe && !claims_ours && link.interface.on_link(arp.sender_ip) != nullptr) {
    const bool asks_us = for_us && arp.operation == ArpPacket::Operation::request;
    const bool agrees =
        link.neighbours.learn(arp.sender_ip, arp.sender_mac, asks_us, now_, [&](Frame frame) {
          std::memcpy(link.port->bytes(frame).data(), arp.sender_mac.octets.data(), 6);
          stage(link, frame);
        });
    if (!agrees) stats_.arp_conflicts.add();
  }
  if (!for_us || arp.operation != ArpPacket::Operation::request || !link.interface.answers) return;
  if (!arp_reply_limit_.allow(now_)) return stats_.arp_limited.add();
  stats_.arp_replies.add();
  send_arp(link_index,
           {ArpPacket::Operation::reply, link.interface.mac, arp.sender_mac, arp.target_ip,
            arp.sender_ip},
           arp.sender_mac);
}

template <Port P, class A>
void Shard<P, A>::send_arp(std::uint8_t link_index, const ArpPacket& arp,
                           const MacAddress& to) noexcept {
  Link& link = *links_[link_index];
  const Frame frame = link.port->allocate();
  if (frame == Frame{}) return lose(Drop::no_buffer);
  const LinkHeader header{to, link.interface.mac, link.interface.vlan};
  link.port->set_length(frame, emit_arp(link.port->bytes(frame), header, arp));
  stage(link, frame);
}

template <Port P, class A>
void Shard<P, A>::ask_neighbour(std::uint8_t link_index, Ipv4Address ip,
                                const MacAddress* known) noexcept {
  const Interface& interface = links_[link_index]->interface;
  const InterfaceAddress* ours = interface.on_link(ip);
  if (ours == nullptr) return;
  if (!arp_request_limit_.allow(now_)) return stats_.arp_limited.add();
  stats_.arp_requests.add();
  send_arp(link_index, {ArpPacket::Operation::request, interface.mac, {}, ours->first, ip},
           known != nullptr ? *known : kBroadcastMac);
}

// RFC 5227 2.3: tells the link who has our addresses. Ranges are for generators: their first few
// are enough, the others are learned when they first speak.
template <Port P, class A>
void Shard<P, A>::announce(Instant now) noexcept {
  constexpr std::uint32_t kEachMax = 64;
  now_ = now;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Interface& interface = links_[i]->interface;
    if (!interface.answers) continue;
    for (const InterfaceAddress& range : interface.addresses) {
      const std::uint32_t count = std::min(kEachMax, range.last.host - range.first.host + 1);
      for (std::uint32_t k = 0; k < count; ++k) {
        const Ipv4Address ip{range.first.host + k};
        send_arp(static_cast<std::uint8_t>(i),
                 {ArpPacket::Operation::request, interface.mac, {}, ip, ip}, kBroadcastMac);
      }
    }
  }
  transmit();
}

template <Port P, class A>
void Shard<P, A>::look_after_links() noexcept {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    Link& link = *links_[i];
    if (now_ < link.next_ageing) continue;
    link.next_ageing = now_ + Duration::from_ms(1);
    const auto index = static_cast<std::uint8_t>(i);
    link.neighbours.age(
        now_, [&](Ipv4Address ip, const MacAddress* known) { ask_neighbour(index, ip, known); },
        [&](Frame frame) {
          lose(Drop::neighbour_unreachable);
          link.port->release(frame);
        });
  }
}

template <Port P, class A>
void Shard<P, A>::on_icmp(std::uint8_t link, std::span<const std::byte> bytes,
                          const ParsedFrame& p) noexcept {
  if (!links_[link]->interface.is_local(p.key.local())) return drop(Drop::not_our_ip);
  if (links_[link]->interface.is_local(p.key.remote())) return drop(Drop::ip_source_invalid);
  const auto icmp = bytes.subspan(p.l4_off, p.l4_len);
  const auto type = std::to_integer<std::uint8_t>(icmp[0]);
  const auto code = std::to_integer<std::uint8_t>(icmp[1]);
  using Kind = IcmpError::Kind;
  switch (type) {
    case 8: return answer_echo(link, bytes, p);
    case 3:           // destination unreachable (RFC 1122 4.2.3.9)
      if (code == 4)  // RFC 1191 4
        return on_icmp_about_us(icmp, {Kind::fragmentation_needed, load_be16(icmp.data() + 6)});
      return on_icmp_about_us(icmp, {code == 2 || code == 3 ? Kind::hard : Kind::soft, 0});
    case 11:  // time exceeded
    case 12:  // parameter problem
      return on_icmp_about_us(icmp, {Kind::soft, 0});
    default:  // source quench (RFC 6633), redirects, echo replies, timestamps
      return drop(Drop::icmp_ignored);
  }
}

// RFC 1122 3.2.2.6 (MUST): the data comes back whole, or as much of it as a frame can carry.
template <Port P, class A>
void Shard<P, A>::answer_echo(std::uint8_t link_index, std::span<const std::byte> bytes,
                              const ParsedFrame& p) noexcept {
  Link& link = *links_[link_index];
  if (p.link_group || link.interface.is_broadcast(p.key.remote())) return drop(Drop::icmp_ignored);
  if (!link.interface.answers) return;
  if (!echo_limit_.allow(now_)) return lose(Drop::icmp_rate_limited);
  const Frame frame = link.port->allocate();
  if (frame == Frame{}) return lose(Drop::no_buffer);
  const auto icmp = bytes.subspan(p.l4_off, p.l4_len);
  const std::size_t most = link.interface.mtu - 28u;
  const auto data = icmp.subspan(8, std::min<std::size_t>(icmp.size() - 8, most));
  const LinkHeader header{{}, link.interface.mac, link.interface.vlan};
  link.port->set_length(
      frame, emit_icmp(link.port->bytes(frame), header, p.key.local(), p.key.remote(), 0, 0,
                       load_be32(icmp.data() + 4), data, ip_id_++));
  stats_.icmp_sent.add();
  send_ip(link_index, frame, p.key.remote());
}

// RFC 5927: the quoted segment must be one of ours, and in flight.
template <Port P, class A>
void Shard<P, A>::on_icmp_about_us(std::span<const std::byte> icmp,
                                   const IcmpError& error) noexcept {
  const auto quoted = icmp.subspan(8);
  if (quoted.size() < 28) return drop(Drop::icmp_malformed);
  const std::size_t ip_header = (std::to_integer<std::size_t>(quoted[0]) & 0xf) * 4;
  if (std::to_integer<std::uint8_t>(quoted[0]) >> 4 != 4 || ip_header < 20 ||
      quoted.size() < ip_header + 8)
    return drop(Drop::icmp_malformed);
  if (std::to_integer<std::uint8_t>(quoted[9]) != 6) return drop(Drop::icmp_ignored);
  const std::byte* tcp = quoted.data() + ip_header;
  const FlowKey4 key = FlowKey4::of({load_be32(quoted.data() + 12)}, load_be16(tcp),
                                    {load_be32(quoted.data() + 16)}, load_be16(tcp + 2));
  const std::uint32_t hash = memory_.table.hash(key);
  const std::int32_t position = memory_.table.find(key, hash);
  if (position < 0) {
    const bool over = memory_.time_waits.find(key, hash) != kNoIndex;
    return drop(over ? Drop::icmp_ignored : Drop::icmp_untrusted);
  }
  ConnectionBlock& b = memory_.blocks[memory_.table.block(static_cast<std::uint32_t>(position))];
  if (b.tcp.state == State::closed) return drop(Drop::icmp_ignored);
  const Verdict v = on_icmp_error(b.tcp, error, Seq{load_be32(tcp + 4)}, cfg_->tcp, now_);
  if (v.drop != Drop::none) drop(v.drop);
  want_output(b);
  if (v.events != 0) on_events(b, v.events);
}

// RFC 1122 3.2.2: no ICMP error about a broadcast, nor to an address that is not one host's; RFC
// 1812 4.3.2.8: limited in rate.
template <Port P, class A>
void Shard<P, A>::answer_unreachable(std::uint8_t link_index, std::span<const std::byte> bytes,
                                     const ParsedFrame& p, std::uint8_t code) noexcept {
  Link& link = *links_[link_index];
  const Interface& interface = link.interface;
  if (!interface.is_local(p.key.local()) || !interface.answers || p.link_group ||
      interface.is_broadcast(p.key.remote()) || interface.is_local(p.key.remote()))
    return;
  if (!icmp_limit_.allow(now_)) return lose(Drop::icmp_rate_limited);
  const Frame frame = link.port->allocate();
  if (frame == Frame{}) return lose(Drop::no_buffer);
  const std::size_t ip_header = p.l4_off - p.l3_off;
  const auto quoted = bytes.subspan(p.l3_off, ip_header + std::min<std::size_t>(p.l4_len, 8));
  const LinkHeader header{{}, interface.mac, interface.vlan};
  link.port->set_length(frame, emit_icmp(link.port->bytes(frame), header, p.key.local(),
                                         p.key.remote(), 3, code, 0, quoted, ip_id_++));
  stats_.icmp_sent.add();
  send_ip(link_index, frame, p.key.remote());
}

}  // namespace mayfly
