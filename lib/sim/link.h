// A simulated link: each frame meets its faults independently, in either direction. Beside the
// faults of FaultSettings there is the tail that TIME_WAIT is about: a copy of some frames wanders
// about for seconds before it arrives (RFC 9293 3.4.1, "old duplicate").
#pragma once

#include <cmath>
#include <cstdint>

#include "base/endian.h"
#include "base/prng.h"
#include "base/time.h"
#include "config/settings.h"
#include "sim/frame_pool.h"
#include "wire/ethernet.h"
#include "wire/layout.h"

namespace mayfly {

struct LinkSettings {
  FaultSettings faults;                       ///< `seed` is not used: the network has one
  double stray = 0;                           ///< share of frames with a copy that comes late
  Duration stray_min = Duration::from_s(1);   ///< above 0
  Duration stray_max = Duration::from_s(20);  ///< at least stray_min
  /// ARP meets no faults: they are those of the path behind the link, not of the link.
  bool spares_arp = true;
};

/// What a link did, in frames of both directions.
struct LinkCounts {
  std::uint64_t lost = 0, duplicated = 0, corrupted = 0, reordered = 0, strayed = 0;
};

class Link {
 public:
  explicit Link(const LinkSettings& settings)
      : settings_(settings), clean_(!settings.faults.any() && settings.stray <= 0) {}

  /// Takes ownership of `frame` and hands each of its copies that arrive (none to three) to
  /// `deliver(frame, flight)`, `flight` being how long it is under way.
  template <class Deliver>
  void carry(FramePool& pool, SimFrame* frame, Prng& random, Deliver&& deliver) {
    if (clean_ || (settings_.spares_arp && is_arp(*frame))) return deliver(frame, Duration{});
    const FaultSettings& faults = settings_.faults;
    if (random.chance(settings_.stray)) {
      const Duration late = stray_time(random);
      if (SimFrame* const twin = pool.copy(*frame)) {
        ++counts_.strayed;
        deliver(twin, faults.delay + late);
      }
    }
    if (random.chance(faults.loss)) {
      ++counts_.lost;
      return pool.give_back(frame);
    }
    if (random.chance(faults.duplicate)) {
      if (SimFrame* const twin = pool.copy(*frame)) {
        ++counts_.duplicated;
        deliver(twin, flight_time(random));
      }
    }
    if (random.chance(faults.corrupt)) corrupt(*frame, random);
    deliver(frame, flight_time(random));
  }

  const LinkCounts& counts() const noexcept { return counts_; }

 private:
  static bool is_arp(const SimFrame& frame) noexcept {
    return frame.length >= kEthernetHeaderSize &&
           load_be16(&frame.room[ethernet_at::type]) == ethertype::arp;
  }

  static std::int64_t below(Prng& random, std::int64_t n) noexcept {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n)));
  }

  Duration flight_time(Prng& random) noexcept {
    constexpr std::int64_t kHeldBackMaxUs = 1'000;  // as the fault port holds back
    const FaultSettings& faults = settings_.faults;
    Duration flight = faults.delay;
    if (faults.jitter.us > 0) flight.us += below(random, faults.jitter.us);
    if (random.chance(faults.reorder)) {
      flight.us += 1 + below(random, kHeldBackMaxUs);
      ++counts_.reordered;
    }
    return flight;
  }

  // Uniform in its logarithm: the longer the rarer.
  Duration stray_time(Prng& random) const noexcept {
    constexpr double kUnit = 1.0 / (std::uint64_t{1} << 53);
    const double part = static_cast<double>(random.next() >> 11) * kUnit;
    const double ratio = settings_.stray_max.seconds() / settings_.stray_min.seconds();
    const double us = static_cast<double>(settings_.stray_min.us) * std::pow(ratio, part);
    return {static_cast<std::int64_t>(us)};
  }

  // One bit: TCP's checksum finds any such damage, while two or three flips may cancel out in it.
  void corrupt(SimFrame& frame, Prng& random) noexcept {
    frame.room[random.below(frame.length)] ^= std::byte{1} << random.below(8);
    ++counts_.corrupted;
  }

  LinkSettings settings_;
  bool clean_;
  LinkCounts counts_;
};

}  // namespace mayfly
