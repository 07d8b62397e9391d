// The random generators of a scenario: one for each kind of choices, so that a choice stays the
// same when others are made in another way or not at all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/prng.h"
#include "base/time.h"

namespace mayfly::world {

/// A generator for one kind of choices of one seed.
class Dice {
 public:
  enum class For : std::uint64_t {
    faults = 1,
    clock,
    traffic,
    hosts,
    wires,
    policy,
    sizes,
    events,
    situations,  // which of them a world has
    two_ports,
    stuck_port,
    hostile_pools,
    client_text,
    overload,
    family,
    moving_router
  };
  Dice(std::uint64_t seed, For what, std::uint64_t number = 0)
      : random_(Prng(seed).next() ^ (static_cast<std::uint64_t>(what) << 56 | number << 40)) {}

  bool chance(double p) { return random_.chance(p); }
  /// Uniform in least to most, both included.
  template <class T>
  T from(T least, T most) {
    return static_cast<T>(
        least + static_cast<T>(random_.below(static_cast<std::uint64_t>(most - least) + 1)));
  }
  Duration from(Duration least, Duration most) { return {from(least.us, most.us)}; }
  /// Uniform in the number of its bits: the small ones as often as the large.
  std::uint32_t any_size(std::uint32_t most) {
    const std::uint32_t cap =
        most >> from(0u, 31u - static_cast<std::uint32_t>(__builtin_clz(most)));
    return from(1u, std::max(cap, 1u));
  }
  template <class T, std::size_t N>
  T one_of(const T (&list)[N]) {
    return list[random_.below(N)];
  }

 private:
  Prng random_;
};

}  // namespace mayfly::world
