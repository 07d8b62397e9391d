// AES-128 (FIPS 197), one block: a keyed function of sixteen bytes whose collisions nobody without
// the key can find, as SipHash, at an eighth of its instructions where the processor has AES.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#ifdef __AES__
#include <wmmintrin.h>
#endif

namespace mayfly {

/// The cipher under one key; it only encrypts.
class Aes128 {
 public:
  /// As in FIPS 197: the first byte of the text is the first of the block.
  using Block = std::array<std::uint8_t, 16>;
  /// A block in two registers. One that was written in smaller parts just before cannot be read as
  /// a whole yet.
  using Halves = std::array<std::uint64_t, 2>;

  /// Expands the key (FIPS 197 5.2).
  explicit constexpr Aes128(const Block& key) noexcept;

  /// The block, encrypted, by the processor's instructions if it has them.
  Block encrypt(const Block& block) const noexcept {
#ifdef __AES__
    return to_block(encrypt(to_vector(std::bit_cast<Halves>(block))));
#else
    return encrypt_portably(block);
#endif
  }

  /// The last of the blocks in the mode CBC from a block of zeros: as good as a random function of
  /// texts of one length.
  template <std::size_t kBlocks>
  Block mac(const std::array<Halves, kBlocks>& text) const noexcept {
#ifdef __AES__
    __m128i state{};
    for (const Halves& block : text) state = encrypt(_mm_xor_si128(state, to_vector(block)));
    return to_block(state);
#else
    return mac_portably(text);
#endif
  }

  /// The mac of a text and one more block, from the text's.
  Block mac_on(const Block& mac, const Halves& next) const noexcept {
#ifdef __AES__
    const __m128i state = to_vector(std::bit_cast<Halves>(mac));
    return to_block(encrypt(_mm_xor_si128(state, to_vector(next))));
#else
    Block state = mac;
    add_key(state, std::bit_cast<Block>(next));
    return encrypt_portably(state);
#endif
  }

  /// The same on any processor.
  constexpr Block encrypt_portably(Block state) const noexcept;
  template <std::size_t kBlocks>
  constexpr Block mac_portably(const std::array<Halves, kBlocks>& text) const noexcept {
    Block state{};
    for (const Halves& block : text) {
      add_key(state, std::bit_cast<Block>(block));
      state = encrypt_portably(state);
    }
    return state;
  }

 private:
  static constexpr std::size_t kRounds = 10;

#ifdef __AES__
  static __m128i to_vector(const Halves& block) noexcept {
    return _mm_set_epi64x(static_cast<long long>(block[1]), static_cast<long long>(block[0]));
  }
  static Block to_block(__m128i state) noexcept {
    Block block;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(block.data()), state);
    return block;
  }
  __m128i encrypt(__m128i text) const noexcept {
    const auto key = [&](std::size_t round) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(keys_[round].data()));
    };
    __m128i state = _mm_xor_si128(text, key(0));
    for (std::size_t round = 1; round < kRounds; ++round)
      state = _mm_aesenc_si128(state, key(round));
    return _mm_aesenclast_si128(state, key(kRounds));
  }
#endif
  using SBox = std::array<std::uint8_t, 256>;

  /// Multiplication by x in GF(2^8) (FIPS 197 4.2.1).
  static constexpr std::uint8_t times_x(std::uint8_t b) noexcept {
    return static_cast<std::uint8_t>((b << 1) ^ ((b & 0x80) != 0 ? 0x1b : 0));
  }
  static constexpr SBox make_s_box() noexcept;
  static const SBox kSBox;

  static constexpr void add_key(Block& state, const Block& key) noexcept {
    for (std::size_t i = 0; i < state.size(); ++i) state[i] ^= key[i];
  }
  static constexpr void substitute_and_shift(Block& state) noexcept;
  static constexpr void mix_columns(Block& state) noexcept;

  std::array<Block, kRounds + 1> keys_{};
};

// FIPS 197 5.1.1: the inverse in GF(2^8), then an affine map. 3 generates the field: p runs through
// its powers and q through their inverses.
constexpr Aes128::SBox Aes128::make_s_box() noexcept {
  SBox box{};
  std::uint8_t p = 1, q = 1;
  do {
    p = static_cast<std::uint8_t>(p ^ times_x(p));
    q = static_cast<std::uint8_t>(q ^ q << 1);
    q = static_cast<std::uint8_t>(q ^ q << 2);
    q = static_cast<std::uint8_t>(q ^ q << 4);
    if ((q & 0x80) != 0) q ^= 0x09;
    std::uint8_t affine = 0x63;
    for (const int turn : {0, 1, 2, 3, 4})
      affine ^= static_cast<std::uint8_t>(q << turn | q >> (8 - turn));
    box[p] = affine;
  } while (p != 1);
  box[0] = 0x63;
  return box;
}
inline constexpr Aes128::SBox Aes128::kSBox = Aes128::make_s_box();

constexpr Aes128::Aes128(const Block& key) noexcept {
  keys_[0] = key;
  std::uint8_t constant = 1;
  for (std::size_t round = 1; round <= kRounds; ++round) {
    const Block& last = keys_[round - 1];
    Block& next = keys_[round];
    for (std::size_t i = 0; i < 4; ++i) next[i] = last[i] ^ kSBox[last[12 + (i + 1) % 4]];
    next[0] ^= constant;
    for (std::size_t i = 4; i < 16; ++i) next[i] = last[i] ^ next[i - 4];
    constant = times_x(constant);
  }
}

constexpr void Aes128::substitute_and_shift(Block& state) noexcept {
  const Block before = state;
  for (std::size_t column = 0; column < 4; ++column)
    for (std::size_t row = 0; row < 4; ++row)
      state[4 * column + row] = kSBox[before[4 * ((column + row) % 4) + row]];
}

constexpr void Aes128::mix_columns(Block& state) noexcept {
  for (std::size_t at = 0; at < 16; at += 4) {
    const std::array<std::uint8_t, 4> c{state[at], state[at + 1], state[at + 2], state[at + 3]};
    const auto all = static_cast<std::uint8_t>(c[0] ^ c[1] ^ c[2] ^ c[3]);
    for (std::size_t row = 0; row < 4; ++row)
      state[at + row] = static_cast<std::uint8_t>(
          c[row] ^ all ^ times_x(static_cast<std::uint8_t>(c[row] ^ c[(row + 1) % 4])));
  }
}

constexpr Aes128::Block Aes128::encrypt_portably(Block state) const noexcept {
  add_key(state, keys_[0]);
  for (std::size_t round = 1; round < kRounds; ++round) {
    substitute_and_shift(state);
    mix_columns(state);
    add_key(state, keys_[round]);
  }
  substitute_and_shift(state);
  add_key(state, keys_[kRounds]);
  return state;
}

}  // namespace mayfly
