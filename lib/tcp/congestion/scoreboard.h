// What the peer has of what is outstanding, and what each ACK adds to it: cumulative
// acknowledgements, SACK blocks (RFC 2018, RFC 6675) and D-SACKs (RFC 2883).
//
// The peer may report more ranges than there is room for. Then the narrowest gap counts as SACKed,
// and `hidden` says how many octets were hidden in this way, so that the octets in the network are
// still counted right. When the acknowledgements come to such a gap it is found: a range that
// begins at SND.UNA cannot have been SACKed.
#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "tcp/congestion/sent_runs.h"
#include "tcp/connection.h"

namespace mayfly::tcp {

/// What an acknowledgement has told.
struct Delivery {
  std::uint32_t octets = 0;             ///< that were not known to have arrived
  std::uint32_t duplicate = 0;          ///< octets that a D-SACK reports as received twice
  bool sack_news = false;               ///< a SACK block reports something new
  bool tail_duplicate = false;          ///< the D-SACK is about the tail loss probe
  bool reordered = false;               ///< something came after what was sent later (RFC 8985 6.2)
  bool original_after_timeout = false;  ///< what a time-out had declared lost came by itself
};

/// Notes what `s` acknowledges; it lies between SND.UNA and SND.MAX. SND.UNA is still what it was.
/// For a connection with SACK.
Delivery take_delivery(Connection& c, const Segment& s, std::span<const wire::SackBlock> sacks,
                       Instant now) noexcept;

/// Nothing is SACKed, repaired or probed: what is acknowledged is all there is to know.
inline bool is_undisturbed(const Connection& c) noexcept {
  return sacked_count(c) == 0 && !c.has(kRepairs) && !c.rack.tail_outstanding;
}

/// Octets SACKed, as far as is known.
std::uint32_t sacked_octets(const Connection& c) noexcept;

/// Calls f(run, left, right) for each part of a run that was not SACKed, in order, until f returns
/// false.
template <class F>
void for_each_hole(const Connection& c, F&& f) noexcept {
  const std::span<const wire::SackBlock> sacked = sacked_ranges(c);
  Seq at = c.snd_una;
  std::size_t s = 0;
  for (const SentRun& run : sent_runs(c)) {
    while (before(at, run.end)) {
      while (s < sacked.size() && at_or_before(sacked[s].right, at)) ++s;
      const bool ranges_left = s < sacked.size();
      if (ranges_left && at_or_after(at, sacked[s].left)) {
        at = sacked[s].right;
        continue;
      }
      const Seq end = ranges_left && before(sacked[s].left, run.end) ? sacked[s].left : run.end;
      if (!f(run, at, end)) return;
      at = end;
    }
  }
}

}  // namespace mayfly::tcp
