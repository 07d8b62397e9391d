// What a shard derives from a four-tuple and its secret: the hash in the tables, the initial
// sequence number, the timestamp offset.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "base/aes.h"
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

  /// The hash of a four-tuple in the flow table and the TIME_WAIT log: AES, so that a peer cannot
  /// choose four-tuples that collide.
  std::uint32_t hash(const FlowKey4& key) const noexcept {
    static_assert(sizeof(Aes128::Block) == sizeof key);
    const Aes128::Block hashed = aes_.encrypt(std::bit_cast<Aes128::Block>(key));
    return std::bit_cast<std::array<std::uint32_t, 4>>(hashed)[0];
  }

  /// The initial sequence number at `now` (RFC 6528). For one four-tuple it rises with time.
  /// `host`: that of another host behind the same address; 0 = this one.
  Seq initial_sequence(const FlowKey4& key, Instant now, std::uint32_t host = 0) const noexcept {
    return tcp::initial_sequence(std::as_bytes(std::span(&key, 1)), bits_of(host), now);
  }

  /// What is added to the clock of timestamps, in ms (RFC 7323 7.1): one offset for each
  /// combination of local and remote address, and for each host.
  std::uint32_t timestamp_offset(const FlowKey4& key, std::uint32_t host = 0) const noexcept {
    return tcp::timestamp_offset(std::as_bytes(std::span(&key.local_ip, 2)), bits_of(host));
  }

  const tcp::Secret& bits() const noexcept { return secret_; }

 private:
  tcp::Secret bits_of(std::uint32_t host) const noexcept { return {secret_[0], secret_[1] + host}; }
  /// Not the key of the sequence numbers, so that one value reveals nothing about the other.
  constexpr Aes128::Block aes_key() const noexcept {
    constexpr std::uint64_t kPurpose = 0x666c'6f77'2068'6173;
    return std::bit_cast<Aes128::Block>(tcp::Secret{secret_[0] ^ kPurpose, secret_[1]});
  }

  tcp::Secret secret_{};
  Aes128 aes_{aes_key()};
};

}  // namespace mayfly::flow
