// The answers that are made while requests are served: a part of a file (RFC 9110 14), or that it
// has no such part. One is held from its request until all of it is queued; its head is copied into
// the send queue.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/slab.h"
#include "service/site.h"

namespace mayfly::service {

struct PartialAnswer {
  static constexpr std::size_t kHeadMax = 600;

  std::uint32_t next_free;
  std::uint16_t head_size;
  std::uint16_t head_sent;
  std::uint8_t preamble;  ///< Response::preamble
  std::span<const std::byte> body;
  std::array<char, kHeadMax> head;

  std::span<const std::byte> head_left() const noexcept {
    return std::as_bytes(std::span(head)).subspan(head_sent, head_size - head_sent);
  }
};

/// The ones of a core.
class PartialAnswers {
 public:
  static constexpr std::uint32_t kMax = 512;
  static constexpr std::size_t kMemoryBytes = kMax * sizeof(PartialAnswer);

  PartialAnswers()
      : blocks_(std::make_unique_for_overwrite<PartialAnswer[]>(kMax)),
        slab_(std::span(blocks_.get(), kMax)) {}

  /// The answer with these octets of the file of `whole`, which is the response with all of it. An
  /// index, or kNoIndex: all are in use, or the head is too long.
  std::uint32_t make_part(const Site& site, const Response& whole, ByteRange range) noexcept {
    const FileFacts& file = site.file(whole);
    return make(
        HttpStatus::partial_content, file.bytes.subspan(range.first, range.count),
        {"Content-Type: ", file.content_type, "\r\nContent-Range: bytes ", Digits(range.first), "-",
         Digits(range.first + range.count - 1), "/", Digits(file.bytes.size()),
         "\r\nContent-Length: ", Digits(range.count), "\r\n", common_lines(whole)});
  }

  /// 416: the file of `whole` does not have the part (RFC 9110 15.5.17).
  std::uint32_t make_no_such_part(const Site& site, const Response& whole) noexcept {
    return make(HttpStatus::range_not_satisfiable, {},
                {"Content-Length: 0\r\nContent-Range: bytes */",
                 Digits(site.file(whole).bytes.size()), "\r\n", common_lines(whole)});
  }

  PartialAnswer& operator[](std::uint32_t index) noexcept { return slab_[index]; }
  void release(std::uint32_t index) noexcept { slab_.give_back(index); }
  std::uint32_t used() const noexcept { return slab_.used(); }

 private:
  /// A number as text.
  class Digits {
   public:
    explicit Digits(std::uint64_t value) noexcept
        : size_(static_cast<std::size_t>(
              std::to_chars(text_.data(), text_.data() + text_.size(), value).ptr - text_.data())) {
    }
    operator std::string_view() const noexcept { return {text_.data(), size_}; }

   private:
    std::array<char, 20> text_;
    std::size_t size_;
  };

  // The lines that 304 has as well, and the end of the head.
  static std::string_view common_lines(const Response& whole) noexcept {
    const auto lines = whole.lead.first(whole.head_size).subspan(whole.validators_at);
    return {reinterpret_cast<const char*>(lines.data()), lines.size()};
  }

  std::uint32_t make(HttpStatus status, std::span<const std::byte> body,
                     std::initializer_list<std::string_view> head) noexcept {
    std::size_t size = 0;
    for (const std::string_view part : head) size += part.size();
    const std::uint32_t index = size <= PartialAnswer::kHeadMax ? slab_.take() : kNoIndex;
    if (index == kNoIndex) return kNoIndex;
    PartialAnswer& answer = slab_[index];
    answer.head_size = answer.head_sent = 0;
    for (const std::string_view part : head) {
      std::ranges::copy(part, answer.head.begin() + answer.head_size);
      answer.head_size = static_cast<std::uint16_t>(answer.head_size + part.size());
    }
    answer.preamble = static_cast<std::uint8_t>(position_of(status));
    answer.body = body;
    return index;
  }

  std::unique_ptr<PartialAnswer[]> blocks_;
  Slab<PartialAnswer> slab_;
};

}  // namespace mayfly::service
