// What one core of the generator counts and measures.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/histogram.h"
#include "base/time.h"

namespace mayfly {

// Why a connection failed, as the JSON names it. X(name, what it means)
#define MAYFLY_LOAD_FAILURES(X)                                                           \
  X(refused, "RST in answer to our SYN")                                                  \
  X(reset, "the peer's RST, at any later time")                                           \
  X(timed_out, "load.timeout, TCP's limit of retransmissions, or a FIN that never came")  \
  X(unreachable, "ICMP said so, or nobody answered ARP")                                  \
  X(bad_status, "an answer that is not 2xx")                                              \
  X(short_body, "the peer ended the connection before all its answers had arrived whole") \
  X(malformed_response, "not HTTP, or octets after the end of an answer")                 \
  X(table_full, "our own stack had no room for the connection; these were never opened")  \
  X(aborted_at_end, "still open when the run ended")

enum class Failure : std::uint8_t {
  none,
#define MAYFLY_X(name, help) name,
  MAYFLY_LOAD_FAILURES(MAYFLY_X)
#undef MAYFLY_X
};
#define MAYFLY_X(name, help) +1
/// With `none`.
inline constexpr std::size_t kFailureCount = 1 MAYFLY_LOAD_FAILURES(MAYFLY_X);
#undef MAYFLY_X

/// "refused", "reset", ...; "none".
std::string_view name_of(Failure failure) noexcept;

struct LoadCounters {
  std::uint64_t offered = 0;      ///< starts that were made or tried
  std::uint64_t behind = 0;       ///< starts that were due and not made: the generator was too slow
  std::uint64_t opened = 0;       ///< of the offered, those that the stack took: a SYN went out
  std::uint64_t established = 0;  ///< of the opened, those whose handshake completed
  /// Of the established, those whose answers all arrived whole with status 2xx, and which then
  /// closed as planned: client first, both FINs; server first, the server's FIN and then ours, or
  /// (close.abort) its RST; reset, our RST.
  std::uint64_t completed = 0;
  std::uint64_t open = 0;            ///< opened and not yet ended
  std::uint64_t requests = 0;        ///< sent
  std::uint64_t responses = 0;       ///< that arrived whole with status 2xx
  std::uint64_t bytes = 0;           ///< of responses, heads included
  std::uint64_t port_exhausted = 0;  ///< of the offered, those that found no free source pair
  std::array<std::uint64_t, kFailureCount> failed{};  ///< by Failure

  std::uint64_t& failures(Failure why) noexcept { return failed[static_cast<std::size_t>(why)]; }
  std::uint64_t failed_total() const noexcept;
  void merge(const LoadCounters& other) noexcept;
};

struct LoadResults {
  LoadCounters counters;
  Histogram latency;          ///< us from the intended start to the last octet of the last answer
  Histogram connect_latency;  ///< us from the SYN to the completed handshake
  Duration ran{};             ///< since the first start, until now or the end of the schedule

  /// Adds another core's; `ran` becomes the longer.
  void merge(const LoadResults& other) noexcept;
};

/// Brings a copy of the results from the polling core to a reader, who asks for it. The core's part
/// costs one load a poll; it never waits.
class ResultsExchange {
 public:
  /// The reader: asks for a fresh copy, unless one is being asked for.
  void ask() noexcept {
    if (state_.load(std::memory_order_acquire) != kAsked)
      state_.store(kAsked, std::memory_order_release);
  }
  /// The reader: the copy, once the core has made it; nullptr before. Valid until the next ask().
  const LoadResults* answer() const noexcept {
    return state_.load(std::memory_order_acquire) == kAnswered ? &copy_ : nullptr;
  }

  /// The core: has the reader asked?
  bool asked() const noexcept { return state_.load(std::memory_order_acquire) == kAsked; }
  /// The core, when asked.
  void give(const LoadResults& results) noexcept {
    copy_ = results;
    state_.store(kAnswered, std::memory_order_release);
  }

 private:
  enum State : std::uint8_t { kIdle, kAsked, kAnswered };
  std::atomic<State> state_{kIdle};
  LoadResults copy_;
};

}  // namespace mayfly
