// What one core of the generator counts and measures.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/metric.h"
#include "base/time.h"
#include "load/latencies.h"
#include "wire/flow_key.h"

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

// The same failures by their causes, each counted once. X(name, which is the key in the JSON, as
// which failure it counts, what is counted)
#define MAYFLY_LOAD_CAUSES(X)                                                                     \
  X(refused, refused, "connections whose SYN was answered by RST")                                \
  X(no_arp_answer, timed_out,                                                                     \
    "connections whose SYN never left: nobody answered ARP or neighbour discovery for the next "  \
    "hop")                                                                                        \
  X(syn_unanswered, timed_out, "connections whose SYN nobody answered")                           \
  X(challenged, timed_out,                                                                        \
    "connections whose SYNs were answered by ACKs of another connection only, as of a TIME_WAIT " \
    "that no RST ends")                                                                           \
  X(unreachable, unreachable, "connections to a peer that ICMP called unreachable")               \
  X(reset_in_established, reset,                                                                  \
    "connections reset by the peer in ESTABLISHED, before all answers or instead of its FIN")     \
  X(reset_in_close_wait, reset, "connections reset by the peer after its FIN")                    \
  X(reset_in_fin_wait_1, reset,                                                                   \
    "connections reset by the peer before it had acknowledged our FIN")                           \
  X(reset_in_fin_wait_2, reset,                                                                   \
    "connections reset by the peer instead of its FIN, after it had acknowledged ours")           \
  X(reset_in_closing, reset, "connections reset by the peer after both FINs")                     \
  X(reset_in_last_ack, reset,                                                                     \
    "connections reset by the peer instead of the ACK of our FIN, after its own")                 \
  X(no_answer, timed_out,                                                                         \
    "connections on which a whole answer did not come in time (load.timeout, tcp.retries)")       \
  X(no_fin, timed_out, "connections that were answered and whose close did not end in time")      \
  X(status, bad_status, "connections with an answer that is not 2xx")                             \
  X(short_body, short_body,                                                                       \
    "connections that the peer ended before all its answers had arrived whole")                   \
  X(malformed_response, malformed_response,                                                       \
    "connections with an answer that is not HTTP, or octets after the end of one")                \
  X(no_room, table_full, "connections for which our own stack had no room")                       \
  X(open_at_end, aborted_at_end,                                                                  \
    "connections that were established and still open when the run ended")                        \
  X(syn_unanswered_at_end, aborted_at_end,                                                        \
    "connections whose SYN nobody had answered when the run ended")

/// The cause of a failure.
enum class Cause : std::uint8_t {
#define MAYFLY_X(name, failure, help) name,
  MAYFLY_LOAD_CAUSES(MAYFLY_X)
#undef MAYFLY_X
};
#define MAYFLY_X(name, failure, help) +1
inline constexpr std::size_t kCauseCount = 0 MAYFLY_LOAD_CAUSES(MAYFLY_X);
#undef MAYFLY_X

/// Its key in the JSON.
std::string_view name_of(Cause cause) noexcept;
/// The help text of its counter.
std::string_view help_of(Cause cause) noexcept;

/// Answers that are not 2xx, by status: 100 to 999.
class StatusCounts {
 public:
  static constexpr std::uint16_t kFirst = 100, kEnd = 1'000;
  /// Out of range counts as the last.
  void add(std::uint16_t status, std::uint64_t times = 1) noexcept {
    counts_[status < kFirst || status >= kEnd ? counts_.size() - 1 : status - kFirst] += times;
  }
  std::uint64_t of(std::uint16_t status) const noexcept { return counts_[status - kFirst]; }
  void merge(const StatusCounts& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

 private:
  std::array<std::uint64_t, kEnd - kFirst> counts_{};
};

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

/// The failure as which a cause is counted.
Failure failure_of(Cause cause) noexcept;

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
  X(counter, port_exhausted, "connections", "port_exhausted", "starts that found no free source") \
  X(counter, challenged_sources, "sources", "challenged_sources",                                 \
    "source pairs (address and port) that the target still had in a connection, probably in "     \
    "TIME_WAIT: it answered the SYN with an ACK of that one")

/// Counts of one core's connections.
struct LoadCounters {
#define MAYFLY_X(kind, name, unit, path, help) std::uint64_t name = 0;
  MAYFLY_LOAD_METRICS(MAYFLY_X)
#undef MAYFLY_X
  std::array<std::uint64_t, kCauseCount> causes{};  ///< of the failures, by Cause

  void fail(Cause cause) noexcept { ++causes[static_cast<std::size_t>(cause)]; }
  std::uint64_t caused_by(Cause cause) const noexcept {
    return causes[static_cast<std::size_t>(cause)];
  }
  /// Not for the hot path.
  std::uint64_t failures(Failure why) const noexcept;
  std::uint64_t failed_total() const noexcept;
  void merge(const LoadCounters& other) noexcept;
};

inline constexpr auto kLoadMetrics = std::to_array<Metric<LoadCounters, std::uint64_t>>({
#define MAYFLY_X(kind, name, unit, path, help) \
  {MetricKind::kind, #name, unit, path, help, &LoadCounters::name},
    MAYFLY_LOAD_METRICS(MAYFLY_X)
#undef MAYFLY_X
});

/// A next hop that answers neither ARP nor neighbour discovery; both zero: none is known.
struct SilentHop {
  Ipv4Address four;
  Ipv6Address six;
  bool is_known() const noexcept { return four != Ipv4Address{} || !six.is_unspecified(); }
};

/// Counts and latencies of one core.
struct LoadResults {
  LoadCounters counters;
  StatusCounts statuses;      ///< of the answers that are not 2xx
  Latencies latency;          ///< from the intended start to the last octet of the last answer
  Latencies connect_latency;  ///< from the SYN to the completed handshake
  Latencies request_latency;  ///< from a request to the last octet of its answer
  SilentHop silent;           ///< of the last SYN that never left
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
