#include "service/conditions.h"

#include <algorithm>
#include <charconv>

#include "service/grammar.h"

namespace mayfly::service {
namespace {

// None if it is not one of ours; those of others match nothing.
std::optional<EntityTag> parse_tag(std::string_view text) noexcept {
  if (text.size() != kEntityTagBytes || text.front() != '"' || text.back() != '"') {
    return std::nullopt;
  }
  EntityTag tag;
  for (const char c : text.substr(1, text.size() - 2)) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) return std::nullopt;
    tag.hash = tag.hash << 4 | static_cast<unsigned>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return tag;
}

// Digits to the end of `text`.
std::optional<std::uint64_t> parse_position(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = end == text.data() + text.size() && !text.empty();
  // A position beyond 2^64 is beyond the end of every file.
  if (error == std::errc::result_out_of_range && is_whole) return ~std::uint64_t{0};
  return error == std::errc() && is_whole ? std::optional(value) : std::nullopt;
}

// RFC 9110 14.1.2. None: no octet of the file is in it.
std::optional<ByteRange> range_in(const RangeWish& wish, std::uint64_t bytes) noexcept {
  if (!wish.first) {
    const std::uint64_t count = std::min(*wish.last, bytes);
    if (count == 0) return std::nullopt;
    return ByteRange{bytes - count, count};
  }
  if (*wish.first >= bytes) return std::nullopt;
  const std::uint64_t last = std::min(wish.last.value_or(bytes - 1), bytes - 1);
  return ByteRange{*wish.first, last - *wish.first + 1};
}

// RFC 9110 13.1.5: does the part belong to what the client has?
bool is_range_wanted(const Conditions& c, const Validators& file) noexcept {
  if (!c.has_if_range) return true;
  if (c.if_range_tag) return *c.if_range_tag == file.tag;
  return c.if_range_since && *c.if_range_since == file.modified;
}

}  // namespace

std::array<char, kEntityTagBytes> text_of(EntityTag tag) noexcept {
  std::array<char, kEntityTagBytes> text;
  text.front() = text.back() = '"';
  for (std::size_t i = 0; i < 16; ++i)
    text[1 + i] = "0123456789abcdef"[tag.hash >> (60 - 4 * i) & 0xf];
  return text;
}

// The commas between tags are found by the quotes: a tag may hold one.
void EntityTagList::add(std::string_view value) noexcept {
  is_present_ = true;
  while (!value.empty()) {
    std::size_t end = 0;
    for (bool quoted = false; end < value.size() && (quoted || value[end] != ','); ++end) {
      if (value[end] == '"') quoted = !quoted;
    }
    add_one(trimmed(value.substr(0, end)));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

void EntityTagList::add_one(std::string_view text) noexcept {
  if (text == "*") is_any_ = true;
  const bool is_weak = text.starts_with("W/");
  const std::optional<EntityTag> tag = parse_tag(text.substr(is_weak ? 2 : 0));
  if (!tag) return;
  is_full_ = count_ == kTagsMax;
  if (is_full_) return;
  tags_[count_++] = {*tag, is_weak};
}

bool EntityTagList::holds(EntityTag tag, bool weak) const noexcept {
  if (is_any_ || (is_full_ && !weak)) return true;
  return std::any_of(tags_.begin(), tags_.begin() + count_, [&](const Listed& listed) {
    return listed.tag == tag && (weak || !listed.is_weak);
  });
}

void Conditions::add_if_range(std::string_view value) noexcept {
  has_if_range = true;
  if_range_tag = parse_tag(value);
  if_range_since = parse_http_date(value);
}

std::optional<RangeWish> parse_range(std::string_view value) noexcept {
  constexpr std::string_view kUnit = "bytes=";
  if (!equals_ignoring_case(value.substr(0, kUnit.size() - 1), "bytes") ||
      value.substr(0, kUnit.size()).back() != '=') {
    return std::nullopt;
  }
  const std::string_view set = trimmed(value.substr(kUnit.size()));
  const std::size_t dash = set.find('-');
  if (dash == set.npos) return std::nullopt;
  RangeWish wish{parse_position(set.substr(0, dash)), parse_position(set.substr(dash + 1))};
  const bool has_first = dash > 0, has_last = dash + 1 < set.size();
  const bool is_malformed = has_first != wish.first.has_value() ||
                            has_last != wish.last.has_value() || (!has_first && !has_last);
  if (is_malformed || (wish.first && wish.last && *wish.last < *wish.first)) return std::nullopt;
  return wish;
}

Judgement judge(const Conditions& c, const Validators& file, bool head) noexcept {
  using enum Judgement::Answer;
  // 1 and 2: the preconditions of the method.
  if (c.if_match.is_present()) {
    if (!c.if_match.holds(file.tag, false)) return {precondition_failed, {}};
  } else if (c.if_unmodified_since && file.modified > *c.if_unmodified_since) {
    return {precondition_failed, {}};
  }
  // 3 and 4: what the client has already.
  if (c.if_none_match.is_present()) {
    if (c.if_none_match.holds(file.tag, true)) return {not_modified, {}};
  } else if (c.if_modified_since && file.modified <= *c.if_modified_since) {
    return {not_modified, {}};
  }
  // 5: a part of it.
  if (head || !c.range || !is_range_wanted(c, file)) return {};
  const std::optional<ByteRange> range = range_in(*c.range, file.bytes);
  if (!range) return {no_such_part, {}};
  return {part, *range};
}

}  // namespace mayfly::service
