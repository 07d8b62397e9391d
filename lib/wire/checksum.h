// The Internet checksum (RFC 1071): one's complement sum of 16-bit words.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/endian.h"
#include "wire/flow_key.h"

namespace mayfly::wire {

/// The sum of `bytes` as big-endian words, added to `sum`, not yet folded or complemented. An odd
/// last byte counts as its word's high half, so only the last piece of a sum may have an odd size.
std::uint64_t checksum_add(std::span<const std::byte> bytes, std::uint64_t sum = 0) noexcept;

/// Folds to 16 bits without complementing.
inline std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
  const auto low = static_cast<std::uint32_t>(sum);
  std::uint32_t both = low + static_cast<std::uint32_t>(sum >> 32);
  both += both < low ? 1 : 0;  // the carry comes round
  // Each half is added to the other; the carry of the lower one goes where it belongs.
  both += std::rotl(both, 16);
  return static_cast<std::uint16_t>(both >> 16);
}

/// The sum of `bytes` in the processor's own order, to be folded and compared or stored without a
/// swap (RFC 1071 2 (B)). Inline, with a carry instead of vectors: for a header and a short payload
/// checksum_add takes twice as many instructions. An odd last byte as above.
[[gnu::always_inline]] inline std::uint64_t checksum_native(std::span<const std::byte> bytes,
                                                            std::uint64_t sum = 0) noexcept {
  const std::byte* p = bytes.data();
  std::size_t left = bytes.size();
  const auto add = [&](std::uint64_t word) {
    sum += word;
    sum += sum < word ? 1 : 0;  // the carry comes round
  };
  for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    add(word);
    p += sizeof word;
  }
  if ((left & 4) != 0) {
    std::uint32_t word;
    std::memcpy(&word, p, sizeof word);
    add(word);
    p += sizeof word;
  }
  if ((left & 2) != 0) {
    std::uint16_t word;
    std::memcpy(&word, p, sizeof word);
    add(word);
    p += sizeof word;
  }
  if ((left & 1) != 0) add(std::to_integer<std::uint64_t>(*p));
  return sum;
}

/// Copies `from` to `to`, and returns its checksum_native. What is summed is where it came from:
/// what was just written by wide stores could not be read back yet, which took a twentieth of a
/// server's cycles.
inline std::uint64_t copy_summed(std::span<const std::byte> from, std::byte* to) noexcept {
  std::memcpy(to, from.data(), from.size());
  return checksum_native(from);
}

/// The checksum_native of a text whose first `length` bytes have the sum `head`, and whose others
/// have the sum `tail` (RFC 1071 2 (A): bytes change places after an odd number of them).
inline std::uint64_t checksum_joined(std::uint64_t head, std::size_t length,
                                     std::uint64_t tail) noexcept {
  if (length == 0) return tail;
  if (length % 2 != 0) tail = swap16(checksum_fold(tail));
  head += tail;
  return head + (head < tail ? 1 : 0);
}

/// The value for a checksum field, in host order: store it big-endian.
inline std::uint16_t checksum_finish(std::uint64_t sum) noexcept {
  return static_cast<std::uint16_t>(~checksum_fold(sum));
}

/// The IPv4 pseudo-header's sum (RFC 9293 3.1) for `length` bytes of TCP header and data.
std::uint64_t pseudo_header_sum(const FlowKey4& key, std::uint8_t protocol,
                                std::uint16_t length) noexcept;

/// The IPv6 pseudo-header's sum (RFC 8200 8.1); `length` as above.
inline std::uint64_t pseudo_header_sum(const Ipv6Address& source, const Ipv6Address& destination,
                                       std::uint8_t next_header, std::uint32_t length) noexcept {
  return checksum_add(std::as_bytes(std::span(source.octets)),
                      checksum_add(std::as_bytes(std::span(destination.octets)))) +
         next_header + length;
}

}  // namespace mayfly::wire
