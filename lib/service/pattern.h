// The bytes that `bytes: N` routes send. Fixed, printable and different in every line, so that a
// client can check what it received: byte i of the body is byte i % 65536 of the pattern, which is
// the 1,024 lines
//
//   for at in range(0, 65536, 64): "%08x mayfly 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\n"
//   % at
#pragma once

#include <cstddef>
#include <span>

namespace mayfly::service {

inline constexpr std::size_t kPatternBytes = 65'536;

/// The pattern; lives as long as the program.
std::span<const std::byte> pattern() noexcept;

}  // namespace mayfly::service
