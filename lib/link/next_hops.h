// From an address of either family to a frame on its way: what resolver.h and resolver6.h have in
// common. Frames wait for a neighbour that is still asked for; how it is asked, and what is learnt
// from its answer, is the family's.
#pragma once

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
#include "link/watch.h"
#include "wire/layout.h"

namespace mayfly::link {

/// The base of `Family`, the resolver of addresses of the type Address, which befriends it and has
///   bool next_hop(to, hop) const: the neighbour by which frames for `to` go; false: none;
///   bool ask(hop, const MacAddress* known, now): asks for a neighbour, by unicast if an address of
///     it is known that is in doubt; false: nothing was sent;
///   void note_silence(hop): it has not answered.
/// Owns the frames that wait for a neighbour. Not thread-safe.
template <class Family, Port P, class Address, class Hash>
class NextHops {
 public:
  using Frame = typename P::Frame;

  NextHops(const NextHops&) = delete;
  NextHops& operator=(const NextHops&) = delete;

  /// Takes ownership of a frame that is complete but for its destination MAC address, and carries a
  /// packet for `to`. The frame is staged if the next hop's address is known (RFC 1122 3.3.1).
  /// Otherwise it is kept until the address is found, or counted as lost: no_route,
  /// neighbour_table_full, neighbour_wait_full, and later neighbour_unreachable.
  [[gnu::always_inline]] void resolve(Frame frame, const Address& to, Instant now) noexcept {
    MAYFLY_ASSERT(frame != Frame{});
    Address hop;
    if (!family().next_hop(to, hop)) {
      common_.count.lose(Drop::no_route);
      return port_.release(frame);
    }
    if (const MacAddress* mac = neighbours_.find(hop)) [[likely]]
      return stage_for(frame, *mac);
    keep(frame, hop, now);
  }

  /// Looks for the next hop to `to` although no frame waits for it yet.
  void look_for(const Address& to, Instant now) noexcept {
    Address hop;
    if (family().next_hop(to, hop) && neighbours_.expect(hop, now)) family().ask(hop, nullptr, now);
  }

  /// A packet for `to` has to be sent again because nothing was heard of its host: asks whether the
  /// next hop still has its address (RFC 1122 2.3.2.1 (4), 3.3.1.4).
  void suspect(const Address& to, Instant now) noexcept {
    Address hop;
    if (family().next_hop(to, hop)) neighbours_.suspect(hop, now);
  }

  /// `host` is asked all the time from now on whether it is there. Nothing happens if it is behind
  /// a gateway: only the gateway would answer. Allocates.
  void watch(const Address& host, Instant now) {
    Address hop;
    if (family().next_hop(host, hop) && hop == host) watch_.add(host, now);
  }
  /// It is watched, and gives no answer (Watch::is_silent).
  bool is_silent(const Address& host) const noexcept { return watch_.is_silent(host); }

 protected:
  /// The most addresses announced of a range. Large ranges are those of load generators: neighbours
  /// learn the other addresses from the first packet.
  static constexpr std::uint32_t kAnnouncedMax = 64;

  /// All arguments outlive the resolver.
  NextHops(P& port, const Interface& interface, TxStage<P>& stage, LinkCommon& common,
           const Hash& hash = {})
      : port_(port), interface_(interface), stage_(stage), common_(common), neighbours_(hash) {}
  /// Releases the frames that still wait for a neighbour.
  ~NextHops() {
    neighbours_.clear([this](Frame frame) { port_.release(frame); });
  }

  void stage_for(Frame frame, const MacAddress& mac) noexcept {
    MAYFLY_ASSERT(port_.bytes(frame).size() >= wire::kEthernetHeaderSize);
    std::memcpy(port_.bytes(frame).data(), mac.octets.data(), mac.octets.size());
    stage_.push(frame);
  }

  /// Stages what emit(bytes, header) writes; it returns the length. False: there was no buffer.
  template <class Emit>
  bool send_frame(const MacAddress& to, Emit&& emit) noexcept {
    const Frame frame = port_.allocate();
    if (frame == Frame{}) {
      common_.count.lose(Drop::no_buffer);
      return false;
    }
    const wire::LinkHeader header{to, interface_.mac, interface_.vlan};
    port_.set_length(frame, emit(port_.bytes(frame), header));
    stage_.push(frame);
    return true;
  }

  /// True once a millisecond.
  bool is_time_to_age(Instant now) noexcept {
    if (now < next_ageing_) [[likely]]
      return false;
    next_ageing_ = now + kAgeingPeriod;
    return true;
  }
  /// Asks again for neighbours that did not answer, are in doubt or were confirmed long ago, and
  /// gives up those that never answer; asks the hosts that are watched.
  void age_neighbours(Instant now) noexcept {
    const auto ask_now = [&](const Address& ip, const MacAddress* known) {
      if (known == nullptr) family().note_silence(ip);
      return family().ask(ip, known, now);
    };
    neighbours_.settle_doubts(now, ask_now);
    neighbours_.age(now, ask_now, [&](Frame frame) {
      common_.count.lose(Drop::neighbour_unreachable);
      port_.release(frame);
    });
    watch_.poll(now, [&](const Address& host, std::uint8_t unanswered) {
      const bool may_have_moved = unanswered >= kUnicastQuestions;
      return family().ask(host, may_have_moved ? nullptr : neighbours_.find(host), now);
    });
  }

  P& port_;
  const Interface& interface_;
  TxStage<P>& stage_;
  LinkCommon& common_;
  NeighbourCache<Frame, Address, Hash> neighbours_;
  Watch<Address> watch_;

 private:
  static constexpr Duration kAgeingPeriod = Duration::from_ms(1);
  /// Questions to the MAC address that is known of a host that is watched; further ones go to all.
  static constexpr std::uint8_t kUnicastQuestions = 2;

  Family& family() noexcept { return static_cast<Family&>(*this); }

  [[gnu::noinline]] void keep(Frame frame, const Address& hop, Instant now) noexcept {
    bool must_ask = false;
    const Drop why = neighbours_.wait(hop, frame, now, must_ask);
    if (why != Drop::none) {
      common_.count.lose(why);
      port_.release(frame);
    }
    if (must_ask) family().ask(hop, nullptr, now);
  }

  Instant next_ageing_;
};

}  // namespace mayfly::link
