// From an IPv6 address to a frame on its way: route, neighbour cache and neighbour discovery (RFC
// 4861) behind one call, resolve(), as for IPv4 (resolver.h). Our groups are reported to routers
// and switches with MLDv2 (RFC 3810).
#pragma once

#include <algorithm>
#include <array>
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
#include "wire/icmp6.h"
#include "wire/layout.h"

namespace mayfly::link {

/// See NextHops. Not thread-safe. A link without IPv6 has none.
template <Port P>
class Resolver6 : public NextHops<Resolver6<P>, P, Ipv6Address, LinkSecret> {
  using Base = NextHops<Resolver6<P>, P, Ipv6Address, LinkSecret>;

 public:
  using typename Base::Frame;

  /// All arguments outlive the resolver.
  Resolver6(P& port, const Interface& interface, TxStage<P>& stage, LinkCommon& common)
      : Base(port, interface, stage, common, common.secret) {}

  /// Handles a neighbour solicitation or advertisement: learns from it, stages the frames that
  /// waited for it, and answers a question for one of our addresses. Returns why it was dropped.
  Drop on_neighbour(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                    Instant now) noexcept;
  /// A router advertisement: with asks_for_router its sender is the gateway for as long as it says,
  /// and tells the MTU of the link (RFC 4861 6.3.4).
  Drop on_router(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                 Instant now) noexcept;
  /// The most bytes in a packet: as configured, or less if a router said so.
  std::uint16_t mtu() const noexcept { return router_mtu_ != 0 ? router_mtu_ : interface_.mtu; }

  /// An MLD query: our groups are reported again (RFC 3810 6.2).
  Drop on_mld_query(Instant now) noexcept;

  /// Stages reports of our groups (RFC 3810 6.1), and asks whether somebody has our addresses (RFC
  /// 4862 5.4). A second later, in age(), others are told of those that nobody has (RFC
  /// 4861 7.2.6), and the gateway is asked for: if it does not answer, that is known before the
  /// first frame needs it.
  void announce(Instant now) noexcept;

  /// One of our addresses, and no other host's (RFC 4862 5.4.5: a duplicate is not used).
  bool is_ours(const Ipv6Address& ip) const noexcept {
    return interface_.is_local(ip) && !is_off(ip);
  }

  /// TCP has heard of `to`: the next hop is reachable (RFC 4861 7.3.1).
  void confirm(const Ipv6Address& to, Instant now) noexcept {
    Ipv6Address hop;
    if (!next_hop(to, hop) || (hop == confirmed_ && now < confirm_again_at_)) return;
    neighbours_.confirm(hop, now);
    confirmed_ = hop;
    confirm_again_at_ = now + kConfirmPeriod;
  }
  /// As of Resolver.
  void age(Instant now) noexcept;

 private:
  friend Base;
  using Base::port_, Base::interface_, Base::common_, Base::neighbours_, Base::watch_,
      Base::kAnnouncedMax;

  /// How often at most TCP confirms one neighbour after the other: well below the time in which one
  /// that is in doubt is given up.
  static constexpr Duration kConfirmPeriod = Duration::from_ms(10);
  /// Groups in one report.
  static constexpr std::size_t kGroupsMax = 32;
  /// RFC 4862 5.4: RetransTimer; one question (DupAddrDetectTransmits).
  static constexpr Duration kProbeTime = Duration::from_s(1);
  /// RFC 4861 6.3.7: MAX_RTR_SOLICITATIONS, and the time between two.
  static constexpr std::uint8_t kRouterQuestions = 3;
  static constexpr Duration kRouterRetry = Duration::from_s(4);
  /// The most duplicates that are known; all addresses that are asked for are no more than this.
  static constexpr std::size_t kDuplicatesMax = 64;

