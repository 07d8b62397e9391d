// The settings that cores use or used a moment ago, on the control side. They are numbered in the
// order in which they are made, and freed when no core uses them any more.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "shard/app.h"

namespace mayfly::run {

/// Not thread-safe.
template <class AppSettings>
class Snapshots {
 public:
  /// Makes a snapshot. It is valid until free_before() is called with a higher number.
  const shard::Snapshot<AppSettings>& add(const shard::ShardSettings& shard, AppSettings app) {
    return kept_.emplace_back(shard::Snapshot<AppSettings>{shard, std::move(app), ++made_});
  }
  /// Frees all with a lower number: every core uses this one or a later one.
  void free_before(std::uint64_t number) {
    MAYFLY_ASSERT(number <= made_);
    while (!kept_.empty() && kept_.front().number < number) kept_.pop_front();
  }
  std::size_t kept() const { return kept_.size(); }
  /// The number of the last one; 0 if there is none.
  std::uint64_t newest() const { return made_; }

 private:
  std::deque<shard::Snapshot<AppSettings>> kept_;  // the oldest first
  std::uint64_t made_ = 0;
};

}  // namespace mayfly::run
