// The neighbour cache: which MAC address an on-link IPv4 address has (RFC 826, RFC 1122 2.3.2).
// Bounded: sets of eight ways. Entries age and are asked for again; frames that wait for an answer
// are kept, in bounded number.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "base/slab.h"
#include "base/time.h"
#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/flow_key.h"

namespace mayfly {

/// `Frame` is the port's handle. The cache owns the frames that wait until it hands them back.
template <class Frame>
class NeighbourCache {
 public:
  static constexpr std::uint32_t kSets = 512, kWays = 8;
  static constexpr std::uint32_t kWaitingMax = 4'096;    ///< frames, all neighbours together
  static constexpr std::uint16_t kWaitingEachMax = 256;  ///< frames for one neighbour
  static constexpr Duration kFresh =
      Duration::from_s(60);  ///< then it is asked for again (RFC 1122 2.3.2.1)
  static constexpr Duration kRetry =
      Duration::from_s(1);  ///< at most one request a second (2.3.2.1)
  static constexpr std::uint8_t kTries = 4;
  static constexpr std::uint8_t kUnicastTries = kTries / 2;  ///< of a neighbour that is known

  NeighbourCache()
      : entries_(std::make_unique<Entry[]>(kSets * kWays)),
        waiting_(kWaitingMax),
        pool_(waiting_) {}

  /// The neighbour's MAC address, or null while it is not known.
  const MacAddress* find(Ipv4Address ip) noexcept {
    Entry* entry = look_up(ip);
    if (entry == nullptr || entry->state == State::asking) return nullptr;
    entry->used = entry->served = true;
    return &entry->mac;
  }

  /// Keeps `frame` until `ip` answers. `ask`: an ARP request is due now. On anything but Drop::none
  /// the frame stays the caller's.
  Drop wait(Ipv4Address ip, Frame frame, Instant now, bool& ask) noexcept {
    Entry* entry = look_up(ip);
    if (entry == nullptr) entry = make(ip, now, false);
    if (entry == nullptr) return Drop::neighbour_table_full;
    ask = entry->tries == 0;
    if (ask) note_request(*entry, now);
    if (entry->waiting_count == kWaitingEachMax) return Drop::neighbour_wait_full;
    const std::uint32_t index = pool_.take();
    if (index == kNoIndex) return Drop::neighbour_wait_full;
    pool_[index] = {frame, kNoIndex, kNoIndex};
    (entry->first == kNoIndex ? entry->first : pool_[entry->last].next) = index;
    entry->last = index;
    ++entry->waiting_count;
    return Drop::none;
  }

  /// An ARP packet said that `ip` is at `mac`. RFC 826: an entry that is there is renewed; a new
  /// one is made only when `create` (the packet asked for us). `resolved(frame)` gets each frame
  /// that waited, in order. False: the entry says another address. Then that one is asked, and only
  /// if it does not answer two requests is the next claim believed.
  template <class F>
  bool learn(Ipv4Address ip, const MacAddress& mac, bool create, Instant now,
             F&& resolved) noexcept {
    Entry* entry = look_up(ip);
    if (entry == nullptr && create) entry = make(ip, now, true);
    if (entry == nullptr) return true;
    if (entry->state == State::known && entry->mac != mac && entry->tries <= kUnicastTries) {
      doubt(*entry, now);
      return false;
    }
    entry->mac = mac;
    entry->state = State::known;
    entry->confirmed_at = now;
    entry->tries = 0;
    release(*entry, resolved);
    return true;
  }

  /// Looks after a few sets; call it about once a millisecond. `ask(ip, mac or null)` sends a
  /// request, to the known address or to all; `dropped(frame)` gets the frames of a neighbour that
  /// never answered.
  template <class Ask, class F>
  void age(Instant now, Ask&& ask, F&& dropped) noexcept {
    constexpr std::uint32_t kEntriesAtOnce = 4 * kWays;
    for (std::uint32_t i = 0; i < kEntriesAtOnce; ++i) {
      Entry& entry = entries_[hand_];
      hand_ = (hand_ + 1) % (kSets * kWays);
      if (entry.state != State::free) age_one(entry, now, ask, dropped);
    }
  }

