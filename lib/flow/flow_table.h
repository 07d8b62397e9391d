// The connection table: four-tuple to the block of a live connection, over rte_hash. One core's
// own; not thread-safe. What has gone to TIME_WAIT is in a table of its own (time_wait_table.h).
//
// rte_hash keeps the keys and hands out positions; the block's index stands beside its position.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/burst.h"
#include "base/region.h"
#include "base/result.h"
#include "flow/flow_secret.h"
#include "wire/flow_key.h"

struct rte_hash;

namespace mayfly::flow {

class FlowTable {
 public:
  /// A position that names no flow.
  static constexpr std::int32_t kNone = -1;

  /// Room for at least `flows`; the buckets are sized for a load of 60 % at most, above which
  /// rte_hash's insertions become slow. `secret` keys the hash: strangers cannot choose colliding
  /// tuples.
  static Result<FlowTable> create(const std::string& name, std::uint32_t flows,
                                  const FlowSecret& secret, HugePages pages);
  /// Bytes that create() takes for `flows`.
  static std::size_t bytes_needed(std::uint32_t flows);

  std::uint32_t hash(const FlowKey4& key) const noexcept { return secret_.hash(key); }

  /// The positions of up to kBurstMax keys, negative for a miss.
  void find_bulk(std::span<const FlowKey4* const> keys, std::span<std::uint32_t> hashes,
                 std::span<std::int32_t> positions) const noexcept;
  std::int32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept;
  /// kNone when the table is full. The key must not be there yet.
  std::int32_t insert(const FlowKey4& key, std::uint32_t hash, std::uint32_t block) noexcept;
  /// `hash` is the key's.
  void erase(std::uint32_t position, std::uint32_t hash) noexcept;

  const FlowKey4& key(std::uint32_t position) const noexcept {
    return *reinterpret_cast<const FlowKey4*>(keys_ + std::size_t{position} * key_stride_);
  }
  /// The block of the flow at `position`.
  std::uint32_t block(std::uint32_t position) const noexcept { return blocks_[position]; }
  /// Counts erasures: a position found earlier is still the same flow while this is unchanged.
  std::uint32_t epoch() const noexcept { return epoch_; }
  std::uint32_t used() const noexcept { return used_; }

 private:
  struct Free {
    void operator()(rte_hash* table) const noexcept;
  };
  std::unique_ptr<rte_hash, Free> table_;
  bool learn_key_places() noexcept;

  const std::byte* keys_ = nullptr;  // rte_hash's key at position 0, and the distance to the next
  std::size_t key_stride_ = 0;
  Region blocks_memory_;
  std::span<std::uint32_t> blocks_;
  FlowSecret secret_;
  std::uint32_t epoch_ = 0, used_ = 0;
};

}  // namespace mayfly::flow
