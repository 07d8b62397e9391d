// The connection table: four-tuple to whatever stands behind it, over rte_hash. One core's own; not
// thread-safe.
//
// rte_hash keeps the keys and hands out positions; the FlowRef beside a position says what the flow
// is now, so that a connection becomes a TIME_WAIT entry by one store, without touching the hash.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/region.h"
#include "base/result.h"
#include "base/siphash.h"
#include "stack/port.h"
#include "tcp/isn.h"
#include "wire/flow_key.h"

struct rte_hash;

namespace mayfly {

/// What a flow is: the kind of block, and its index in that kind's slab.
struct FlowRef {
  enum class Kind : std::uint32_t { none, connection, time_wait };
  Kind kind = Kind::none;
  std::uint32_t index = 0;
};
static_assert(sizeof(FlowRef) == 8);

class FlowTable {
 public:
  /// A position that names no flow.
  static constexpr std::int32_t kNone = -1;

  /// Room for at least `flows`; the buckets are sized for a load of 60 % at most, above which
  /// rte_hash's insertions become slow. `secret` keys the hash: strangers cannot choose colliding
  /// tuples.
  static Result<FlowTable> create(const std::string& name, std::uint32_t flows,
                                  const Secret& secret, HugePages pages);
  /// Bytes that create() takes for `flows`.
  static std::size_t bytes_needed(std::uint32_t flows);

  std::uint32_t hash(const FlowKey4& key) const noexcept {
    std::array<std::uint64_t, 2> words;
    static_assert(sizeof words == sizeof key);
    std::memcpy(words.data(), &key, sizeof key);
    return static_cast<std::uint32_t>(siphash13(words, secret_));
  }

  /// The positions of up to kBurstMax keys, negative for a miss.
  void find_bulk(std::span<const FlowKey4* const> keys, std::span<std::uint32_t> hashes,
                 std::span<std::int32_t> positions) const noexcept;
  std::int32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept;
  /// kNone when the table is full. The key must not be there yet.
  std::int32_t insert(const FlowKey4& key, std::uint32_t hash, FlowRef ref) noexcept;
  void erase(std::uint32_t position) noexcept { erase(position, hash(key(position))); }
  /// The same for one whose hash is known.
  void erase(std::uint32_t position, std::uint32_t hash) noexcept;

  const FlowKey4& key(std::uint32_t position) const noexcept {
    return *reinterpret_cast<const FlowKey4*>(keys_ + std::size_t{position} * key_stride_);
  }
  void prefetch_key(std::uint32_t position) const noexcept { __builtin_prefetch(&key(position)); }
  FlowRef& ref(std::uint32_t position) noexcept { return refs_[position]; }
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
  Region refs_memory_;
  std::span<FlowRef> refs_;
  Secret secret_{};
  std::uint32_t epoch_ = 0, used_ = 0;
};

}  // namespace mayfly
