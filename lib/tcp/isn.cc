// SipHash-2-4 is the keyed function F of RFC 6528; domain separation keeps the two uses apart.
#include "tcp/isn.h"

#include "base/siphash.h"

namespace mayfly::tcp {

Seq initial_sequence(std::span<const std::byte> key, const Secret& secret, Instant now) noexcept {
  const auto timer = static_cast<std::uint32_t>(now.us / 4);  // RFC 9293 MUST-8: a 4 us clock
  return Seq{timer} + static_cast<std::uint32_t>(siphash24(key, secret));
}

std::uint32_t timestamp_offset(std::span<const std::byte> hosts, const Secret& secret) noexcept {
  // Not the ISN's key, so that one value reveals nothing about the other.
  constexpr std::uint64_t kPurpose = 0x7473'6f66'6673'6574;
  return static_cast<std::uint32_t>(siphash24(hosts, {secret[0] ^ kPurpose, secret[1]}));
}

}  // namespace mayfly::tcp
