// A simulated wire: each frame meets its faults independently, in either direction. Beside the
// faults of FaultSettings some frames have a copy that arrives
// seconds later (RFC 9293 3.4.1, "old duplicate"): what TIME_WAIT protects against.
#pragma once

#include <cstdint>
#include <deque>

#include "base/assert.h"
#include "base/prng.h"
#include "base/time.h"
#include "link/settings.h"
#include "net/frame_pool.h"

namespace mayfly::net {

struct WireSettings {
  link::FaultSettings faults;                 ///< `seed` is not used: the network has one
  double stray = 0;                           ///< share of frames with a copy that comes late
  Duration stray_min = Duration::from_s(1);   ///< above 0
  Duration stray_max = Duration::from_s(20);  ///< at least stray_min
  /// A burst of losses (Gilbert's model): the chance, at each frame, that one begins, and that it
  /// ends.
  double burst_begins = 0, burst_ends = 0.25;
  /// Octets a second, both directions together; 0 = any. What would wait behind more than
  /// `queue_frames` full frames is lost.
  std::uint64_t rate = 0;
  std::uint32_t queue_frames = 64;
  /// Frames arrive in bunches, when the clock is at a multiple of this; 0 = as they come.
  Duration bunch{};
  /// Share of frames that bring the latest kReplayed frames with them once more, all in one burst.
  double replay = 0;
  /// A middlebox blanks the timestamps of all segments but SYNs.
  bool blanks_timestamps = false;
  /// ARP meets no faults but a cut: they are those of the path behind the wire, not of the wire.
  bool spares_arp = true;

  bool any() const {
    return faults.any() || stray > 0 || burst_begins > 0 || rate > 0 || bunch.us > 0 ||
           replay > 0 || blanks_timestamps;
  }
};

/// What a wire did, in frames of both directions.
struct WireCounts {
  std::uint64_t lost = 0, duplicated = 0, corrupted = 0, reordered = 0, strayed = 0, replayed = 0;
};

class SimWire {
 public:
  /// A replay is of at most so many frames, none older than kReplayAge.
  static constexpr std::size_t kReplayed = 12;
  static constexpr Duration kReplayAge = Duration::from_s(5);

  explicit SimWire(const WireSettings& settings) : settings_(settings), clean_(!settings.any()) {
    MAYFLY_ASSERT(settings.stray_min.us > 0 && settings.stray_min <= settings.stray_max);
    MAYFLY_ASSERT(settings.burst_begins == 0 || settings.burst_ends > 0);
    MAYFLY_ASSERT(settings.rate == 0 || settings.queue_frames > 0);
    MAYFLY_ASSERT(settings.faults.delay.us >= 0 && settings.faults.jitter.us >= 0);
  }

  /// Takes ownership of `frame`, which enters the wire at `at`, and hands each of its copies that
  /// arrive to `deliver(frame, arrival)`.
  template <class Deliver>
  void carry(FramePool& pool, SimFrame* frame, Instant at, Prng& random, Deliver&& deliver) {
    MAYFLY_ASSERT(frame != nullptr && frame->length <= link::kFrameRoom);
    if (clean_) return deliver(frame, at);
    if (cut_) return lose(pool, frame);
    if (settings_.spares_arp && is_arp(*frame)) return deliver(frame, at);
    carry_through_faults(pool, frame, at, random, deliver);
  }

  /// While it is cut, nothing arrives.
  void cut(bool is_cut) noexcept {
    cut_ = is_cut;
    clean_ = !is_cut && !settings_.any();
  }
  /// From now on the wire is perfect. Frames that are under way are not affected.
  void heal(FramePool& pool) noexcept {
    settings_ = {};
    cut(false);
    forget(pool);
  }
  const WireCounts& counts() const noexcept { return counts_; }

 private:
  struct Recent {
    SimFrame* frame;
    Instant at;
  };

  template <class Deliver>
  void carry_through_faults(FramePool& pool, SimFrame* frame, Instant at, Prng& random,
                            Deliver& deliver) {
    const link::FaultSettings& faults = settings_.faults;
    if (settings_.blanks_timestamps) blank(*frame);
    if (random.chance(settings_.stray)) {
      const Instant late = at + faults.delay + stray_time(random);
      if (deliver_copy(pool, *frame, late, deliver)) ++counts_.strayed;
    }
    if (settings_.replay > 0) replay(pool, *frame, at, random, deliver);
    if (is_lost(random) || !passes_queue(*frame, at)) return lose(pool, frame);
    if (random.chance(faults.duplicate) && deliver_copy(pool, *frame, arrival(at, random), deliver))
      ++counts_.duplicated;
    if (random.chance(faults.corrupt)) corrupt(*frame, random);
    deliver(frame, arrival(at, random));
  }

  template <class Deliver>
  static bool deliver_copy(FramePool& pool, const SimFrame& frame, Instant when, Deliver& deliver) {
    SimFrame* const twin = pool.copy(frame);
    if (twin == nullptr) return false;
    deliver(twin, when);
    return true;
  }

  template <class Deliver>
  void replay(FramePool& pool, const SimFrame& frame, Instant at, Prng& random, Deliver& deliver) {
    remember(pool, frame, at);
    if (!random.chance(settings_.replay)) return;
    const Instant when = arrival(at, random);
    for (const Recent& recent : recent_)
      if (deliver_copy(pool, *recent.frame, when, deliver)) ++counts_.replayed;
  }

  void lose(FramePool& pool, SimFrame* frame) noexcept {
    ++counts_.lost;
    pool.give_back(frame);
  }

  static void blank(SimFrame& frame) noexcept;
  static bool is_arp(const SimFrame& frame) noexcept;
  bool is_lost(Prng& random) noexcept;
  bool passes_queue(const SimFrame& frame, Instant& at) noexcept;
  Instant arrival(Instant at, Prng& random) noexcept;
  Duration stray_time(Prng& random) const noexcept;
  void corrupt(SimFrame& frame, Prng& random) noexcept;
  void remember(FramePool& pool, const SimFrame& frame, Instant at);
  void forget(FramePool& pool) noexcept;

  WireSettings settings_;
  bool clean_, cut_ = false, in_burst_ = false;
  Instant free_at_;  // when what is in the queue has left it
  std::deque<Recent> recent_;
  WireCounts counts_;
};

}  // namespace mayfly::net
