// The seam between the stack and what transports frames: a NIC queue, a software-RSS ring, a
// simulated wire. It is a compile-time concept: no call on the path of a frame is virtual.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/burst.h"
#include "base/time.h"
#include "wire/parse.h"

namespace mayfly::link {

/// Checksums that a port can compute while it transmits.
struct TxOffloads {
  bool ip_checksum = false;
  bool tcp_checksum = false;
};

/// Frames that a port has exchanged with the kernel, past the stack.
struct Exchanged {
  std::uint64_t to_kernel = 0, from_kernel = 0;
};

/// A Frame is a cheap handle (a pointer). Its holder owns the frame until it gives it to transmit
/// or release. A null Frame (`Frame{}`) stands for none.
// clang-format off
template <class P>
concept Port = requires(P p, typename P::Frame f, std::span<typename P::Frame> fs, Instant now) {
  requires std::is_trivially_copyable_v<typename P::Frame>;
  /// Fills `fs` (at most kBurstMax), returns how many. `now` is for ports that simulate time.
  { p.receive(fs, now) } noexcept -> std::same_as<std::size_t>;
  /// The frame's bytes, contiguous, starting with the Ethernet header.
  { p.bytes(f) } noexcept -> std::same_as<std::span<std::byte>>;
  /// What the device verified of a received frame.
  { p.rx_checks(f) } noexcept -> std::same_as<wire::RxChecks>;
  /// A fresh frame of kFrameRoom bytes, or null when the pool is empty.
  { p.allocate() } noexcept -> std::same_as<typename P::Frame>;
  /// Sets the length of a frame in bytes, at most kFrameRoom. The port pads a frame that is shorter
  /// than Ethernet's minimum.
  { p.set_length(f, std::size_t{}) } noexcept;
  /// Asks the device for the checksums that emit_tcp or emit_tcp6 left to it. l2, l3: header
  /// lengths in bytes; an l3 of 40 is an IPv6 header.
  { p.request_checksums(f, std::size_t{}, std::size_t{}) } noexcept;
  { p.tx_offloads() } noexcept -> std::same_as<TxOffloads>;
  /// Takes ownership of the first n frames, returns n; the others stay the caller's.
  { p.transmit(fs, now) } noexcept -> std::same_as<std::size_t>;
  { p.release(f) } noexcept;
};

/// A port of one core among several on a device. Fragments go by their addresses alone, so a
/// datagram that a core has put together may be of a flow that another core owns.
template <class P>
concept SpreadPort = Port<P> && requires(P p, typename P::Frame f) {
  /// True: the datagram belongs to another core, and the port has passed it to that core.
  { p.pass_on(f) } noexcept -> std::same_as<bool>;
};
// clang-format on

/// The most bytes in a frame: enough for Ethernet and VLAN (18) and an MTU of 1,500.
inline constexpr std::size_t kFrameRoom = 2'048;

}  // namespace mayfly::link