  Drop on_solicitation(const wire::Neighbour& n, Instant now) noexcept;
  Drop on_advertisement(const wire::Neighbour& n, Instant now) noexcept;
  void learn(const Ipv6Address& ip, const MacAddress& mac, bool asks_us, bool confirms,
             Instant now) noexcept;
  void answer(const wire::Neighbour& question, Instant now) noexcept;
  bool ask(const Ipv6Address& ip, const MacAddress* known, Instant now) noexcept;
  bool send(const wire::Neighbour& n, const MacAddress& to) noexcept;
  bool send_report(std::span<const Ipv6Address> groups) noexcept;
  void report_groups() noexcept;
  void advertise(Instant now) noexcept;
  Drop on_claim(const Ipv6Address& ip) noexcept;
  void ask_for_router(Instant now) noexcept;
  bool has_router() const noexcept { return !router_.is_unspecified(); }
  bool next_hop(const Ipv6Address& to, Ipv6Address& hop) const noexcept {
    if (interface_.next_hop(to, hop)) return true;
    hop = router_;
    return has_router();
  }
  PublishedAddress& silence_of(const Ipv6Address& ip) noexcept {
    return interface_.gateway6 == ip || router_ == ip ? common_.silence6.gateway
                                                      : common_.silence6.other;
  }
  void note_silence(const Ipv6Address& ip) noexcept { silence_of(ip).set(ip); }
  bool is_off(const Ipv6Address& ip) const noexcept {
    if (duplicate_count_ == 0) [[likely]]
      return false;
    const auto end = duplicates_.begin() + static_cast<std::ptrdiff_t>(duplicate_count_);
    return std::find(duplicates_.begin(), end, ip) != end;
  }
  template <class F>
  void for_each_address(F&& f) noexcept;

