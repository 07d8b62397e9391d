// What systemd is told of a process that it has started (sd_notify(3)). Without systemd nothing
// happens.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "flow/metrics.h"

namespace mayfly::run {

class ServiceManager {
 public:
  ServiceManager();

  /// The process serves; `status` is shown by systemctl.
  void tell_ready(const std::string& status) const;
  void tell_stopping() const;
  /// Call it several times a second. If systemd watches the process, it is told at times that all
  /// is well: as long as every core has polled since the last time.
  void feed_watchdog(const std::function<std::vector<flow::ShardStats>()>& cores);

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::microseconds every_{0};  // 0 = nobody watches
  Clock::time_point next_{};
  std::vector<std::uint64_t> polls_;
};

}  // namespace mayfly::run
