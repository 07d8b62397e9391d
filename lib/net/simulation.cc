#include "net/simulation.h"

namespace mayfly::net {

bool Simulation::step(Instant limit) noexcept {
  Instant next = network_.next_arrival();
  for (const Guest& guest : hosts_) next = std::min(next, guest.due);
  if (next > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  now_ = std::max(now_, next);  // time never goes back
  network_.deliver(now_);
  for (Guest& guest : hosts_) {
    if (guest.due > now_ && !guest.host->has_arrivals(now_)) continue;
    guest.host->poll(now_);
    // What is still due, the rest of a full burst for instance, is done a microsecond later.
    constexpr Duration kLeast{1};
    guest.due = guest.host->has_arrivals(now_) ? now_ + kLeast
                                               : std::max(guest.host->next_due(), now_ + kLeast);
    MAYFLY_ASSERT(guest.due > now_);
  }
  return true;
}

}  // namespace mayfly::net
