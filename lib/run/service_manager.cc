#include "run/service_manager.h"

#include <systemd/sd-daemon.h>

namespace mayfly::run {

ServiceManager::ServiceManager() {
  std::uint64_t limit_us = 0;
  if (sd_watchdog_enabled(0, &limit_us) > 0) every_ = std::chrono::microseconds(limit_us / 4);
}

void ServiceManager::tell_ready(const std::string& status) const {
  sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str());
}

void ServiceManager::tell_stopping() const { sd_notify(0, "STOPPING=1\nSTATUS=draining"); }

void ServiceManager::feed_watchdog(const std::function<std::vector<flow::ShardStats>()>& cores) {
  if (every_.count() == 0 || Clock::now() < next_) return;
  next_ = Clock::now() + every_;
  bool is_well = true;
  std::vector<std::uint64_t> polls;
  for (const flow::ShardStats& core : cores()) {
    polls.push_back(core.polls.get());
    is_well = is_well && (polls_.empty() || polls.back() != polls_[polls.size() - 1]);
  }
  polls_ = std::move(polls);
  if (is_well) sd_notify(0, "WATCHDOG=1");
}

}  // namespace mayfly::run
