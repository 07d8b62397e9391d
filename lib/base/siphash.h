// SipHash (Aumasson and Bernstein, 2012): a keyed hash whose collisions nobody without the key can
// find. SipHash-2-4 makes SYN cookies; SipHash-1-3 steers flows to cores and orders the generator's
// four-tuples. Tables, initial sequence numbers and timestamp offsets have base/aes.h.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly {

/// The 128-bit secret, least significant word first.
using SipKey = std::array<std::uint64_t, 2>;

/// SipHash-2-4 of a message of any length.
std::uint64_t siphash24(std::span<const std::byte> bytes, const SipKey& key) noexcept;

/// The four words of SipHash's internal state; the names are the paper's.
struct SipState {
  std::uint64_t v0, v1, v2, v3;

  /// The state before the first word.
  explicit constexpr SipState(const SipKey& key) noexcept
      : v0(key[0] ^ 0x736f'6d65'7073'6575),
        v1(key[1] ^ 0x646f'7261'6e64'6f6d),
        v2(key[0] ^ 0x6c79'6765'6e65'7261),
        v3(key[1] ^ 0x7465'6462'7974'6573) {}

  /// One SipRound.
  constexpr void round() noexcept {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  /// Takes a word of the message in `kRounds` rounds (c of SipHash-c-d).
  template <int kRounds>
  constexpr void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    for (int i = 0; i < kRounds; ++i) round();
    v0 ^= word;
  }

  /// The hash, after `kRounds` rounds (d of SipHash-c-d). The last word absorbed has the length.
  template <int kRounds>
  constexpr std::uint64_t finish() noexcept {
    v2 ^= 0xff;
    for (int i = 0; i < kRounds; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

/// SipHash-1-3 of `words`, each little-endian in the message. Has no branch, and loads nothing but
/// the words.
template <std::size_t N>
inline std::uint64_t siphash13(const std::array<std::uint64_t, N>& words,
                               const SipKey& key) noexcept {
  SipState state(key);
  for (const std::uint64_t word : words) state.absorb<1>(word);
  state.absorb<1>(std::uint64_t{N * sizeof(std::uint64_t) & 0xff} << 56);
  return state.finish<3>();
}

}  // namespace mayfly
