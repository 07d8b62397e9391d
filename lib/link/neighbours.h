// The neighbour cache: the MAC addresses of the hosts on a link, which ARP (RFC 826, RFC
// 1122 2.3.2) or neighbour discovery (RFC 4861) has found. It has a fixed size, in sets of eight
// entries. Entries age, and their hosts are asked again. A bounded number of frames is kept while
// their next hop's address is not known.
//
// An address that is known comes in doubt when somebody claims it with another MAC address, or when
// TCP gets no answer through it (RFC 1122 2.3.2.1 (4)). Its host is then asked by unicast, three
// times within 150 ms; if it stays silent, the claim is believed, or all hosts are asked and
// whoever answers is believed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "base/assert.h"
#include "base/slab.h"
#include "base/time.h"
#include "wire/drop.h"
#include "wire/ethernet.h"
#include "wire/flow_key.h"

namespace mayfly::link {

/// Hashes an IPv4 address. There are few on a link, and a full set keeps the neighbours in use.
struct PlainHash {
  static constexpr bool kIsCheap = true;
  std::uint32_t hash(Ipv4Address ip) const noexcept { return ip.host * 0x9e37'79b1u; }
};

/// `Frame` is the port's handle. The cache owns the frames that wait, until it passes them to a
/// callback. `Hash::hash(Address)` chooses the set of an address by its upper bits. Whoever may
/// take any of 2^64 addresses of a link (RFC 6583) must not know which of them share a set. Unless
/// `Hash::kIsCheap`, the cache remembers where it found addresses.
template <class Frame, class Address = Ipv4Address, class Hash = PlainHash>
class NeighbourCache {
 public:
  static constexpr std::uint32_t kSets = 512, kWays = 8;
  static constexpr std::uint32_t kWaitingMax = 4'096;    ///< frames, all neighbours together
  static constexpr std::uint16_t kWaitingEachMax = 256;  ///< frames for one neighbour
  /// How long an address is used without a new request (RFC 1122 2.3.2.1).
  static constexpr Duration kFresh = Duration::from_s(60);
  /// The least time between two requests for an address (RFC 1122 2.3.2.1).
  static constexpr Duration kRetry = Duration::from_s(1);
  /// Requests without an answer after which an entry and its frames are given up.
  static constexpr std::uint8_t kTries = 4;
  /// How many of them are sent to the known address; the others are broadcast.
  static constexpr std::uint8_t kUnicastTries = kTries / 2;
  /// Requests to an address in doubt, and the time between them. A host is doubted at most once in
  /// kRetry.
  static constexpr std::uint8_t kDoubtTries = 3;
  static constexpr Duration kDoubtRetry = Duration::from_ms(50);
  static constexpr std::size_t kDoubtsMax = 64;  ///< at once; further ones are not followed up

  explicit NeighbourCache(const Hash& hash = {})
      : hash_(hash),
        entries_(std::make_unique<Entry[]>(kSets * kWays)),
        waiting_(kWaitingMax),
        pool_(waiting_) {}

  /// The neighbour's MAC address, or null while it is not known. Valid until the next call.
  const MacAddress* find(Address ip) noexcept {
    Entry* entry = look_up(ip);
    if (entry == nullptr || entry->state == State::asking) return nullptr;
    entry->used = entry->served = true;
    return &entry->mac;
  }

  /// Takes ownership of `frame` until `ip` answers; call it only after find() returned null. `ask`:
  /// the caller must send an ARP request now. Unless it returns Drop::none, the frame stays the
  /// caller's: neighbour_table_full or neighbour_wait_full.
  Drop wait(Address ip, Frame frame, Instant now, bool& ask) noexcept {
    Entry* entry = look_up(ip);
    if (entry == nullptr) entry = make(ip, now, false);
    if (entry == nullptr) return Drop::neighbour_table_full;
    MAYFLY_ASSERT(entry->state == State::asking);
    ask = entry->tries == 0;
    if (ask) note_request(*entry, now);
    if (entry->waiting_count == kWaitingEachMax) return Drop::neighbour_wait_full;
    const std::uint32_t index = pool_.take();
    if (index == kNoIndex) return Drop::neighbour_wait_full;
    pool_[index] = {frame, kNoIndex, kNoIndex};
    (entry->first == kNoIndex ? entry->first : pool_[entry->last].next) = index;
    entry->last = index;
    ++entry->waiting_count;
    MAYFLY_ASSERT(entry->waiting_count <= kWaitingEachMax);
    return Drop::none;
  }

