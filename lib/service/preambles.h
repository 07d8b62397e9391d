// The lines with which every answer begins: the status line, Server, and Date (RFC 9110 6.6.1).
//
// The control thread makes them anew each second, the cores read them without a lock. What a
// connection has queued stays in memory until it is acknowledged, and a segment that is sent again
// has to have the same octets. So each second has a place of its own, which is used again after
// kSeconds only: for longer than TCP tries to send anything.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "service/http_date.h"
#include "service/status.h"

namespace mayfly::service {

class Preambles {
 public:
  static constexpr std::size_t kSeconds = 1'024;

  /// There is no Date until the time is known: "an origin server without a clock MUST NOT generate
  /// a Date header field".
  Preambles();
  Preambles(const Preambles&) = delete;
  Preambles& operator=(const Preambles&) = delete;

  /// Date states `now` from now on. One thread at a time.
  void set_time(UnixSeconds now);

  /// Of an answer with the status at `position` (position_of), as of now. Any thread.
  std::span<const std::byte> operator[](std::size_t position) const noexcept {
    const Lines& lines = current_.load(std::memory_order_acquire)->of_status[position];
    return std::span(lines.bytes).first(lines.size);
  }

  std::size_t memory_bytes() const noexcept { return ring_.size() * sizeof(Second); }

 private:
  struct Lines {
    std::array<std::byte, 127> bytes;
    std::uint8_t size = 0;
  };
  struct Second {
    std::array<Lines, kHttpStatusCount> of_status;
  };

  std::vector<Second> ring_;
  std::size_t newest_ = 0;
  UnixSeconds now_ = -1;
  std::atomic<const Second*> current_;
};

}  // namespace mayfly::service
