// DPDK writes its log to a stream. It is kept in memory, so that an error can quote it and a normal
// run is quiet.
#include "nic/eal_log.h"

#include <rte_log.h>

#include <cstdio>
#include <mutex>

#include "nic/eal.h"

namespace mayfly::nic {
namespace {

constexpr std::size_t kKeptBytes = 4'096;

struct KeptLog {
  std::mutex mutex;  // DPDK's interrupt thread logs too
  std::string text;

  void append(const char* data, std::size_t size) {
    const std::lock_guard lock(mutex);
    text.append(data, size);
    if (text.size() > kKeptBytes) text.erase(0, text.size() - kKeptBytes);
  }
};

KeptLog& kept_log() {
  static KeptLog log;
  return log;
}

ssize_t write_to_kept_log(void*, const char* data, std::size_t size) {
  kept_log().append(data, size);
  return static_cast<ssize_t>(size);
}

}  // namespace

void keep_eal_log() {
  FILE* stream = fopencookie(nullptr, "w", {nullptr, write_to_kept_log, nullptr, nullptr});
  if (stream == nullptr) return;  // then DPDK logs to standard error
  setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
  rte_openlog_stream(stream);
}

std::string take_eal_log() {
  std::string text;
  {
    const std::lock_guard lock(kept_log().mutex);
    text.swap(kept_log().text);
  }
  std::string line;
  for (const char c : text) line += c == '\n' ? ' ' : c;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string eal_log_suffix() {
  const std::string log = take_eal_log();
  return log.empty() ? std::string() : " (DPDK says: " + log + ")";
}

}  // namespace mayfly::nic
