#include "base/siphash.h"

#include <cstring>

namespace mayfly {

std::uint64_t siphash24(std::span<const std::byte> bytes, const SipKey& key) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  SipState state(key);
  const std::size_t whole = bytes.size() / kWord * kWord;
  for (std::size_t at = 0; at < whole; at += kWord) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, kWord);
    state.absorb<2>(word);
  }
  // The last word: the bytes left over, and the length modulo 256 on top.
  std::uint64_t last = std::uint64_t{bytes.size() & 0xff} << 56;
  for (std::size_t at = whole; at < bytes.size(); ++at)
    last |= std::to_integer<std::uint64_t>(bytes[at]) << (8 * (at - whole));
  state.absorb<2>(last);
  return state.finish<4>();
}

}  // namespace mayfly
