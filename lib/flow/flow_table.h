// The connection table finds the block of a live connection by its four-tuple. Owned by one core;
// not thread-safe. TIME_WAIT entries are in another table (time_wait_table.h).
//
// It is built on rte_hash, which stores the keys and assigns positions. The index of a flow's block
// is stored in an array, at the flow's position. IPv6 has an rte_hash of its own, whose positions
// come after those of IPv4, so that a position tells the family.
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
  /// The position that stands for no flow.
  static constexpr std::int32_t kNone = -1;

  /// Allocates a table for at least `flows`. Its buckets are sized for a load of at most 60 %:
  /// above that, insertions into an rte_hash become slow. `name` must be unique in the process.
  /// `secret` keys the hash. `ipv6`: flows of either family may be as many. Fails if there is no
  /// memory.
  static Result<FlowTable> create(const std::string& name, std::uint32_t flows,
                                  const FlowSecret& secret, HugePages pages, bool ipv6 = false);
  /// Bytes that create() allocates for `flows`.
  static std::size_t bytes_needed(std::uint32_t flows, bool ipv6 = false);

  std::uint32_t hash(const FlowKey4& key) const noexcept { return secret_.hash(key); }
  /// FlowSecret::name.
  FlowKey4 name(const FlowKey6& key) const noexcept { return secret_.name(key); }

  /// Sets `positions` to those of up to kBurstMax keys, negative for a miss. `hashes` are the
  /// keys'.
  void find_bulk(std::span<const FlowKey4* const> keys, std::span<std::uint32_t> hashes,
                 std::span<std::int32_t> positions) const noexcept;
  /// The position of a flow, or kNone.
  std::int32_t find(const FlowKey4& key, std::uint32_t hash) const noexcept;
  /// Adds a key that is not in the table, with the index of its block. Returns its position, or
  /// kNone if the table is full.
  std::int32_t insert(const FlowKey4& key, std::uint32_t hash, std::uint32_t block) noexcept;
  /// The same for IPv6, which the table was made for. The hash is that of the key's name.
  void find_bulk(std::span<const FlowKey6* const> keys, std::span<std::uint32_t> hashes,
                 std::span<std::int32_t> positions) const noexcept;
  std::int32_t find(const FlowKey6& key, std::uint32_t hash) const noexcept;
  std::int32_t insert(const FlowKey6& key, std::uint32_t hash, std::uint32_t block) noexcept;
  /// Removes the flow at `position`, of either family; `hash` is its key's.
  void erase(std::uint32_t position, std::uint32_t hash) noexcept;

  bool is_ipv6(std::uint32_t position) const noexcept { return position >= first6_; }
  /// The key of the flow at `position`.
  const FlowKey4& key(std::uint32_t position) const noexcept {
    return *reinterpret_cast<const FlowKey4*>(keys_ + std::size_t{position} * key_stride_);
  }
  /// The same if is_ipv6().
  const FlowKey6& key6(std::uint32_t position) const noexcept {
    return *reinterpret_cast<const FlowKey6*>(keys6_ +
                                              std::size_t{position - first6_} * key6_stride_);
  }
  /// The index of the block of the flow at `position`.
  std::uint32_t block(std::uint32_t position) const noexcept { return blocks_[position]; }
  /// The number of erasures so far, modulo 2^32. While it is unchanged, a position found earlier
  /// belongs to the same flow.
  std::uint32_t epoch() const noexcept { return epoch_; }
  std::uint32_t used() const noexcept { return used_; }

 private:
  struct Free {
    void operator()(rte_hash* table) const noexcept;
  };
  using Table = std::unique_ptr<rte_hash, Free>;
  static Table make(const std::string& name, std::uint32_t entries, std::size_t key_size);
  static bool learn_key_places(rte_hash* table, const std::byte*& first,
                               std::size_t& stride) noexcept;

  Table table_;
  const std::byte* keys_ = nullptr;  // rte_hash's key at position 0, and the distance to the next
  std::size_t key_stride_ = 0;
  std::uint32_t first6_ = ~std::uint32_t{0};  // the position of IPv6's first
  Table table6_;
  const std::byte* keys6_ = nullptr;
  std::size_t key6_stride_ = 0;
  Region blocks_memory_;
  std::span<std::uint32_t> blocks_;
  FlowSecret secret_;
  std::uint32_t epoch_ = 0, used_ = 0;
};

}  // namespace mayfly::flow
