// The option list that IPv4 (RFC 791 3.1) and TCP (RFC 9293 3.2) share: two options of one byte,
// all others with a length byte that counts the whole option.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/layout.h"

namespace mayfly::wire {

/// The two options of one byte.
namespace option_kind {
inline constexpr std::uint8_t end = 0, nop = 1;
}

/// Calls `visit(kind, whole option)` for each option up to the end-of-list option, that one and
/// NOPs included. Returns false, having visited those before it, at an option whose length is below
/// 2 or runs past `options`. RFC 9293 3.1 (MUST-7): illegal lengths must do no harm.
template <class Visit>
bool walk_options(std::span<const std::byte> options, Visit visit) noexcept {
  std::size_t at = 0;
  while (at < options.size()) {
    const std::uint8_t kind = load_u8(&options[at]);
    std::size_t length = 1;
    if (kind != option_kind::end && kind != option_kind::nop) {
      if (options.size() - at < 2) return false;
      length = load_u8(&options[at + 1]);
      if (length < 2 || length > options.size() - at) return false;
    }
    visit(kind, options.subspan(at, length));
    if (kind == option_kind::end) break;
    at += length;
  }
  return true;
}

}  // namespace mayfly::wire
