// A fuzzer's bytes, taken off one value after the other. When they are used up everything is zero,
// so every input means something, and a prefix of it means the beginning of the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mayfly::testing {

class FuzzInput {
 public:
  explicit FuzzInput(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }

  /// The next bytes as a number, low byte first.
  template <class T>
  requires std::is_integral_v<T> T take() {
    T value{};
    const std::size_t n = std::min(sizeof value, rest_.size());
    std::memcpy(&value, rest_.data(), n);
    rest_ = rest_.subspan(n);
    return value;
  }

  bool coin() { return (take<std::uint8_t>() & 1) != 0; }

  /// A number in [0, n), n at least 1; takes no more bytes than n needs.
  std::uint32_t below(std::uint32_t n) {
    const std::uint32_t value = n <= 0x100     ? take<std::uint8_t>()
                                : n <= 0x10000 ? take<std::uint16_t>()
                                               : take<std::uint32_t>();
    return value % n;
  }

  /// A number in [low, high].
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }

  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<std::uint32_t>(values.size()))];
  }

  /// At most n of the next bytes, in memory of their own: a sanitizer sees who reads beyond them.
  std::vector<std::byte> bytes(std::size_t n) {
    const auto part = rest_.first(std::min(n, rest_.size()));
    rest_ = rest_.subspan(part.size());
    return {part.begin(), part.end()};
  }
  std::vector<std::byte> rest() { return bytes(rest_.size()); }
  std::string text() {
    const std::vector<std::byte> all = rest();
    return {reinterpret_cast<const char*>(all.data()), all.size()};
  }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace mayfly::testing
