#include "signals.h"

#include <atomic>
#include <csignal>

namespace mayfly {
namespace {

std::atomic<int> asked{0};
static_assert(std::atomic<int>::is_always_lock_free);

void count(int) { asked.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = count;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int stops_asked() { return asked.load(std::memory_order_relaxed); }

}  // namespace mayfly
