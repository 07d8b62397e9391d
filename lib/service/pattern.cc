#include "service/pattern.h"

#include <array>
#include <string_view>

namespace mayfly::service {
namespace {

constexpr std::size_t kLineBytes = 64;
constexpr std::string_view kTail = " mayfly 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\n";
static_assert(8 + kTail.size() == kLineBytes && kPatternBytes % kLineBytes == 0);

std::array<std::byte, kPatternBytes> make_pattern() noexcept {
  std::array<std::byte, kPatternBytes> bytes;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const std::size_t column = at % kLineBytes, line_start = at - column;
    const char c =
        column < 8 ? "0123456789abcdef"[line_start >> (28 - 4 * column) & 0xf] : kTail[column - 8];
    bytes[at] = static_cast<std::byte>(c);
  }
  return bytes;
}

}  // namespace

std::span<const std::byte> pattern() noexcept {
  static const std::array<std::byte, kPatternBytes> bytes = make_pattern();
  return bytes;
}

}  // namespace mayfly::service