  /// Begins to look for `ip` although no frame waits for it yet. True: the caller must send an ARP
  /// request now.
  bool expect(Address ip, Instant now) noexcept {
    if (look_up(ip) != nullptr) return false;
    Entry* entry = make(ip, now, false);
    if (entry == nullptr) return false;
    note_request(*entry, now);
    return true;
  }

  /// What an ARP packet says of its sender.
  struct Claim {
    Address ip;
    MacAddress mac;
    bool asks_us;  ///< it is a request for an address of ours
    bool trusted;  ///< nobody on the link lies
    /// It answers a question of ours; otherwise its host is still to be asked (RFC 4861 7.3.3).
    bool confirms = true;
  };
  /// RFC 826: an entry that exists is renewed; a new one is made only if the packet asks for us.
  /// `resolved(frame)` gets each frame that waited, in order. False: the entry had another address.
  /// It keeps that until its host has not answered three requests, unless the claim is trusted.
  template <class F>
  bool learn(const Claim& claim, Instant now, F&& resolved) noexcept {
    Entry* entry = look_up(claim.ip);
    if (entry == nullptr && claim.asks_us) entry = make(claim.ip, now, true);
    if (entry == nullptr) return true;
    const bool agrees = entry->state != State::known || entry->mac == claim.mac;
    if (!agrees && !claim.trusted && !is_given_up(*entry)) {
      doubt(*entry, now, &claim.mac);
      return false;
    }
    if (!claim.confirms && entry->state == State::known && entry->mac == claim.mac) return true;
    end_doubt(claim.ip);
    confirm(*entry, claim.mac, now);
    if (!claim.confirms) entry->confirmed_at = now - kFresh;
    release(*entry, resolved);
    return agrees;
  }

  /// TCP hears of a host through this neighbour: it is where it was (RFC 4861 7.3.1).
  void confirm(Address ip, Instant now) noexcept {
    Entry* entry = look_up(ip);
    if (entry == nullptr || entry->state != State::known) return;
    end_doubt(ip);
    confirm(*entry, MacAddress{entry->mac}, now);
  }

  /// TCP gets no answer through this neighbour: it is asked whether it is still where it was.
  void suspect(Address ip, Instant now) noexcept {
    Entry* entry = look_up(ip);
    if (entry == nullptr || entry->state != State::known || entry->tries > 0) return;
    if (now - entry->confirmed_at >= kRetry) doubt(*entry, now, nullptr);
  }

  /// Asks the neighbours in doubt that are to be asked now, and judges those that stayed silent.
  /// Call it about once a millisecond. `ask` as of age().
  template <class Ask>
  void settle_doubts(Instant now, Ask&& ask) noexcept {
    for (std::size_t i = 0; i < doubt_count_;) {
      Doubt& d = doubts_[i];
      Entry* entry = look_up(d.ip);
      const bool is_open = entry != nullptr && entry->state == State::known &&
                           (now < d.due || proceed(*entry, d, now, ask));
      if (is_open) {
        ++i;
      } else {
        d = doubts_[--doubt_count_];
      }
    }
  }

  /// Ages the entries of the next few sets; call it about once a millisecond. `ask(ip, mac)` must
  /// send a request to that address, or by broadcast if it is null, and return whether it did;
  /// `dropped(frame)` gets the frames of a neighbour that never answered.
  template <class Ask, class F>
  void age(Instant now, Ask&& ask, F&& dropped) noexcept {
    constexpr std::uint32_t kEntriesAtOnce = 4 * kWays;
    static_assert(kSets * kWays % kEntriesAtOnce == 0);
    MAYFLY_ASSERT(hand_ < kSets * kWays);
    for (std::uint32_t i = 0; i < kEntriesAtOnce; ++i) {
      Entry& entry = entries_[hand_];
      hand_ = (hand_ + 1) % (kSets * kWays);
      if (entry.state != State::free) age_one(entry, now, ask, dropped);
    }
  }

