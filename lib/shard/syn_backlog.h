// SYNs that wait while frames arrive faster than they are handled, so that what was begun is
// finished before something new is. A core that cannot follow would otherwise lose any frame that
// finds its device's ring full: an ACK or a FIN as likely as a SYN, and each of those is sent
// again, for a connection on which work was spent. A SYN that is dropped costs nothing but itself.
//
// One core's own; not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/burst.h"
#include "base/time.h"
#include "wire/parse.h"

namespace mayfly::shard {

class SynBacklog {
 public:
  /// SYNs that may wait; a power of two.
  static constexpr std::uint32_t kCapacity = 8'192;
  /// How long the oldest may have waited before no further one is taken: nobody who is let in waits
  /// much longer.
  static constexpr Duration kPatience = Duration::from_ms(10);
  /// So many full bursts in a row from a link, and the core is behind, until a burst comes of fewer
  /// than kCalm frames.
  static constexpr std::uint32_t kBehind = 512 / kBurstMax;
  static constexpr std::size_t kCalm = 16;

  struct Waiting {
    wire::ParsedFrame parsed;
    std::uint32_t hash = 0;  ///< of the four-tuple
    std::uint8_t link = 0;
    Instant since;
  };

  /// For `links` links. Its memory, about 650 KiB, is allocated here.
  /// `ipv6`: some are over IPv6, whose four-tuples are kept beside them.
  explicit SynBacklog(std::size_t links, bool ipv6 = false)
      : waiting_(kCapacity), sixes_(ipv6 ? kCapacity : 0), full_bursts_(links) {}

  /// A link had `count` frames. Call it for every link at every poll, before its frames are parsed.
  void note_burst(std::size_t link, std::size_t count) noexcept {
    std::uint32_t& full = full_bursts_[link];
    if (count == kBurstMax) {
      ++full;
    } else if (full < kBehind || count < kCalm) {
      full = 0;
    }
  }
  /// The core does not keep up with this link: its SYNs wait.
  bool is_behind(std::size_t link) const noexcept { return full_bursts_[link] >= kBehind; }
  /// No further SYN is taken: they are dropped, unread if possible.
  bool is_saturated(Instant now) const noexcept {
    return size() == kCapacity || (size() > 0 && now - front().since > kPatience);
  }

  std::uint32_t size() const noexcept { return last_ - first_; }
  /// Adds one; there must be room.
  void push(const Waiting& syn) noexcept {
    MAYFLY_ASSERT(size() < kCapacity);
    waiting_[last_++ % kCapacity] = syn;
  }
  /// The four-tuple of the one that was just added, which is over IPv6.
  void note_six(const FlowKey6& key) noexcept { sixes_[(last_ - 1) % kCapacity] = key; }
  const FlowKey6& front_six() const noexcept { return sixes_[first_ % kCapacity]; }
  /// The one that has waited longest; there must be one.
  const Waiting& front() const noexcept {
    MAYFLY_ASSERT(size() > 0);
    return waiting_[first_ % kCapacity];
  }
  void pop() noexcept {
    MAYFLY_ASSERT(size() > 0);
    ++first_;
  }

  /// Frames of other kinds were handled: for about as many connections as they end, others may
  /// begin. Call it at every poll.
  void earn(std::size_t handled) noexcept {
    credit_ = std::min(credit_ + static_cast<std::uint32_t>(handled) + kPrice, kCreditMax * kPrice);
  }
  /// True if a SYN that arrives now need not wait; it is paid for.
  bool lets_pass() noexcept {
    if (size() > 0 || credit_ < kPrice) return false;
    credit_ -= kPrice;
    return true;
  }
  /// How many of those that wait may go on now; they are paid for. If the core keeps up, a burst.
  std::size_t admit(bool behind) noexcept {
    const std::uint32_t most = behind ? credit_ / kPrice : std::uint32_t{kBurstMax};
    const std::uint32_t count = std::min({most, size(), std::uint32_t{kBurstMax}});
    credit_ -= std::min(credit_, count * kPrice);
    return count;
  }

 private:
  static constexpr std::uint32_t kPrice = 4;        // frames that a connection has beside its SYN
  static constexpr std::uint32_t kCreditMax = 512;  // SYNs

  std::vector<Waiting> waiting_;
  std::vector<FlowKey6> sixes_;
  std::vector<std::uint32_t> full_bursts_;  // by link
  std::uint32_t first_ = 0, last_ = 0;      // both count on and on
  std::uint32_t credit_ = 0;                // frames
};

}  // namespace mayfly::shard
