// What one core's services count. One list makes the members, their keys in the JSON, their totals
// over cores and their lines in doc/json.md.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/assert.h"
#include "base/counter.h"
#include "base/metric.h"
#include "service/state.h"

namespace mayfly::service {

// X(kind, name, unit, what is counted): base/metric.h describes these columns.
#define MAYFLY_SERVICE_METRICS(X)                                                             \
  X(counter, requests, "requests", "HTTP requests answered, refused ones included")           \
  X(counter, responses_1xx, "responses", "interim responses (100 Continue)")                  \
  X(counter, responses_2xx, "responses", "successful responses")                              \
  X(counter, responses_4xx, "responses", "responses with a 4xx status: faulty requests")      \
  X(counter, responses_5xx, "responses", "responses with a 5xx status, 501 and 505 included") \
  X(counter, slow_requests, "requests",                                                       \
    "HTTP requests that took the full parser, not the scan of one segment")                   \
  X(counter, parsers_exhausted, "requests",                                                   \
    "HTTP requests refused with 503 because too many others were incomplete")                 \
  X(counter, parsers_reclaimed, "requests",                                                   \
    "incomplete HTTP requests that lost their parser to a newer one because all were in use") \
  X(counter, bytes_out, "bytes", "bytes queued for clients by all services")                  \
  X(counter, discarded, "bytes", "bytes taken by the discard service")

/// The counters of one core. The core alone writes them; any thread may read them.
struct ServiceCounters {
#define MAYFLY_X(kind, name, unit, help) Counter name;
  MAYFLY_SERVICE_METRICS(MAYFLY_X)
#undef MAYFLY_X
  std::array<Counter, kEndingCount> closes;  ///< connections that have ended, by Ending

  Counter& closes_by(Ending ending) noexcept { return closes[static_cast<std::size_t>(ending)]; }
  const Counter& closes_by(Ending ending) const noexcept {
    return closes[static_cast<std::size_t>(ending)];
  }

  /// Counts a response with this HTTP status, 100..599.
  void count_response(int status) noexcept {
    MAYFLY_ASSERT(status >= 100 && status < 600);
    if (status < 200) {
      responses_1xx.add();
    } else if (status < 300) {
      responses_2xx.add();
    } else {
      (status < 500 ? responses_4xx : responses_5xx).add();
    }
  }
};

inline constexpr auto kServiceMetrics = std::to_array<Metric<ServiceCounters>>({
#define MAYFLY_X(kind, name, unit, help) \
  {MetricKind::kind, #name, unit, #name, help, &ServiceCounters::name},
    MAYFLY_SERVICE_METRICS(MAYFLY_X)
#undef MAYFLY_X
});

/// The total over cores.
inline ServiceCounters total_of(std::span<const ServiceCounters> cores) noexcept {
  ServiceCounters total;
  set_totals(kServiceMetrics, cores, total);
  for (const ServiceCounters& core : cores)
    for (std::size_t i = 0; i < kEndingCount; ++i) total.closes[i].add(core.closes[i].get());
  return total;
}

}  // namespace mayfly::service