  /// Empties the cache; `dropped(frame)` gets each frame that still waited.
  template <class F>
  void clear(F&& dropped) noexcept {
    for (std::uint32_t i = 0; i < kSets * kWays; ++i) {
      release(entries_[i], dropped);
      entries_[i] = {};
    }
    doubt_count_ = 0;
    MAYFLY_ASSERT(pool_.used() == 0);
  }

 private:
  enum class State : std::uint8_t { free, asking, known };
  struct Entry {
    Address ip;
    MacAddress mac;
    State state = State::free;
    bool used = false;       // a frame was sent there since the entry was last aged
    bool served = false;     // a frame was sent there at any time
    std::uint8_t tries = 0;  // requests without an answer
    std::uint16_t waiting_count = 0;
    std::uint32_t first = kNoIndex, last = kNoIndex;
    Instant confirmed_at, asked_at;
  };
  struct Doubt {
    Address ip;
    MacAddress claimed;  // by somebody else; if nobody did, zero, which no host has
    std::uint8_t tries = 0;
    Instant due;  // the next request, or the judgement
  };
  struct Waiting {
    Frame frame;
    std::uint32_t next;
    std::uint32_t next_free;
  };

  Entry* set_of(Address ip) const noexcept {
    const std::uint32_t set = hash_.hash(ip) >> 23;  // the upper 9 bits
    static_assert(kSets == 1u << 9);
    return &entries_[set * kWays];
  }

  static bool is_of(const Entry& entry, const Address& ip) noexcept {
    return entry.ip == ip && entry.state != State::free;
  }

  /// Where the place of an address that was found is remembered. Most frames go where the one
  /// before went, as to a gateway: where a search is cheap, one place will do.
  static std::size_t found_at([[maybe_unused]] const Address& ip) noexcept {
    if constexpr (Hash::kIsCheap) {
      return 0;
    } else {
      return ip.octets.back();
    }
  }

  Entry* look_up(const Address& ip) noexcept {
    std::uint16_t& place = found_[found_at(ip)];
    if (Entry& entry = entries_[place]; is_of(entry, ip)) [[likely]]
      return &entry;
    Entry* entry = search(ip);
    if (entry != nullptr) place = static_cast<std::uint16_t>(entry - entries_.get());
    return entry;
  }

  [[gnu::noinline]] Entry* search(const Address& ip) const noexcept {
    Entry* set = set_of(ip);
    for (std::uint32_t i = 0; i < kWays; ++i)
      if (is_of(set[i], ip)) return &set[i];
    return nullptr;
  }

  // Takes a free entry of the set, else one for which no frame waits: preferably one that was never
  // used, then one not used lately, then the one confirmed longest ago. `heard` is false if no
  // packet has come from the neighbour: its entry then replaces none that is in use, and such
  // entries fill at most half of a set, so that frames to invented addresses cannot evict real
  // neighbours.
  Entry* make(Address ip, Instant now, bool heard) noexcept {
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
    MAYFLY_ASSERT(best->waiting_count == 0 && look_up(ip) == nullptr);
    *best = {};
    best->ip = ip;
    best->state = State::asking;
    best->confirmed_at = now;
    return best;
  }

  // The entry is in doubt from now on, or is already: then the newest claim counts.
  void doubt(const Entry& entry, Instant now, const MacAddress* claimed) noexcept {
    Doubt* d = doubt_of(entry.ip);
    if (d == nullptr) {
      if (doubt_count_ == kDoubtsMax) return;
      d = &doubts_[doubt_count_++];
      *d = {.ip = entry.ip, .claimed = {}, .due = std::max(now, entry.asked_at + kRetry)};
    }
    if (claimed != nullptr) d->claimed = *claimed;
  }

