// The seam between the stack and whatever carries frames: a NIC queue, a software-RSS ring, a
// simulated link. A compile-time concept: there is no virtual call on the way of a frame.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/burst.h"
#include "base/time.h"
#include "wire/parse.h"

namespace mayfly {

/// Checksums that a port can compute while it transmits.
struct TxOffloads {
  bool ip_checksum = false;
  bool tcp_checksum = false;
};

/// A Frame is a cheap handle (a pointer) that whoever holds it owns: it is given on to transmit or
/// release. A null Frame (`Frame{}`) stands for none.
// clang-format off
template <class P>
concept Port = requires(P p, typename P::Frame f, std::span<typename P::Frame> fs, Instant now,
                        Drop& why) {
  requires std::is_trivially_copyable_v<typename P::Frame>;
  /// Fills `fs` (at most kBurstMax), returns how many. `now` is for ports that model time.
  { p.receive(fs, now) } noexcept -> std::same_as<std::size_t>;
  /// The frame's bytes, contiguous, from the Ethernet header on.
  { p.bytes(f) } noexcept -> std::same_as<std::span<std::byte>>;
  /// What the device verified of a received frame.
  { p.rx_checks(f) } noexcept -> std::same_as<RxChecks>;
  /// A fresh frame of kFrameRoom bytes, or null when the pool is empty.
  { p.allocate() } noexcept -> std::same_as<typename P::Frame>;
  /// Cuts a frame from allocate() to its final length, at most its room. The device pads short
  /// ones.
  { p.set_length(f, std::size_t{}) } noexcept;
  /// Asks the device for the checksums that emit_tcp left to it. l2, l3: header lengths in bytes.
  { p.request_checksums(f, std::size_t{}, std::size_t{}) } noexcept;
  { p.tx_offloads() } noexcept -> std::same_as<TxOffloads>;
  /// Takes ownership of the first n frames, returns n; the others stay the caller's.
  { p.transmit(fs, now) } noexcept -> std::same_as<std::size_t>;
  { p.release(f) } noexcept;
  /// Takes an IPv4 fragment (its network header at l3_off). Returns the whole datagram as one
  /// contiguous frame when it is complete, null while it is not or when `why` says that it was
  /// dropped.
  { p.reassemble(f, std::size_t{}, now, why) } noexcept -> std::same_as<typename P::Frame>;
};
// clang-format on

/// The most bytes in a frame: 18 of Ethernet and VLAN, and a 1,500-byte MTU, with room to spare.
inline constexpr std::size_t kFrameRoom = 2'048;

}  // namespace mayfly
