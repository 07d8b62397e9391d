// What one core of the generator counts and measures.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/histogram.h"
#include "base/metric.h"
#include "base/time.h"

namespace mayfly::load {

// Why a connection failed. X(name, which is the key in the JSON, what is counted)
#define MAYFLY_LOAD_FAILURES(X)                                                                   \
  X(refused, "connections whose SYN was answered by RST")                                         \
  X(reset, "connections that ended by the peer's RST, at any later time")                         \
  X(timed_out,                                                                                    \
    "connections given up by load.timeout, by TCP's limit of retransmissions, or for a FIN that " \
    "never came")                                                                                 \
  X(unreachable, "connections to a peer that ICMP called unreachable")                            \
  X(bad_status, "connections with an answer that is not 2xx")                                     \
  X(short_body, "connections that the peer ended before all its answers had arrived whole")       \
  X(malformed_response,                                                                           \
    "connections with an answer that is not HTTP, or octets after the end of one")                \
  X(table_full, "connections for which our own stack had no room: they were never opened")        \
  X(aborted_at_end, "connections that were still open when the run ended")

/// Why a connection failed.
enum class Failure : std::uint8_t {
  none,
#define MAYFLY_X(name, help) name,
  MAYFLY_LOAD_FAILURES(MAYFLY_X)
#undef MAYFLY_X
};
#define MAYFLY_X(name, help) +1
/// `none` included.
inline constexpr std::size_t kFailureCount = 1 MAYFLY_LOAD_FAILURES(MAYFLY_X);
#undef MAYFLY_X

/// "refused", "reset", ...; "none".
std::string_view name_of(Failure failure) noexcept;
/// The help text of its counter.
std::string_view help_of(Failure failure) noexcept;

// X(kind, name, unit, key in the JSON, what is counted): base/metric.h describes these columns.
// A connection closed as planned if it ended so: close.first: client, with both FINs; server, with
// the server's FIN and then ours, or (close.abort) with its RST; reset, with our RST.
#define MAYFLY_LOAD_METRICS(X)                                                                    \
  X(counter, offered, "connections", "offered", "starts that were made or tried")                 \
  X(counter, behind, "connections", "not_started",                                                \
    "starts that were due and not made because the generator was too slow")                       \
  X(counter, opened, "connections", "opened", "connections for which a SYN was sent")             \
  X(counter, established, "connections", "established", "connections whose handshake completed")  \
  X(counter, completed, "connections", "completed",                                               \
    "connections whose answers all arrived whole with status 2xx, and which then closed as "      \
    "planned")                                                                                    \
  X(gauge, open, "connections", "open", "connections that were opened and have not yet ended")    \
  X(counter, requests, "requests", "requests", "requests sent")                                   \
  X(counter, responses, "responses", "responses", "responses that arrived whole with status 2xx") \
  X(counter, bytes, "bytes", "response_bytes", "bytes of responses, heads included")              \
  X(counter, port_exhausted, "connections", "port_exhausted", "starts that found no free source")

/// Counts of one core's connections.
struct LoadCounters {
#define MAYFLY_X(kind, name, unit, path, help) std::uint64_t name = 0;
  MAYFLY_LOAD_METRICS(MAYFLY_X)
#undef MAYFLY_X
  std::array<std::uint64_t, kFailureCount> failed{};  ///< by Failure

  std::uint64_t& failures(Failure why) noexcept { return failed[static_cast<std::size_t>(why)]; }
  std::uint64_t failed_total() const noexcept;
  void merge(const LoadCounters& other) noexcept;
};

inline constexpr auto kLoadMetrics = std::to_array<Metric<LoadCounters, std::uint64_t>>({
#define MAYFLY_X(kind, name, unit, path, help) \
  {MetricKind::kind, #name, unit, path, help, &LoadCounters::name},
    MAYFLY_LOAD_METRICS(MAYFLY_X)
#undef MAYFLY_X
});

/// Counts and latencies of one core.
struct LoadResults {
  LoadCounters counters;
  Histogram latency;          ///< us from the intended start to the last octet of the last answer
  Histogram connect_latency;  ///< us from the SYN to the completed handshake
  Duration ran{};             ///< since the first start, until now or the end of the schedule

  /// Adds another core's; `ran` becomes the longer.
  void merge(const LoadResults& other) noexcept;
};

/// Passes a copy of the results from the polling core to one reader that asks for it. It costs the
/// core one load a poll; the core never waits.
class ResultsExchange {
 public:
  /// The reader: asks for a new copy, unless one has been asked for and not yet been given.
  void ask() noexcept {
    if (state_.load(std::memory_order_acquire) != kAsked)
      state_.store(kAsked, std::memory_order_release);
  }
  /// The reader: the copy, once the core has made it; nullptr before. Valid until the next ask().
  const LoadResults* answer() const noexcept {
    return state_.load(std::memory_order_acquire) == kAnswered ? &copy_ : nullptr;
  }

  /// The core: true if the reader has asked.
  bool asked() const noexcept { return state_.load(std::memory_order_acquire) == kAsked; }
  /// The core: gives the copy, if asked() is true.
  void give(const LoadResults& results) noexcept {
    copy_ = results;
    state_.store(kAnswered, std::memory_order_release);
  }

 private:
  enum State : std::uint8_t { kIdle, kAsked, kAnswered };
  std::atomic<State> state_{kIdle};
  LoadResults copy_;
};

}  // namespace mayfly::load
