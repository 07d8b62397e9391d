// How long a TIME_WAIT log takes to be there again in the next process: after an end in order, and
// after a kill, when the records are checked and the index is made anew.
//   time_wait_restart FILE MILLIONS [ROUNDS=3]     FILE on tmpfs or hugetlbfs; it is removed
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "flow/time_wait_log.h"

namespace {

using mayfly::flow::TimeWaitLog;
using mayfly::flow::TimeWaitLogMemory;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

struct Process {
  mayfly::Instant now;
  mayfly::flow::FlowSecret secret{mayfly::tcp::Secret{1, 2}};
  std::unique_ptr<TimeWaitLog> log;

  /// Takes the file over, and returns how many entries are there.
  std::uint32_t start(const char* path, std::uint32_t capacity) {
    auto memory = TimeWaitLogMemory::create(
        capacity, mayfly::HugePages::never,
        {.path = path, .secret = 1, .up = mayfly::Duration{now.us}, .now = now});
    if (!memory) {
      fmt::print(stderr, "{}\n", memory.error().what);
      std::exit(1);
    }
    log = std::make_unique<TimeWaitLog>(*std::move(memory), secret, now);
    log->set_hold(0, mayfly::Duration::from_s(600));
    const auto nothing = [](const auto&) { return 0U; };
    return log->restore(0, now, nothing).entries;
  }
  void fill(std::uint32_t entries) {
    for (std::uint32_t n = 0; n < entries; ++n) {
      const auto key = mayfly::FlowKey4::of({0xc612'0001}, 80, {0xc613'0000 + n / 60'000},
                                            static_cast<std::uint16_t>(1'024 + n % 60'000));
      log->insert(key, secret.hash(key), {}, 0, now);
    }
    log->expire(now, 1);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: time_wait_restart FILE MILLIONS [ROUNDS]\n");
    return 2;
  }
  const auto entries = static_cast<std::uint32_t>(std::atof(argv[2]) * 1e6);
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 3;
  Process process{.now = {1'000'000'000}};
  process.start(argv[1], entries);
  process.fill(entries);
  for (int round = 0; round < rounds; ++round) {
    for (const bool is_killed : {false, true}) {
      if (!is_killed) process.log->leave(0);
      process.log.reset();
      process.now = process.now + mayfly::Duration::from_ms(1'500);
      const auto begin = Clock::now();
      const std::uint32_t there = process.start(argv[1], entries);
      fmt::print("{:6}: {} entries there again after {:.0f} ms\n", is_killed ? "killed" : "whole",
                 there, ms_since(begin));
    }
  }
  process.log.reset();
  ::unlink(argv[1]);
  return 0;
}
