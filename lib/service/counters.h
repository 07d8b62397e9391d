// What one core's services count. One list makes the member and its name in the JSON.
#pragma once

#include <array>
#include <cstddef>

#include "base/counter.h"
#include "service/state.h"

namespace mayfly {

// X(name, what is counted)
#define MAYFLY_SERVICE_COUNTERS(X)                                                       \
  X(requests, "HTTP requests answered, refused ones included")                           \
  X(responses_1xx, "interim responses (100 Continue)")                                   \
  X(responses_2xx, "successful responses")                                               \
  X(responses_4xx, "responses that blame the client")                                    \
  X(responses_5xx, "responses that blame the server, and 501 and 505")                   \
  X(slow_requests, "requests that the one-segment scan left to the full parser")         \
  X(parsers_exhausted, "requests refused with 503: too many half-read requests at once") \
  X(bytes_out, "bytes queued for clients by all services")                               \
  X(discarded, "bytes taken by the discard service")

struct ServiceCounters {
#define MAYFLY_X(name, help) Counter name;
  MAYFLY_SERVICE_COUNTERS(MAYFLY_X)
#undef MAYFLY_X
  std::array<Counter, kEndingCount> closes;  ///< connections that are gone, by Ending

  Counter& closes_by(Ending ending) noexcept { return closes[static_cast<std::size_t>(ending)]; }
  const Counter& closes_by(Ending ending) const noexcept {
    return closes[static_cast<std::size_t>(ending)];
  }

  void count_response(int status) noexcept {
    if (status < 200) {
      responses_1xx.add();
    } else if (status < 300) {
      responses_2xx.add();
    } else {
      (status < 500 ? responses_4xx : responses_5xx).add();
    }
  }
};

}  // namespace mayfly
