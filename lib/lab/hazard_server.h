// The server of the hazard lab: answers with the request's own tag as soon as it knows it, checks
// every octet that follows, and closes as the policy under test says (service/closer.h, as any
// service of ours).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "lab/hazard_ledger.h"
#include "service/closer.h"
#include "service/state.h"

namespace mayfly {

/// An end that hears nothing for so long, while it waits, gives up: after more retransmissions than
/// a link that is of any use can lose in a row.
inline constexpr Duration kHazardPatience = Duration::from_s(300);

class HazardServer {
 public:
  /// `ledger` outlives the app. `connections`: blocks that the shard has.
  HazardServer(HazardLedger& ledger, const CloseSettings& close, std::uint32_t connections)
      : ledger_(ledger), policy_(close), guests_(connections) {}

  template <class Conn>
  void on_open(Conn& c) noexcept {
    open_state(c);
    Guest& guest = guest_of(c);
    guest.head_length = 0;
    guest.incarnation = kNoIndex;
    guest.heard_at = c.now();
    c.wake_at(c.now() + kHazardPatience);
  }

  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    Guest& guest = guest_of(c);
    guest.heard_at = c.now();
    const std::size_t head = take_head(guest, text);
    if (guest.head_length == sizeof guest.head && guest.incarnation == kNoIndex)
      if (!recognise(c, guest)) return text.size();
    if (guest.incarnation != kNoIndex) take_text(c, guest, text.subspan(head));
    return text.size();
  }

  template <class Conn>
  void on_sent(Conn& c) noexcept {
    guest_of(c).heard_at = c.now();
    policy_.on_sent(c, state_of(c));
  }

  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    // The client closes when it has the answer: a FIN before that is another incarnation's.
    if (Incarnation* const i = incarnation_of(guest_of(c)))
      if (i->server.received < i->request) ++i->old_data;
    policy_.on_peer_closed(c, state_of(c));
  }

  template <class Conn>
  void on_wake(Conn& c) noexcept {
    ServiceState& s = state_of(c);
    if (s.phase != Phase::open) return policy_.on_wake(c, s);
    Guest& guest = guest_of(c);
    const Instant patience_ends = guest.heard_at + kHazardPatience;
    if (c.now() < patience_ends) return c.wake_at(patience_ends);
    s.ending = Ending::stalled;
    c.abort();
  }

  template <class Conn>
  void on_closed(Conn& c, CloseReason why) noexcept {
    const ServiceState& s = state_of(c);
    Incarnation* const i = incarnation_of(guest_of(c));
    const bool gave_up = s.ending == Ending::stalled;
    if (i == nullptr) {
      if (gave_up || why == CloseReason::timed_out) ledger_.count_ghost();
      return;
    }
    EndView& view = i->server;
    view.peer_closed = s.peer_closed;
    view.closed = s.phase == Phase::closed;
    view.aborted = s.ending == Ending::aborted;
    view.gave_up = gave_up;
    view.ended = true;
    view.reason = why;
  }

 private:
  /// What there is of a connection beside its ServiceState.
  struct Guest {
    Instant heard_at;
    std::uint64_t head = 0;  ///< the first eight octets: the tag
    std::uint32_t head_length = 0;
    std::uint32_t incarnation = kNoIndex;
    std::unique_ptr<HazardText> text;  ///< what the answer repeats; made when it is first needed
  };

  template <class Conn>
  Guest& guest_of(Conn& c) noexcept {
    return guests_[c.id() & 0xffff'ffff];  // the block's index
  }
  Incarnation* incarnation_of(const Guest& guest) noexcept {
    return guest.incarnation == kNoIndex ? nullptr : &ledger_[guest.incarnation];
  }

  static std::size_t take_head(Guest& guest, std::span<const std::byte> text) noexcept {
    const std::size_t n = std::min(text.size(), sizeof guest.head - guest.head_length);
    std::memcpy(reinterpret_cast<std::byte*>(&guest.head) + guest.head_length, text.data(), n);
    guest.head_length += static_cast<std::uint32_t>(n);
    return n;
  }

  // False: these are the octets of an incarnation that is over, or has a connection already.
  template <class Conn>
  bool recognise(Conn& c, Guest& guest) noexcept {
    const std::uint32_t index = ledger_.find(guest.head);
    const bool lives = index != kNoIndex && !ledger_[index].client.ended;
    if (!lives || ledger_[index].server.opened) {
      ledger_.count_stranger();
      c.abort();
      return false;
    }
    guest.incarnation = index;
    Incarnation& i = ledger_[index];
    i.server.opened = true;
    i.server.received = sizeof guest.head;
    if (!guest.text) guest.text = std::make_unique<HazardText>();
    write_text_of(i.tag, *guest.text);
    c.send_repeating(*guest.text, i.answer);
    return true;
  }

  template <class Conn>
  void take_text(Conn& c, Guest& guest, std::span<const std::byte> text) noexcept {
    Incarnation& i = ledger_[guest.incarnation];
    ServiceState& s = state_of(c);
    const std::uint32_t end = i.server.received + static_cast<std::uint32_t>(text.size());
    if (end > i.request || !is_text_of(i.tag, i.server.received, text)) ++i.old_data;
    i.server.received = end;
    if (s.phase == Phase::open && end >= i.request) policy_.finish(c, s);
  }

  HazardLedger& ledger_;
  ClosePolicy policy_;
  std::vector<Guest> guests_;
};

}  // namespace mayfly
