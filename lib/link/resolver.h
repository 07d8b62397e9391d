// From an IPv4 address to a frame on its way: route, neighbour cache and ARP (RFC 826, RFC 1122
// 2.3.2, RFC 5227) behind one call, resolve().
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "base/time.h"
#include "link/interface.h"
#include "link/link_common.h"
#include "link/neighbours.h"
#include "link/port.h"
#include "link/tx_stage.h"
#include "wire/emit.h"
#include "wire/layout.h"
#include "wire/parse.h"

namespace mayfly::link {

/// Owns the frames that wait for a neighbour. Not thread-safe.
template <Port P>
class Resolver {
 public:
  using Frame = typename P::Frame;

  /// All arguments outlive the resolver.
  Resolver(P& port, const Interface& interface, TxStage<P>& stage, LinkCommon& common)
      : port_(port), interface_(interface), stage_(stage), common_(common) {}
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  /// Releases the frames that still wait for a neighbour.
  ~Resolver() {
    neighbours_.clear([this](Frame frame) { port_.release(frame); });
  }

  /// Takes ownership of a frame that is complete but for its destination MAC address, and carries
  /// an IPv4 packet for `to`. The frame is staged if the next hop's address is known (RFC 1122
  /// 3.3.1). Otherwise it is kept until ARP has found the address, or counted as lost: no_route,
  /// neighbour_table_full, neighbour_wait_full, and later neighbour_unreachable.
  void resolve(Frame frame, Ipv4Address to, Instant now) noexcept {
    MAYFLY_ASSERT(frame != Frame{});
    Ipv4Address hop;
    if (!interface_.next_hop(to, hop)) {
      common_.count.lose(Drop::no_route);
      return port_.release(frame);
    }
    if (const MacAddress* mac = neighbours_.find(hop)) [[likely]]
      return stage_for(frame, *mac);
    keep(frame, hop, now);
  }

  /// Handles an ARP packet that parse_frame found well-formed: learns from it, stages the frames
  /// that waited for it, and answers a request for one of our addresses.
  void on_arp(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
              Instant now) noexcept;

  /// Stages announcements of our addresses (RFC 5227 2.3), and asks for the gateway: if nobody
  /// answers, that is known before the first frame needs it.
  void announce(Instant now) noexcept;

  /// Looks for the next hop to `to` although no frame waits for it yet.
  void look_for(Ipv4Address to, Instant now) noexcept {
    Ipv4Address hop;
    if (interface_.next_hop(to, hop) && neighbours_.expect(hop, now)) ask(hop, nullptr, now);
  }

  /// A packet for `to` has to be sent again because nothing was heard of its host: asks whether the
  /// next hop still has its address (RFC 1122 2.3.2.1 (4), 3.3.1.4).
  void suspect(Ipv4Address to, Instant now) noexcept {
    Ipv4Address hop;
    if (interface_.next_hop(to, hop)) neighbours_.suspect(hop, now);
  }

  /// Asks again for neighbours that did not answer, are in doubt or were confirmed long ago, and
  /// gives up those that never answer. Call it at every poll; it acts once a millisecond.
  void age(Instant now) noexcept;

 private:
  static constexpr Duration kAgeingPeriod = Duration::from_ms(1);
  /// The most addresses announced of a range. Large ranges are those of load generators: neighbours
  /// learn the other addresses from the first packet.
  static constexpr std::uint32_t kAnnouncedMax = 64;

  void stage_for(Frame frame, const MacAddress& mac) noexcept {
    MAYFLY_ASSERT(port_.bytes(frame).size() >= wire::kEthernetHeaderSize);
    std::memcpy(port_.bytes(frame).data(), mac.octets.data(), mac.octets.size());
    stage_.push(frame);
  }
  std::atomic<std::uint32_t>& silence_of(Ipv4Address ip) noexcept {
    return interface_.gateway == ip ? common_.silence.gateway : common_.silence.other;
  }
  void keep(Frame frame, Ipv4Address hop, Instant now) noexcept;
  void learn(const wire::ArpPacket& arp, bool asks_us, Instant now) noexcept;
  void answer(const wire::ArpPacket& request, Instant now) noexcept;
  bool ask(Ipv4Address ip, const MacAddress* known, Instant now) noexcept;
  bool send_arp(const wire::ArpPacket& arp, const MacAddress& to) noexcept;

