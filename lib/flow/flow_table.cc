#include "flow/flow_table.h"

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_lcore.h>

#include <cstring>

#include "base/assert.h"

namespace mayfly::flow {
namespace {

constexpr std::uint32_t kBucketEntries = 8;  // RTE_HASH_BUCKET_ENTRIES
constexpr std::size_t kBucketBytes = 64,
                      kKeyBytes = 32,  // an rte_hash_key: data, 16 bytes, aligned
    kKeyBytes6 = 64;

/// Places in the buckets for `flows` at a load of at most 60 %. rte_hash has a power of two of
/// them.
std::uint64_t places_for(std::uint32_t flows) {
  return std::bit_ceil(std::max<std::uint64_t>(64, std::uint64_t{flows} * 10 / 6));
}

/// The keys that rte_hash has room for: no more than the flows, as a key takes 32 or 64 bytes
/// whether it is in use or not, but so many that it makes that many places for them.
std::uint32_t entries_for(std::uint32_t flows) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(flows, places_for(flows) / 2 + 1));
}

// rte_hash requires a hash function, though every call here passes a hash value.
std::uint32_t no_hash(const void*, std::uint32_t, std::uint32_t) { return 0; }

}  // namespace

void FlowTable::Free::operator()(rte_hash* table) const noexcept { rte_hash_free(table); }

std::size_t FlowTable::bytes_needed(std::uint32_t flows, bool ipv6) {
  const std::size_t entries = entries_for(flows);
  const std::size_t buckets = places_for(flows) / kBucketEntries;
  // Keys, the ring of free slots (4 bytes each, a power of two), buckets, and the block indices.
  const auto bytes_of = [&](std::size_t key_bytes) {
    return entries * (key_bytes + sizeof(std::uint32_t)) + std::bit_ceil(entries + 1) * 4 +
           buckets * kBucketBytes;
  };
  return bytes_of(kKeyBytes) + (ipv6 ? bytes_of(kKeyBytes6) : 0);
}

FlowTable::Table FlowTable::make(const std::string& name, std::uint32_t entries,
                                 std::size_t key_size) {
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = entries;
  parameters.key_len = static_cast<std::uint32_t>(key_size);
  parameters.hash_func = no_hash;
  parameters.socket_id = static_cast<int>(rte_socket_id());
  return Table(rte_hash_create(&parameters));
}

Result<FlowTable> FlowTable::create(const std::string& name, std::uint32_t flows,
                                    const FlowSecret& secret, HugePages pages, bool ipv6) {
  const std::uint32_t entries = entries_for(flows);
  FlowTable made;
  made.table_ = make(name, entries, sizeof(FlowKey4));
  if (ipv6 && made.table_) made.table6_ = make(name + "_6", entries, sizeof(FlowKey6));
  if (!made.table_ || (ipv6 && !made.table6_)) {
    return Error{"no memory for a flow table of " + std::to_string(flows) + " flows (" +
                 std::to_string(bytes_needed(flows, ipv6) >> 20) +
                 " MiB): " + rte_strerror(rte_errno)};
  }
  if (!learn_key_places(made.table_.get(), made.keys_, made.key_stride_) ||
      (ipv6 && !learn_key_places(made.table6_.get(), made.keys6_, made.key6_stride_)))
    return Error{"this version of rte_hash lays out its keys differently"};
  const std::size_t positions = std::size_t{entries} + 1;
  if (ipv6) made.first6_ = static_cast<std::uint32_t>(positions);
  auto memory = Region::map(positions * (ipv6 ? 2 : 1) * sizeof(std::uint32_t), pages);
  if (!memory) return memory.error();
  made.blocks_memory_ = std::move(*memory);
  made.blocks_ = made.blocks_memory_.as<std::uint32_t>();
  made.secret_ = secret;
  return made;
}

namespace {

template <class Key>
void look_up(const rte_hash* table, std::span<const Key* const> keys,
             std::span<std::uint32_t> hashes, std::span<std::int32_t> positions) noexcept {
  auto* pointers = const_cast<const void**>(reinterpret_cast<const void* const*>(keys.data()));
  rte_hash_lookup_with_hash_bulk(table, pointers, hashes.data(),
                                 static_cast<std::uint32_t>(keys.size()), positions.data());
}

}  // namespace

void FlowTable::find_bulk(std::span<const FlowKey4* const> keys, std::span<std::uint32_t> hashes,
                          std::span<std::int32_t> positions) const noexcept {
  look_up(table_.get(), keys, hashes, positions);
}

std::int32_t FlowTable::find(const FlowKey4& key, std::uint32_t hash) const noexcept {
  const std::int32_t position = rte_hash_lookup_with_hash(table_.get(), &key, hash);
  return position >= 0 ? position : kNone;
}

std::int32_t FlowTable::insert(const FlowKey4& key, std::uint32_t hash,
                               std::uint32_t block) noexcept {
  const std::int32_t position = rte_hash_add_key_with_hash(table_.get(), &key, hash);
  if (position < 0) return kNone;
  blocks_[static_cast<std::uint32_t>(position)] = block;
  ++used_;
  return position;
}

void FlowTable::find_bulk(std::span<const FlowKey6* const> keys, std::span<std::uint32_t> hashes,
                          std::span<std::int32_t> positions) const noexcept {
  look_up(table6_.get(), keys, hashes, positions);
  for (std::int32_t& position : positions)
    if (position >= 0) position += static_cast<std::int32_t>(first6_);
}

std::int32_t FlowTable::find(const FlowKey6& key, std::uint32_t hash) const noexcept {
  const std::int32_t position = rte_hash_lookup_with_hash(table6_.get(), &key, hash);
  return position >= 0 ? position + static_cast<std::int32_t>(first6_) : kNone;
}

std::int32_t FlowTable::insert(const FlowKey6& key, std::uint32_t hash,
                               std::uint32_t block) noexcept {
  const std::int32_t found = rte_hash_add_key_with_hash(table6_.get(), &key, hash);
  if (found < 0) return kNone;
  const std::int32_t position = found + static_cast<std::int32_t>(first6_);
  blocks_[static_cast<std::uint32_t>(position)] = block;
  ++used_;
  return position;
}

void FlowTable::erase(std::uint32_t position, std::uint32_t hash) noexcept {
  if (is_ipv6(position)) [[unlikely]] {
    const FlowKey6 gone = key6(position);
    const std::int32_t erased = rte_hash_del_key_with_hash(table6_.get(), &gone, hash);
    MAYFLY_ASSERT(erased == static_cast<std::int32_t>(position - first6_));
  } else {
    const FlowKey4 gone = key(position);
    const std::int32_t erased = rte_hash_del_key_with_hash(table_.get(), &gone, hash);
    MAYFLY_ASSERT(erased == static_cast<std::int32_t>(position));
  }
  ++epoch_;
  --used_;
}

// rte_hash_get_key_with_position looks the key up again at each call, to confirm it. The keys are
// in one array, so the places of two keys give the places of all; that of a third confirms it.
bool FlowTable::learn_key_places(rte_hash* table, const std::byte*& first,
                                 std::size_t& stride) noexcept {
  std::array<void*, 3> place{};
  for (std::size_t i = 0; i < place.size(); ++i)
    rte_hash_get_key_with_position(table, static_cast<std::int32_t>(i), &place[i]);
  first = static_cast<const std::byte*>(place[0]);
  stride = static_cast<std::size_t>(static_cast<const std::byte*>(place[1]) - first);
  return place[2] == first + 2 * stride;
}

}  // namespace mayfly::flow
