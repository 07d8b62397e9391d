#include "run/idler.h"

#include <rte_cycles.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace mayfly::run {
namespace {

timespec timespec_of(Duration d) { return {.tv_sec = 0, .tv_nsec = d.us * 1'000}; }

void sleep_for(Duration d) {
  const timespec time = timespec_of(d);
  nanosleep(&time, nullptr);
}

/// A socket whose interface went down is readable until its error is read.
void take_error(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
}

}  // namespace

Idler::Idler(shard::Idle mode, std::span<const int> rx_events) : mode_(mode) {
  if (rx_events.empty()) return;
  woken_ = Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!woken_.is_open()) return;
  for (const int number : rx_events) rx_events_.push_back({number, POLLIN, 0});
  rx_events_.push_back({woken_.get(), POLLIN, 0});
}

void Idler::begin() const noexcept {
  if (mode_ == shard::Idle::adaptive) prctl(PR_SET_TIMERSLACK, 1UL);
}

Duration Idler::sleep_until(Instant due, Instant now) const noexcept {
  if (mode_ == shard::Idle::poll || due <= now || now - worked_ <= kAwake) return {};
  return std::min(rx_events_.empty() ? std::min(kSleep, now - worked_) : kWait, due - now);
}

void Idler::rest(Instant due, Instant now) noexcept {
  const Duration sleep = sleep_until(due, now);
  if (sleep.us == 0) return rte_delay_us_block(kPauseUs);
  if (rx_events_.empty()) return sleep_for(sleep);
  const timespec time = timespec_of(sleep);
  if (ppoll(rx_events_.data(), rx_events_.size(), &time, nullptr) <= 0) return;
  if (eventfd_t times = 0; rx_events_.back().revents != 0) eventfd_read(woken_.get(), &times);
  for (const pollfd& event : rx_events_) {
    if ((event.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0) continue;
    take_error(event.fd);
    return sleep_for(std::min(sleep, kSleep));  // it may say so again at once
  }
}

void Idler::wake() const noexcept {
  if (woken_.is_open()) eventfd_write(woken_.get(), 1);
}

}  // namespace mayfly::run