  P& port_;
  const Interface& interface_;
  TxStage<P>& stage_;
  LinkCommon& common_;
  NeighbourCache<Frame> neighbours_;
  Instant next_ageing_;
};

template <Port P>
void Resolver<P>::keep(Frame frame, Ipv4Address hop, Instant now) noexcept {
  bool must_ask = false;
  const Drop why = neighbours_.wait(hop, frame, now, must_ask);
  if (why != Drop::none) {
    common_.count.lose(why);
    port_.release(frame);
  }
  if (must_ask) ask(hop, nullptr, now);
}

// RFC 826: a request for us makes or renews an entry, any other packet only renews one that exists.
// An unsolicited reply makes none, and no packet replaces the address of a live neighbour.
template <Port P>
void Resolver<P>::on_arp(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                         Instant now) noexcept {
  MAYFLY_ASSERT(parsed.kind == wire::FrameKind::arp);
  const wire::ArpPacket arp = wire::read_arp(bytes, parsed.l3_off);
  const bool asks_us =
      arp.operation == wire::ArpPacket::Operation::request && interface_.is_told(arp.target_ip);
  const bool is_probe = arp.sender_ip.host == 0;  // RFC 5227 2.1.1: there is nothing to learn
  if (!is_probe && !interface_.is_local(arp.sender_ip) &&
      interface_.on_link(arp.sender_ip) != nullptr)
    learn(arp, asks_us, now);
  if (asks_us && interface_.answers) answer(arp, now);
}

template <Port P>
void Resolver<P>::learn(const wire::ArpPacket& arp, bool asks_us, Instant now) noexcept {
  const bool agrees =
      neighbours_.learn({arp.sender_ip, arp.sender_mac, asks_us, interface_.arp.trust}, now,
                        [&](Frame frame) { stage_for(frame, arp.sender_mac); });
  if (!agrees) common_.count.arp_conflicts.add();
  std::atomic<std::uint32_t>& silent = silence_of(arp.sender_ip);
  if (silent.load(std::memory_order_relaxed) == arp.sender_ip.host)
    silent.store(0, std::memory_order_relaxed);
}

template <Port P>
void Resolver<P>::answer(const wire::ArpPacket& request, Instant now) noexcept {
  if (!common_.arp_reply_limit.allow(now)) return common_.count.arp_limited.add();
  common_.count.arp_replies.add();
  send_arp({wire::ArpPacket::Operation::reply, interface_.mac, request.sender_mac,
            request.target_ip, request.sender_ip},
           request.sender_mac);
}

// By unicast if an address is known that is in doubt (RFC 1122 2.3.2.1), else by broadcast. False:
// nothing was sent.
template <Port P>
bool Resolver<P>::ask(Ipv4Address ip, const MacAddress* known, Instant now) noexcept {
  const InterfaceAddress* ours = interface_.on_link(ip);
  if (ours == nullptr) return false;  // a gateway that is not on the link
  if (!common_.arp_request_limit.allow(now)) {
    common_.count.arp_limited.add();
    return false;
  }
  common_.count.arp_requests.add();
  return send_arp({wire::ArpPacket::Operation::request, interface_.mac, {}, ours->first, ip},
                  known != nullptr ? *known : wire::kBroadcastMac);
}

template <Port P>
bool Resolver<P>::send_arp(const wire::ArpPacket& arp, const MacAddress& to) noexcept {
  const Frame frame = port_.allocate();
  if (frame == Frame{}) {
    common_.count.lose(Drop::no_buffer);
    return false;
  }
  const wire::LinkHeader header{to, interface_.mac, interface_.vlan};
  port_.set_length(frame, emit_arp(port_.bytes(frame), header, arp));
  stage_.push(frame);
  return true;
}

template <Port P>
void Resolver<P>::announce(Instant now) noexcept {
  if (!interface_.answers) return;
  for (const InterfaceAddress& range : interface_.addresses) {
    MAYFLY_ASSERT(range.first <= range.last);
    if (!range.arp) continue;
    const std::uint32_t count = std::min(kAnnouncedMax, range.last.host - range.first.host + 1);
    for (std::uint32_t k = 0; k < count; ++k) {
      const Ipv4Address ip{range.first.host + k};
      send_arp({wire::ArpPacket::Operation::request, interface_.mac, {}, ip, ip},
               wire::kBroadcastMac);
    }
  }
  if (interface_.gateway) look_for(*interface_.gateway, now);
}

template <Port P>
void Resolver<P>::age(Instant now) noexcept {
  if (now < next_ageing_) [[likely]]
    return;
  next_ageing_ = now + kAgeingPeriod;
  const auto ask_now = [&](Ipv4Address ip, const MacAddress* known) {
    if (known == nullptr) silence_of(ip).store(ip.host, std::memory_order_relaxed);
    return ask(ip, known, now);
  };
  neighbours_.settle_doubts(now, ask_now);
  neighbours_.age(now, ask_now, [&](Frame frame) {
    common_.count.lose(Drop::neighbour_unreachable);
    port_.release(frame);
  });
}

}  // namespace mayfly::link
