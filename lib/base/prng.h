// A small seeded generator, xoshiro256** (Blackman and Vigna, 2018): the same seed gives the same
// numbers on every machine, so a failed simulation can be run again. Not for secrets.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"

namespace mayfly {

/// The generator. Copying it forks the sequence.
class Prng {
 public:
  /// The state is filled by splitmix64, so neighbouring seeds give unrelated sequences.
  explicit constexpr Prng(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed += 0x9e37'79b9'7f4a'7c15;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
      z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
      word = z ^ (z >> 31);
    }
  }

  /// 64 uniform bits.
  constexpr std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in 0 .. n - 1; n is at least 1. Draws again where the modulo would favour small
  /// results.
  constexpr std::uint64_t below(std::uint64_t n) noexcept {
    MAYFLY_ASSERT(n > 0);
    const std::uint64_t biased = -n % n;  // 2^64 modulo n
    std::uint64_t drawn = next();
    while (drawn < biased) drawn = next();
    return drawn % n;
  }

  /// True with the given probability: never at 0 or less, always at 1 or more.
  constexpr bool chance(double probability) noexcept {
    constexpr double kUnit = 1.0 / (std::uint64_t{1} << 53);
    return static_cast<double>(next() >> 11) * kUnit < probability;
  }

  /// Fills `bytes` with random ones.
  constexpr void fill(std::span<std::byte> bytes) noexcept {
    std::uint64_t word = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at, word >>= 8) {
      if (at % sizeof word == 0) word = next();
      bytes[at] = static_cast<std::byte>(word & 0xff);
    }
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace mayfly
