// Sequence numbers: arithmetic modulo 2^32 (RFC 9293 3.4). The order is not total, so there is no
// operator<.
#pragma once

#include <cstdint>

namespace mayfly::wire {

/// A sequence number.
struct Seq {
  std::uint32_t raw = 0;

  friend constexpr bool operator==(Seq, Seq) = default;
  friend constexpr Seq operator+(Seq a, std::uint32_t n) { return {a.raw + n}; }
  friend constexpr Seq operator-(Seq a, std::uint32_t n) { return {a.raw - n}; }
  /// The signed distance from b to a; meaningful while they are less than 2^31 apart.
  friend constexpr std::int32_t operator-(Seq a, Seq b) {
    return static_cast<std::int32_t>(a.raw - b.raw);
  }
  constexpr Seq& operator+=(std::uint32_t n) {
    raw += n;
    return *this;
  }

  /// The order of two numbers that are less than 2^31 apart.
  friend constexpr bool before(Seq a, Seq b) { return (a - b) < 0; }
  friend constexpr bool after(Seq a, Seq b) { return (a - b) > 0; }
  friend constexpr bool at_or_before(Seq a, Seq b) { return (a - b) <= 0; }
  friend constexpr bool at_or_after(Seq a, Seq b) { return (a - b) >= 0; }
};

/// The one that is after the other.
constexpr Seq later_of(Seq a, Seq b) { return after(a, b) ? a : b; }

static_assert(before(Seq{0xffff'fff0u}, Seq{0x10u}));

}  // namespace mayfly::wire

namespace mayfly {  // vocabulary
using wire::Seq;
}  // namespace mayfly
