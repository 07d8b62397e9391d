#include "nic/clock.h"

#include <chrono>

namespace mayfly::nic {

Instant time_of_day_zero(Instant now) {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return now - Duration{std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count()};
}

}  // namespace mayfly::nic
