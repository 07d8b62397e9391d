#include "run/start_time.h"

#include <fmt/format.h>
#include <sys/timex.h>

#include "run/state_file.h"

namespace mayfly::run {

Result<Instant> instant_of(Duration wall, const nic::TscClock& clock) {
  const Duration left = wall - wall_clock();
  if (left <= Duration{})
    return Error{
        fmt::format("--at: that was {:.1f} s ago, and only now is everything ready; give a "
                    "later time, so that every part is ready before it",
                    -left.seconds()),
        ErrorKind::usage};
  return clock.now() + left;
}

std::string clock_in_words() {
  timex state{};
  const int status = adjtimex(&state);
  if (status < 0 || status == TIME_ERROR)
    return "clock: not synchronised (NTP), so that parts on other hosts may begin at another time";
  return fmt::format("clock: synchronised, off by at most {:.3g} ms",
                     static_cast<double>(state.maxerror) / 1000);
}

}  // namespace mayfly::run
