#include "service/preambles.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/assert.h"

namespace mayfly::service {
namespace {

// RFC 9110 15.2: an interim response has nothing but its status line.
std::string preamble_of(HttpStatus status, std::string_view reason, std::string_view date_line) {
  const std::string status_line = fmt::format("HTTP/1.1 {} {}\r\n", code_of(status), reason);
  if (code_of(status) < 200) return status_line;
  return fmt::format("{}Server: mayfly\r\n{}", status_line, date_line);
}

}  // namespace

Preambles::Preambles() : ring_(kSeconds) { set_time(-1); }

void Preambles::set_time(UnixSeconds now) {
  Second* const next = &ring_[newest_];
  if (current_.load(std::memory_order_relaxed) != nullptr && now == now_) return;
  now_ = now;
  std::string date_line;
  if (now >= 0) {
    const auto date = http_date(now);
    date_line = fmt::format("Date: {}\r\n", std::string_view(date.data(), date.size()));
  }
  std::size_t position = 0;
#define MAYFLY_X(name, code, reason) put(HttpStatus::name, reason);
  const auto put = [&](HttpStatus status, std::string_view reason) {
    const std::string text = preamble_of(status, reason, date_line);
    Lines& lines = next->of_status[position++];
    MAYFLY_ASSERT(text.size() <= lines.bytes.size());
    std::ranges::copy(std::as_bytes(std::span(text)), lines.bytes.begin());
    lines.size = static_cast<std::uint8_t>(text.size());
  };
  MAYFLY_HTTP_STATUSES(MAYFLY_X)
#undef MAYFLY_X
  newest_ = (newest_ + 1) % ring_.size();
  current_.store(next, std::memory_order_release);
}

}  // namespace mayfly::service
