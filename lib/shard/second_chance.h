// A segment of a flow that nobody here knows, in a cluster: another server may know it, because the
// router has moved the flow. It goes on inside another packet (RFC 2003, 2473) to the next server
// of the ring, and the last one that is asked answers with the reset. Part of shard.h.
//
// Who has the connection or the TIME_WAIT answers the peer directly: all servers have the same
// addresses. A SYN is nobody's: it opens a connection wherever it comes to.
#pragma once

#include "shard/shard.h"

namespace mayfly::shard {

/// Whether the other servers are there is asked from the start, so that it is known when it counts.
template <link::Port P, class A>
void Shard<P, A>::watch_members(const ClusterSettings& cluster) {
  if (!ring_.asks()) return;
  for (const Ipv6Address& member : cluster.members)
    if (!ring_.is_own(member)) links_[ring_link_]->watch(member, now_);
}

/// Of a segment that nobody here knows. nullopt: nobody else is to be asked; it is answered here.
template <link::Port P, class A>
std::optional<Drop> Shard<P, A>::second_chance(const Arrival& a) noexcept {
  const std::optional<Drop> passed_on = pass_on(a);
  if (passed_on || !way_) return passed_on;
  if (!a.parsed.segment.has(wire::tcp_flag::rst)) stats_.cluster_last_reset.add();
  return std::nullopt;
}

/// A handshake here is not what the segment belongs to. An old duplicate of a SYN may have begun
/// it, or one that was sent again, and another server has the connection: a reset would end that
/// (RFC 9293 3.10.7.4, fifth: an unacceptable ACK in SYN-RECEIVED).
template <link::Port P, class A>
[[gnu::cold, gnu::noinline]] std::optional<Drop> Shard<P, A>::pass_on_by_handshake(
    const flow::ConnectionBlock& b, const Arrival& a) noexcept {
  const Segment& s = a.parsed.segment;
  if (s.has(wire::tcp_flag::syn)) return std::nullopt;
  const bool is_ours = s.has(wire::tcp_flag::rst)
                           ? s.seq == b.tcp.rcv_nxt
                           : after(s.ack, b.tcp.snd_una) && at_or_after(b.tcp.snd_max, s.ack);
  return is_ours ? std::nullopt : pass_on(a);
}

/// The TIME_WAIT here is that of an incarnation before the segment's, which another server may
/// have: an answer from here would be wrong for both ends of that (RFC 1337 2.2).
template <link::Port P, class A>
[[gnu::cold, gnu::noinline]] std::optional<Drop> Shard<P, A>::pass_on_by_time_wait(
    std::uint32_t entry, const Arrival& a) noexcept {
  const Segment& s = a.parsed.segment;
  if (s.has(wire::tcp_flag::syn) || !is_of_later_incarnation(time_waits_.log()[entry].entry, s))
    return std::nullopt;
  return pass_on(a);
}

/// Sends it on to the next server that is there. nullopt: nobody else is to be asked.
template <link::Port P, class A>
std::optional<Drop> Shard<P, A>::pass_on(const Arrival& a) noexcept {
  const std::uint32_t origin = way_ ? way_->origin : ring_.own_place();
  const Ipv6Address local =
      a.six != nullptr ? a.six->local : Ipv6Address::mapped(a.parsed.key.local().host);
  if (ring_.is_own(local)) return std::nullopt;
  if (ring_.is_last_after(origin)) {
    // One that was passed over may be alive, and have the connection.
    if (way_ && !way_->is_complete) return Drop::cluster_not_sent_on;
    return std::nullopt;
  }
  const std::size_t header = a.parsed.l4_off - a.parsed.l3_off;
  const auto packet = a.bytes.subspan(a.parsed.l3_off, header + a.parsed.l4_len);
  // A reset instead might end a connection that is alive at another server.
  if (!ring_limit_.allow(now_)) return Drop::cluster_not_sent_on;
  const auto next = ring_.next_after(origin, silent_member());
  if (!next) return Drop::cluster_not_sent_on;
  const bool is_complete = next->skipped == 0 && (!way_ || way_->is_complete);
  const std::uint8_t mark = is_complete ? ClusterRing::kComplete : ClusterRing::kIncomplete;
  if (!links_[ring_link_]->send_ip_in_ip(packet, {ring_.address_at(origin), next->member, mark},
                                         now_))
    return Drop::cluster_not_sent_on;
  stats_.cluster_sent_on.add();
  if (next->skipped > 0) stats_.cluster_skipped.add();
  return Drop::none;
}

/// nullopt: it comes neither from a server of the cluster nor from a balancer, and is none of our
/// business. If it is, burst_.parsed[i] becomes the packet inside.
template <link::Port P, class A>
std::optional<Drop> Shard<P, A>::on_ip_in_ip(std::uint8_t index, std::size_t i) noexcept {
  link::Link<P>& link = *links_[index];
  const wire::ParsedFrame outer = burst_.parsed[i];
  const std::span<const std::byte> received = link.bytes(burst_.frames[i]);
  const auto header = link.outer_header(received, outer);
  const auto origin = ring_.place_of(header.from);
  const bool is_balanced = !origin && balancers_ && balancers_->covers(header.from);
  if ((!origin && !is_balanced) || !link.is_ours(received, outer)) return std::nullopt;
  wire::ParsedFrame& inner = burst_.parsed[i];
  const std::span<const std::byte> bytes = link.unwrap(burst_.frames[i], outer, inner);
  if (is_balanced) return on_balanced(index, i, bytes);
  if (inner.kind == wire::FrameKind::drop) return inner.drop;
  if (inner.kind != wire::FrameKind::tcp) return Drop::cluster_inner_invalid;
  stats_.cluster_taken_in.add();
  // The last two bits are for congestion alone (RFC 3168 5).
  way_ = {*origin, (header.traffic_class & ~0b11) != ClusterRing::kIncomplete};
  const Drop drop = decide_inner(index, i, bytes);
  way_.reset();
  return drop;
}

/// The segment inside a packet.
template <link::Port P, class A>
Drop Shard<P, A>::decide_inner(std::uint8_t index, std::size_t i,
                               std::span<const std::byte> bytes) noexcept {
  const wire::ParsedFrame& inner = burst_.parsed[i];
  const std::uint32_t hash = inner.is_ipv6() ? name_six(i, bytes) : secret_.hash(inner.key);
  const Arrival a{inner, bytes, index, hash, burst_.six(i)};
  const std::int32_t position = find(a);
  const bool is_known = position >= 0 || time_waits_.find(inner.key, hash) != kNoIndex;
  if (way_ && is_known) stats_.cluster_ours.add();
  return decide(a, position);
}

/// A packet out of one from a balancer: handled as if it had come directly, and so is the answer.
/// It is neither one more packet in a packet nor a fragment, which nobody here could put together,
/// as the others may go elsewhere. ICMPv6 has messages that a link alone may bring.
template <link::Port P, class A>
Drop Shard<P, A>::on_balanced(std::uint8_t index, std::size_t i,
                              std::span<const std::byte> bytes) noexcept {
  const wire::ParsedFrame& inner = burst_.parsed[i];
  if (inner.kind == wire::FrameKind::drop) return inner.drop;
  const bool is_tcp = inner.kind == wire::FrameKind::tcp;
  const bool is_icmp = inner.kind == wire::FrameKind::icmp && !inner.is_ipv6();
  if (!is_tcp && !is_icmp) return Drop::cluster_inner_invalid;
  stats_.cluster_decapsulated.add();
  if (is_tcp) return decide_inner(index, i, bytes);
  return links_[index]->on_icmp(bytes, inner, now_, [this](const link::IcmpReport& report) {
    return on_icmp_report(report);
  });
}

}  // namespace mayfly::shard