  Doubt* doubt_of(Address ip) noexcept {
    for (std::size_t i = 0; i < doubt_count_; ++i)
      if (doubts_[i].ip == ip) return &doubts_[i];
    return nullptr;
  }

  void end_doubt(Address ip) noexcept {
    if (Doubt* d = doubt_of(ip)) *d = doubts_[--doubt_count_];
  }

  // What is due now; false: the doubt is over. A request that could not be sent proves nothing: it
  // is made up for at the next call. Where nobody claimed the address, all hosts are asked at last,
  // and for a second whoever answers is believed; if nobody does, all stays as it was.
  template <class Ask>
  bool proceed(Entry& entry, Doubt& d, Instant now, Ask&& ask) noexcept {
    if (d.tries == kDoubtTries && d.claimed != MacAddress{}) confirm(entry, d.claimed, now);
    if (d.tries > kDoubtTries || d.claimed == entry.mac) return false;
    const bool asks_all = d.tries == kDoubtTries;
    if (!ask(entry.ip, asks_all ? nullptr : &entry.mac)) return true;
    entry.asked_at = now;
    ++d.tries;
    d.due = now + (asks_all ? kRetry : kDoubtRetry);
    return true;
  }

  // Did the owner stay silent, so that another address is believed?
  bool is_given_up(const Entry& entry) noexcept {
    if (entry.tries > kUnicastTries) return true;
    const Doubt* d = doubt_of(entry.ip);
    return d != nullptr && d->tries > kDoubtTries;
  }

  static void confirm(Entry& entry, const MacAddress& mac, Instant now) noexcept {
    entry.mac = mac;
    entry.state = State::known;
    entry.confirmed_at = now;
    entry.tries = 0;
  }

  static void note_request(Entry& entry, Instant now) noexcept {
    MAYFLY_ASSERT(entry.tries < kTries);
    ++entry.tries;
    entry.asked_at = now;
  }

  template <class F>
  void release(Entry& entry, F&& take) noexcept {
    for (; entry.first != kNoIndex; --entry.waiting_count) {
      MAYFLY_ASSERT(entry.waiting_count > 0);
      const std::uint32_t index = entry.first;
      const Frame frame = pool_[index].frame;
      entry.first = pool_[index].next;
      pool_.give_back(index);
      take(frame);
    }
    MAYFLY_ASSERT(entry.waiting_count == 0);
  }

  template <class Ask, class F>
  void age_one(Entry& entry, Instant now, Ask&& ask, F&& dropped) noexcept {
    const bool stale = now - entry.confirmed_at > kFresh;
    if (entry.state == State::known && !stale) {
      entry.used = false;
      return;
    }
    if (entry.tries == 0 && !entry.used) {  // stale and not in use
      MAYFLY_ASSERT(entry.waiting_count == 0);
      entry = {};
      return;
    }
    if (entry.tries > 0 && now - entry.asked_at < kRetry) return;
    if (entry.tries >= kTries) {
      release(entry, dropped);
      entry = {};
      return;
    }
    // RFC 1122 2.3.2.1 (2): a known host is first asked by unicast, and its entry used meanwhile.
    const bool unicast = entry.state == State::known && entry.tries < kUnicastTries;
    if (ask(entry.ip, unicast ? &entry.mac : nullptr)) note_request(entry, now);
  }

  Hash hash_;
  std::unique_ptr<Entry[]> entries_;
  // Where the last address with these low bits was found: what is there now says whether it still
  // is. Whoever brings many such addresses costs us the hash, no more.
  std::array<std::uint16_t, Hash::kIsCheap ? 1 : 256> found_{};
  static_assert(kSets * kWays <= 1u << 16);
  std::vector<Waiting> waiting_;
  Slab<Waiting> pool_;
  std::uint32_t hand_ = 0;  // the entry to be aged next
  std::array<Doubt, kDoubtsMax> doubts_;
  std::size_t doubt_count_ = 0;
};

}  // namespace mayfly::link