  Ipv6Address confirmed_;  // by TCP, and not again until confirm_again_at_
  Instant confirm_again_at_;
  Instant probed_until_ = Instant::never();  // our addresses are tentative; never: they are not
  Ipv6Address router_;                       // who said to be one; unspecified: nobody
  Instant router_until_ = Instant::never();
  std::uint16_t router_mtu_ = 0;
  std::uint8_t router_questions_ = 0;  // still to be asked
  Instant next_router_question_;
  std::array<Ipv6Address, kDuplicatesMax> duplicates_;
  std::size_t duplicate_count_ = 0;
};

template <Port P>
Drop Resolver6<P>::on_neighbour(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                                Instant now) noexcept {
  wire::Neighbour n;
  if (const Drop why = read_neighbour(bytes, parsed, n); why != Drop::none) return why;
  // Whoever has an address of ours answers with it as the source.
  if (n.is_advertisement && is_ours(n.target))
    return interface_.is_told(n.target) ? on_claim(n.target) : Drop::icmp_ignored;
  if (is_ours(n.source)) return Drop::ip_source_invalid;
  return n.is_advertisement ? on_advertisement(n, now) : on_solicitation(n, now);
}

// RFC 4861 7.2.3: a question for us makes an entry of who asks; it is still to be confirmed that
// this is where answers reach him.
template <Port P>
Drop Resolver6<P>::on_solicitation(const wire::Neighbour& n, Instant now) noexcept {
  if (!is_ours(n.target) || !interface_.is_told(n.target)) return Drop::icmp_ignored;
  if (!probed_until_.is_never())  // RFC 4862 5.4.3: another host asks for the same address
    return n.source.is_unspecified() ? on_claim(n.target) : Drop::icmp_ignored;
  if (n.mac && interface_.is_on_link(n.source)) learn(n.source, *n.mac, true, false, now);
  if (interface_.answers) answer(n, now);
  return Drop::none;
}

// RFC 4861 7.2.5: an advertisement makes no entry. Without the override flag it changes none, and
// only if it was asked for it confirms one.
template <Port P>
Drop Resolver6<P>::on_advertisement(const wire::Neighbour& n, Instant now) noexcept {
  const MacAddress* known = neighbours_.find(n.target);
  if (!n.mac) {
    // RFC 4861 7.2.5: an answer by unicast may leave out what is known.
    if (known == nullptr || !n.has(wire::Neighbour::kSolicited)) return Drop::icmp_ignored;
    neighbours_.confirm(n.target, now);
    watch_.heard_of(n.target, now);
    return Drop::none;
  }
  if (known != nullptr && *known != *n.mac && !n.has(wire::Neighbour::kOverride))
    return Drop::icmp_ignored;
  learn(n.target, *n.mac, false, n.has(wire::Neighbour::kSolicited), now);
  return Drop::none;
}

// RFC 4862 5.4.4: somebody has an address of ours. If that is known before it is used, it never is.
template <Port P>
Drop Resolver6<P>::on_claim(const Ipv6Address& ip) noexcept {
  if (probed_until_.is_never()) {
    common_.count.nd_conflicts.add();
    return Drop::icmp_ignored;
  }
  if (duplicate_count_ == kDuplicatesMax) return Drop::icmp_ignored;
  duplicates_[duplicate_count_++] = ip;
  common_.count.nd_duplicates.add();
  if (!common_.duplicate.get()) common_.duplicate.set(ip);
  return Drop::none;
}

template <Port P>
void Resolver6<P>::learn(const Ipv6Address& ip, const MacAddress& mac, bool asks_us, bool confirms,
                         Instant now) noexcept {
  const bool agrees = neighbours_.learn({ip, mac, asks_us, interface_.arp.trust, confirms}, now,
                                        [&](Frame frame) { this->stage_for(frame, mac); });
  if (agrees) {
    watch_.heard_of(ip, now);
  } else {
    common_.count.nd_conflicts.add();
  }
  if (silence_of(ip).get() == ip) silence_of(ip).set({});
}

// RFC 4861 7.2.4. A question from the unspecified address is that of a host which would like to
// have ours (RFC 4862 5.4.3): all are told whose it is.
template <Port P>
void Resolver6<P>::answer(const wire::Neighbour& question, Instant now) noexcept {
  if (!common_.nd_reply_limit.allow(now)) return common_.count.nd_limited.add();
  common_.count.nd_advertisements.add();
  const bool to_all = question.source.is_unspecified();
  wire::Neighbour n{
      .source = question.target,
      .destination = to_all ? wire::kAllNodes : question.source,
      .target = question.target,
      .mac = interface_.mac,
      .flags = wire::Neighbour::kOverride | (to_all ? 0 : wire::Neighbour::kSolicited),
      .is_advertisement = true};
  const MacAddress* known = to_all ? nullptr : neighbours_.find(question.source);
  if (to_all) {
    send(n, group_mac(wire::kAllNodes));
  } else if (question.mac || known != nullptr) {
    send(n, question.mac ? *question.mac : *known);
  } else if (const Frame frame = port_.allocate(); frame != Frame{}) {
    const wire::LinkHeader header{{}, interface_.mac, interface_.vlan};
    port_.set_length(frame, emit_neighbour(port_.bytes(frame), header, n));
    this->resolve(frame, question.source, now);
  } else {
    common_.count.lose(Drop::no_buffer);
  }
}

// By unicast if an address is known that is in doubt (RFC 4861 7.3.3), else to the group of those
// that may have it. False: nothing was sent.
template <Port P>
bool Resolver6<P>::ask(const Ipv6Address& ip, const MacAddress* known, Instant now) noexcept {
  if (!probed_until_.is_never()) return false;  // RFC 4862 5.4: no source yet
  if (!common_.nd_request_limit.allow(now)) {
    common_.count.nd_limited.add();
    return false;
  }
  common_.count.nd_solicitations.add();
  const Ipv6Address group = wire::solicited_node(ip);
  const Ipv6Address source = interface_.source_for(ip);
  const wire::Neighbour n{.source = is_off(source) ? interface_.link_local() : source,
                          .destination = known != nullptr ? ip : group,
                          .target = ip,
                          .mac = interface_.mac};
  return send(n, known != nullptr ? *known : group_mac(group));
}

template <Port P>
bool Resolver6<P>::send(const wire::Neighbour& n, const MacAddress& to) noexcept {
  return this->send_frame(to, [&](std::span<std::byte> bytes, const wire::LinkHeader& header) {
    return emit_neighbour(bytes, header, n);
  });
}

template <Port P>
template <class F>
void Resolver6<P>::for_each_address(F&& f) noexcept {
  f(interface_.link_local());
  for (const InterfaceAddress6& range : interface_.addresses6) {
    if (!range.arp) continue;
    const std::uint32_t count = std::min(kAnnouncedMax - 1, range.last.low() - range.first.low());
    for (std::uint32_t k = 0; k <= count; ++k) f(range.first.with_low(range.first.low() + k));
  }
}

template <Port P>
void Resolver6<P>::announce(Instant now) noexcept {
  if (!interface_.answers) return;
  report_groups();
  if (!interface_.detects_duplicates) return advertise(now);
  probed_until_ = now + kProbeTime;
  for_each_address([&](const Ipv6Address& ip) {
    const Ipv6Address group = wire::solicited_node(ip);
    send({.source = {}, .destination = group, .target = ip}, group_mac(group));
  });
}

template <Port P>
void Resolver6<P>::advertise(Instant now) noexcept {
  probed_until_ = Instant::never();
  for_each_address([&](const Ipv6Address& ip) {
    if (is_off(ip)) return;
    send({.source = ip,
          .destination = wire::kAllNodes,
          .target = ip,
          .mac = interface_.mac,
          .flags = wire::Neighbour::kOverride,
          .is_advertisement = true},
         group_mac(wire::kAllNodes));
  });
  if (interface_.gateway6) this->look_for(*interface_.gateway6, now);
  if (interface_.asks_for_router) router_questions_ = kRouterQuestions;
}

// RFC 4861 6.3.7: until one answers.
template <Port P>
void Resolver6<P>::ask_for_router(Instant now) noexcept {
  --router_questions_;
  next_router_question_ = now + kRouterRetry;
  this->send_frame(group_mac(wire::kAllRouters),
                   [&](std::span<std::byte> bytes, const wire::LinkHeader& header) {
                     return emit_router_solicitation(bytes, header, interface_.link_local());
                   });
}

// The first router stays for as long as it lives: another is taken when it has gone.
template <Port P>
Drop Resolver6<P>::on_router(std::span<const std::byte> bytes, const wire::ParsedFrame& parsed,
                             Instant now) noexcept {
  wire::RouterAdvertisement router;
  if (const Drop why = read_router_advertisement(bytes, parsed, router); why != Drop::none)
    return why;
  if (!interface_.asks_for_router || (has_router() && router_ != router.source))
    return Drop::icmp_ignored;
  const bool is_one = router.lifetime_s > 0;
  router_ = is_one ? router.source : Ipv6Address{};
  router_until_ = is_one ? now + Duration::from_s(router.lifetime_s) : Instant::never();
  router_mtu_ = router.mtu >= wire::kIpv6MtuMin && router.mtu < interface_.mtu
                    ? static_cast<std::uint16_t>(router.mtu)
                    : std::uint16_t{0};
  router_questions_ = 0;
  if (is_one && router.mac) learn(router.source, *router.mac, true, false, now);
  return Drop::none;
}

template <Port P>
Drop Resolver6<P>::on_mld_query(Instant now) noexcept {
  if (!interface_.answers) return Drop::none;
  if (common_.mld_limit.allow(now)) {
    report_groups();
  } else {
    common_.count.nd_limited.add();
  }
  return Drop::none;
}

// Addresses that differ in their first 104 bits alone have one group.
template <Port P>
void Resolver6<P>::report_groups() noexcept {
  std::array<Ipv6Address, kGroupsMax> groups;
  std::size_t count = 0;
  for_each_address([&](const Ipv6Address& ip) {
    const Ipv6Address group = wire::solicited_node(ip);
    const auto end = groups.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find(groups.begin(), end, group) != end) return;
    if (count == kGroupsMax) {
      send_report(groups);
      count = 0;
    }
    groups[count++] = group;
  });
  send_report(std::span(groups).first(count));
}

template <Port P>
bool Resolver6<P>::send_report(std::span<const Ipv6Address> groups) noexcept {
  return this->send_frame(group_mac(wire::kAllMldRouters),
                          [&](std::span<std::byte> bytes, const wire::LinkHeader& header) {
                            return emit_mld_report(bytes, header, interface_.link_local(), groups);
                          });
}

template <Port P>
void Resolver6<P>::age(Instant now) noexcept {
  if (!this->is_time_to_age(now)) [[likely]]
    return;
  if (now >= probed_until_) advertise(now);
  if (router_questions_ > 0 && now >= next_router_question_) ask_for_router(now);
  if (now >= router_until_) router_ = {}, router_until_ = Instant::never();
  this->age_neighbours(now);
}

}  // namespace mayfly::link
