// What a shard derives from a four-tuple and its secret: the hash in the tables, the initial
// sequence number, the timestamp offset. All are words of AES-128 under one key, a pseudo-random
// permutation: nobody without the key can predict a word from other words, of the same block or of
// another.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

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

  /// The hash of a four-tuple in the flow table and the TIME_WAIT log: a peer cannot choose
  /// four-tuples that collide. A name is unpredictable already.
  std::uint32_t hash(const FlowKey4& key) const noexcept {
    return key.is_ipv6_name() ? key.local_ip : words(key, 0)[0];
  }

  /// What stands for an IPv6 four-tuple where an IPv4 one is kept: its fingerprint of 96 bits,
  /// which nobody without the key can predict, and a mark (doc/decisions/0017). Made of halves, as
  /// a key is read: a mark written alone would stall the next reader.
  FlowKey4 name(const FlowKey6& key) const noexcept { return name_of(fingerprint(key)); }
  /// The same; sets the flow label of the key too, which is constant for a connection and hard to
  /// guess (RFC 6437 3). It is made of the fingerprint's fourth word, which is no part of the name.
  /// Peers see it, and learn nothing from it of the hash, of the place in the tables or of the
  /// initial sequence number, which depend on the other words: of a pseudo-random function no bit
  /// of a value tells of another.
  FlowKey4 name_and_label(FlowKey6& key) const noexcept {
    const Aes128::Block all = fingerprint(key);
    key.flow_label = label_of(all);
    return name_of(all);
  }

  /// What all that is derived from a four-tuple of either family is made of.
  struct Names {
    FlowKey4 flow;   ///< its name; of IPv4 the four-tuple itself
    FlowKey4 hosts;  ///< that of its two addresses, with ports 0
  };
  static Names names(const FlowKey4& key) noexcept {
    return {key, {.local_ip = key.local_ip, .remote_ip = key.remote_ip}};
  }
  /// Sets the flow label of the key too. All together are four blocks, of which two stand for the
  /// addresses in either name.
  Names names_and_label(FlowKey6& key) const noexcept {
    const Aes128::Block addresses =
        aes_.mac(std::array<Halves, 2>{key.local.halves(), key.remote.halves()});
    const Aes128::Block all = aes_.mac_on(addresses, ports_of(key));
    key.flow_label = label_of(all);
    return {name_of(all), name_of(aes_.mac_on(addresses, Halves{}))};
  }

  /// A number for a remote host, of which few have the same.
  std::uint32_t host_number(const Ipv6Address& host) const noexcept {
    return std::bit_cast<std::array<std::uint32_t, 4>>(
        aes_.encrypt(std::bit_cast<Aes128::Block>(host)))[0];
  }

  /// The initial sequence number at `now` (RFC 6528). For one four-tuple it rises with time.
  /// `host`: that of another host behind the same address; 0 = this one.
  Seq initial_sequence(const FlowKey4& key, Instant now, std::uint32_t host = 0) const noexcept {
    return tcp::initial_sequence(words(key, host)[1], now);
  }

  /// What is added to the clock of timestamps, in ms (RFC 7323 7.1, RFC 6191 4): one offset for
  /// each combination of local and remote address, and for each host, so that timestamps are
  /// monotonic across its connections. No four-tuple has port 0 (Drop::tcp_port_zero).
  std::uint32_t timestamp_offset(const Names& names, std::uint32_t host = 0) const noexcept {
    return words(names.hosts, host)[2];
  }
  std::uint32_t timestamp_offset(const FlowKey4& key, std::uint32_t host = 0) const noexcept {
    return timestamp_offset(names(key), host);
  }

  /// The same for IPv6. The initial sequence number is that of the name.
  Seq initial_sequence(const FlowKey6& key, Instant now, std::uint32_t host = 0) const noexcept {
    return initial_sequence(name(key), now, host);
  }
  std::uint32_t timestamp_offset(const FlowKey6& key, std::uint32_t host = 0) const noexcept {
    return words(name({.local = key.local, .remote = key.remote}), host)[2];
  }

  const tcp::Secret& bits() const noexcept { return secret_; }

 private:
  using Words = std::array<std::uint32_t, 4>;

  using Halves = Aes128::Halves;

  static Halves ports_of(const FlowKey6& key) noexcept {
    return {key.local_port | std::uint32_t{key.remote_port} << 16, 0};
  }
  Aes128::Block fingerprint(const FlowKey6& key) const noexcept {
    return aes_.mac(std::array<Halves, 3>{key.local.halves(), key.remote.halves(), ports_of(key)});
  }
  static FlowKey4 name_of(const Aes128::Block& fingerprint) noexcept {
    auto halves = std::bit_cast<Halves>(fingerprint);
    halves[1] = with_upper(halves[1], FlowKey4::kIpv6Name);
    return std::bit_cast<FlowKey4>(halves);
  }
  static std::uint32_t label_of(const Aes128::Block& fingerprint) noexcept {
    constexpr int kBits = 20;
    return static_cast<std::uint32_t>(std::bit_cast<Halves>(fingerprint)[1] >> (64 - kBits));
  }
  static constexpr std::uint64_t with_upper(std::uint64_t half, std::uint32_t upper) noexcept {
    return (half & 0xffff'ffff) | std::uint64_t{upper} << 32;
  }
  // FlowKey4 has four octets to spare.
  Words words(const FlowKey4& key, std::uint32_t host) const noexcept {
    static_assert(sizeof(Aes128::Block) == sizeof key);
    auto halves = std::bit_cast<Halves>(key);
    halves[1] = with_upper(halves[1], host);
    return std::bit_cast<Words>(aes_.encrypt(std::bit_cast<Aes128::Block>(halves)));
  }
  /// Not the key of the SYN cookies.
  constexpr Aes128::Block aes_key() const noexcept {
    constexpr std::uint64_t kPurpose = 0x666c'6f77'2068'6173;
    return std::bit_cast<Aes128::Block>(tcp::Secret{secret_[0] ^ kPurpose, secret_[1]});
  }

  tcp::Secret secret_{};
  Aes128 aes_{aes_key()};
};

}  // namespace mayfly::flow
