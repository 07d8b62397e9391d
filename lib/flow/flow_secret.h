// What a shard derives from a four-tuple and its secret: the hash in the tables, the initial
// sequence number, the timestamp offset.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/siphash.h"
#include "base/time.h"
#include "tcp/isn.h"
#include "wire/flow_key.h"

namespace mayfly::flow {

class FlowSecret {
 public:
  FlowSecret() = default;
  /// `secret`: 128 random bits, drawn at start. All shards that serve the same addresses must have
  /// the same secret.
  explicit constexpr FlowSecret(const tcp::Secret& secret) : secret_(secret) {}

  /// The hash of a four-tuple in the flow table and the TIME_WAIT table: SipHash-1-3, so that
  /// a peer cannot choose four-tuples that collide.
  std::uint32_t hash(const FlowKey4& key) const noexcept {
    std::array<std::uint64_t, 2> words;
    static_assert(sizeof words == sizeof key);
    std::memcpy(words.data(), &key, sizeof key);
    return static_cast<std::uint32_t>(siphash13(words, secret_));
  }

  /// The initial sequence number at `now` (RFC 6528). For one four-tuple it rises with time.
  Seq initial_sequence(const FlowKey4& key, Instant now) const noexcept {
    return tcp::initial_sequence(std::as_bytes(std::span(&key, 1)), secret_, now);
  }

  /// What is added to the clock of timestamps, in ms (RFC 7323 7.1): one offset for each
  /// combination of local and remote address.
  std::uint32_t timestamp_offset(const FlowKey4& key) const noexcept {
    return tcp::timestamp_offset(std::as_bytes(std::span(&key.local_ip, 2)), secret_);
  }

  const tcp::Secret& bits() const noexcept { return secret_; }

 private:
  tcp::Secret secret_{};
};

}  // namespace mayfly::flow