  /// Forgets everything; `dropped(frame)` gets what still waited.
  template <class F>
  void clear(F&& dropped) noexcept {
    for (std::uint32_t i = 0; i < kSets * kWays; ++i) {
      release(entries_[i], dropped);
      entries_[i] = {};
    }
  }

 private:
  enum class State : std::uint8_t { free, asking, known };
  struct Entry {
    Ipv4Address ip;
    MacAddress mac;
    State state = State::free;
    bool used = false;       // since the hand last came by
    bool served = false;     // a frame went there at some time
    std::uint8_t tries = 0;  // requests without an answer
    std::uint16_t waiting_count = 0;
    std::uint32_t first = kNoIndex, last = kNoIndex;
    Instant confirmed_at, asked_at;
  };
  struct Waiting {
    Frame frame;
    std::uint32_t next;
    std::uint32_t next_free;
  };

  Entry* set_of(Ipv4Address ip) const noexcept {
    const std::uint32_t set = (ip.host * 0x9e37'79b1u) >> 23;  // the upper 9 bits
    static_assert(kSets == 1u << 9);
    return &entries_[set * kWays];
  }

  Entry* look_up(Ipv4Address ip) const noexcept {
    Entry* set = set_of(ip);
    for (std::uint32_t i = 0; i < kWays; ++i)
      if (set[i].ip == ip && set[i].state != State::free) return &set[i];
    return nullptr;
  }

  // A free way, else one of those that nobody waits for: first one that never served, then one not
  // used of late, then the longest unconfirmed. A neighbour that only we want (`heard` is false)
  // takes no used one's place, and no more than half a set is for such: frames to invented
  // addresses cannot push out the neighbours that speak.
  Entry* make(Ipv4Address ip, Instant now, bool heard) noexcept {
    const auto rank = [](const Entry& e) { return std::tuple(e.served, e.used, e.confirmed_at); };
    Entry* best = nullptr;
    std::uint32_t asking = 0;
    for (Entry& entry : std::span(set_of(ip), kWays)) {
      if (entry.state == State::asking) {
        ++asking;
      } else if (entry.state == State::free) {
        if (best == nullptr || best->state != State::free) best = &entry;
      } else if (best == nullptr || (best->state != State::free && rank(entry) < rank(*best))) {
        best = &entry;
      }
    }
    if (best == nullptr) return nullptr;
    if (!heard && (asking >= kWays / 2 || best->used)) return nullptr;
    *best = {};
    best->ip = ip;
    best->state = State::asking;
    best->confirmed_at = now;
    return best;
  }

  // Makes the entry stale and wanted, so that it is asked again: at most once a second.
  static void doubt(Entry& entry, Instant now) noexcept {
    if (entry.tries > 0 || now - entry.asked_at < kRetry) return;
    entry.confirmed_at = now - kFresh - Duration{1};
    entry.used = true;
  }

  static void note_request(Entry& entry, Instant now) noexcept {
    ++entry.tries;
    entry.asked_at = now;
  }

  template <class F>
  void release(Entry& entry, F&& take) noexcept {
    while (entry.first != kNoIndex) {
      const std::uint32_t index = entry.first;
      const Frame frame = pool_[index].frame;
      entry.first = pool_[index].next;
      pool_.give_back(index);
      take(frame);
    }
    entry.waiting_count = 0;
  }

  template <class Ask, class F>
  void age_one(Entry& entry, Instant now, Ask&& ask, F&& dropped) noexcept {
    const bool stale = now - entry.confirmed_at > kFresh;
    if (entry.state == State::known && !stale) {
      entry.used = false;
      return;
    }
    if (entry.tries == 0 && !entry.used) {  // stale, and nobody wants it
      entry = {};
      return;
    }
    if (entry.tries > 0 && now - entry.asked_at < kRetry) return;
    if (entry.tries >= kTries) {
      release(entry, dropped);
      entry = {};
      return;
    }
    // RFC 1122 2.3.2.1 (2): a stale entry is first asked by unicast, while it is still used.
    const bool unicast = entry.state == State::known && entry.tries < kUnicastTries;
    note_request(entry, now);
    ask(entry.ip, unicast ? &entry.mac : nullptr);
  }

  std::unique_ptr<Entry[]> entries_;
  std::vector<Waiting> waiting_;
  Slab<Waiting> pool_;
  std::uint32_t hand_ = 0;
};

}  // namespace mayfly
