// From an IPv4 address to a frame on its way: route, neighbour cache and ARP (RFC 826, RFC 1122
// 2.3.2, RFC 5227) behind one call, resolve().
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "base/time.h"
#include "link/interface.h"
#include "link/link_common.h"
#include "link/neighbours.h"
#include "link/next_hops.h"
#include "link/port.h"
#include "link/tx_stage.h"
#include "wire/emit.h"
#include "wire/layout.h"
#include "wire/parse.h"

namespace mayfly::link {

/// See NextHops. Not thread-safe.
template <Port P>
class Resolver : public NextHops<Resolver<P>, P, Ipv4Address, PlainHash> {
  using Base = NextHops<Resolver<P>, P, Ipv4Address, PlainHash>;

 public:
  using typename Base::Frame;

  /// All arguments outlive the resolver.
  Resolver(P& port, const Interface& interface, TxStage<P>& stage, LinkCommon& common)
      : Base(port, interface, stage, common) {}

  /// Handles an ARP packet that parse_frame found well-formed: learns from it, stages the frames
  /// that waited for it, and answers a request for one of our addresses.
  void on_arp(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
              Instant now) noexcept;

  /// Stages announcements of our addresses (RFC 5227 2.3), and asks for the gateway: if nobody
  /// answers, that is known before the first frame needs it.
  void announce(Instant now) noexcept;

  /// Asks for neighbours again, and gives them up (NextHops::age_neighbours). Call it at every
  /// poll; it acts once a millisecond.
  void age(Instant now) noexcept {
    if (this->is_time_to_age(now)) [[unlikely]]
      this->age_neighbours(now);
  }

 private:
  friend Base;
  using Base::interface_, Base::common_, Base::neighbours_, Base::watch_, Base::kAnnouncedMax;

  bool next_hop(Ipv4Address to, Ipv4Address& hop) const noexcept {
    return interface_.next_hop(to, hop);
  }
  void note_silence(Ipv4Address ip) noexcept {
    silence_of(ip).store(ip.host, std::memory_order_relaxed);
  }
  std::atomic<std::uint32_t>& silence_of(Ipv4Address ip) noexcept {
    return interface_.gateway == ip ? common_.silence.gateway : common_.silence.other;
  }
  void learn(const wire::ArpPacket& arp, bool asks_us, Instant now) noexcept;
  void answer(const wire::ArpPacket& request, Instant now) noexcept;
  bool ask(Ipv4Address ip, const MacAddress* known, Instant now) noexcept;
  bool send_arp(const wire::ArpPacket& arp, const MacAddress& to) noexcept;
};

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
                        [&](Frame frame) { this->stage_for(frame, arp.sender_mac); });
  if (agrees) {
    watch_.heard_of(arp.sender_ip, now);
  } else {
    common_.count.arp_conflicts.add();
  }
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
  return this->send_frame(to, [&](std::span<std::byte> bytes, const wire::LinkHeader& header) {
    return emit_arp(bytes, header, arp);
  });
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
  if (interface_.gateway) this->look_for(*interface_.gateway, now);
}

}  // namespace mayfly::link
