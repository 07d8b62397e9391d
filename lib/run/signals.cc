#include "run/signals.h"

#include <atomic>
#include <csignal>

namespace mayfly::run {
namespace {

std::atomic<int> asked{0};
std::atomic<bool> hung_up{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void count(int) { asked.fetch_add(1, std::memory_order_relaxed); }
void note_hangup(int) { hung_up.store(true, std::memory_order_relaxed); }

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = count;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void catch_hangups() {
  struct sigaction action {};
  action.sa_handler = note_hangup;
  sigaction(SIGHUP, &action, nullptr);
}

bool reload_asked() { return hung_up.exchange(false, std::memory_order_relaxed); }

Stop stop_asked() {
  const int times = asked.load(std::memory_order_relaxed);
  if (times == 0) return Stop::no;
  return times == 1 ? Stop::orderly : Stop::now;
}

}  // namespace mayfly::run
