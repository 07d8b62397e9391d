// Unaligned big-endian loads and stores: the network's byte order in and out of a frame.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mayfly {

static_assert(std::endian::native == std::endian::little, "written for little-endian hosts");

/// Reverses the bytes.
constexpr std::uint16_t swap16(std::uint16_t v) { return __builtin_bswap16(v); }
constexpr std::uint32_t swap32(std::uint32_t v) { return __builtin_bswap32(v); }
constexpr std::uint64_t swap64(std::uint64_t v) { return __builtin_bswap64(v); }

/// The number at `p`, which needs no alignment.
inline std::uint16_t load_be16(const std::byte* p) noexcept {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return swap16(v);
}
inline std::uint32_t load_be32(const std::byte* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return swap32(v);
}
/// Writes the number to `p`, which needs no alignment.
inline void store_be16(std::byte* p, std::uint16_t v) noexcept {
  v = swap16(v);
  std::memcpy(p, &v, sizeof v);
}
inline void store_be32(std::byte* p, std::uint32_t v) noexcept {
  v = swap32(v);
  std::memcpy(p, &v, sizeof v);
}

}  // namespace mayfly
