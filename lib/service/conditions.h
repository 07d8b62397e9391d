// Conditional requests and ranges (RFC 9110 13, 14): what the fields of a request ask for, and what
// that means for a file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "service/http_date.h"

namespace mayfly::service {

/// A strong validator: the hash of a file's octets, in 16 hexadecimal digits between quotes.
struct EntityTag {
  std::uint64_t hash = 0;
  friend bool operator==(const EntityTag&, const EntityTag&) = default;
};
inline constexpr std::size_t kEntityTagBytes = 18;

/// As the field has it.
std::array<char, kEntityTagBytes> text_of(EntityTag tag) noexcept;

/// The list of an If-Match or If-None-Match field, as far as it may concern our tags.
class EntityTagList {
 public:
  /// Takes a field's value; the values of several fields are one list.
  void add(std::string_view value) noexcept;

  bool is_present() const noexcept { return is_present_; }
  /// Is the tag in the list? `weak`: a tag marked W/ counts too (RFC 9110 8.8.3.2). If the list was
  /// too long, the answer is the one that leads to the whole file.
  bool holds(EntityTag tag, bool weak) const noexcept;

 private:
  static constexpr std::size_t kTagsMax = 8;
  struct Listed {
    EntityTag tag;
    bool is_weak = false;
  };

  void add_one(std::string_view text) noexcept;

  std::array<Listed, kTagsMax> tags_{};
  std::uint8_t count_ = 0;
  bool is_present_ = false;
  bool is_any_ = false;   // "*"
  bool is_full_ = false;  // there were more tags than there is room for
};

/// Octets of a file: from `first`, so many.
struct ByteRange {
  std::uint64_t first = 0, count = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// A Range field that asks for one range of octets (RFC 9110 14.1.2). `first` is not set for the
/// last `last` octets.
struct RangeWish {
  std::optional<std::uint64_t> first, last;
  friend bool operator==(const RangeWish&, const RangeWish&) = default;
};

/// The wish of a Range field; none if it is malformed, asks for several ranges or for another unit:
/// such a field is ignored (RFC 9110 14.2).
std::optional<RangeWish> parse_range(std::string_view value) noexcept;

/// What the conditional fields of a request ask for.
struct Conditions {
  EntityTagList if_match, if_none_match;
  std::optional<UnixSeconds> if_modified_since, if_unmodified_since;
  std::optional<RangeWish> range;
  bool has_if_range = false;
  std::optional<EntityTag> if_range_tag;      ///< a strong one
  std::optional<UnixSeconds> if_range_since;  ///< or the date

  /// Takes the value of an If-Range field (RFC 9110 13.1.5).
  void add_if_range(std::string_view value) noexcept;
};

/// What is known of a file.
struct Validators {
  EntityTag tag;
  UnixSeconds modified = 0;
  std::uint64_t bytes = 0;
};

/// What to answer.
struct Judgement {
  enum class Answer : std::uint8_t { whole, part, not_modified, precondition_failed, no_such_part };
  Answer answer = Answer::whole;
  ByteRange range;  ///< of `part`
};

/// RFC 9110 13.2.2, in its order. `head`: the method is HEAD, for which no range is defined (14.2).
Judgement judge(const Conditions& conditions, const Validators& file, bool head) noexcept;

}  // namespace mayfly::service
