#include "wire/checksum.h"

#include <cstring>

#include "base/endian.h"

namespace mayfly::wire {
namespace {

template <class Word>
std::uint64_t load_native(const std::byte* p) noexcept {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// Sums 32 bytes a turn as 32-bit words in four independent lanes, which compilers turn into vector
/// adds. Advances `p` past what it took. A lane has room for 2^32 words.
std::uint64_t sum_blocks(const std::byte*& p, std::size_t blocks) noexcept {
  std::uint64_t lanes[4] = {};
  for (; blocks != 0; --blocks, p += 32) {
    std::uint32_t words[8];
    std::memcpy(words, p, sizeof words);
    for (std::size_t i = 0; i < 4; ++i) lanes[i] += std::uint64_t{words[i]} + words[i + 4];
  }
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

}  // namespace

// RFC 1071 2 (B): the sum does not depend on the byte order, so native words are summed and the
// folded result is swapped once. Wider words do no harm either, for 2^16 = 1 modulo 2^16 - 1.
std::uint64_t checksum_add(std::span<const std::byte> bytes, std::uint64_t sum) noexcept {
  const std::byte* p = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t native = sum_blocks(p, size / 32);
  if (size & 16) {
    native += load_native<std::uint32_t>(p) + load_native<std::uint32_t>(p + 4) +
              load_native<std::uint32_t>(p + 8) + load_native<std::uint32_t>(p + 12);
    p += 16;
  }
  if (size & 8) {
    native += load_native<std::uint32_t>(p) + load_native<std::uint32_t>(p + 4);
    p += 8;
  }
  if (size & 4) {
    native += load_native<std::uint32_t>(p);
    p += 4;
  }
  if (size & 2) {
    native += load_native<std::uint16_t>(p);
    p += 2;
  }
  if (size & 1) native += std::to_integer<std::uint64_t>(*p);
  return sum + swap16(checksum_fold(native));
}

std::uint64_t pseudo_header_sum(const FlowKey4& key, std::uint8_t protocol,
                                std::uint16_t length) noexcept {
  return std::uint64_t{swap32(key.local_ip)} + swap32(key.remote_ip) + protocol + length;
}

}  // namespace mayfly::wire
