// The kernel's part of a port: what is not ours goes to a second device, and what the kernel sends
// by that goes out of the port as it is. So the kernel has its SSH, BGP, BFD and DHCP on the same
// card. The first core has the device; the others pass their frames on in a ring. Both directions
// are bounded, so that a flood to the kernel costs the connections here little.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/counter.h"
#include "base/rate_limit.h"
#include "link/interface.h"
#include "nic/dpdk_port.h"
#include "nic/settings.h"
#include "wire/drop.h"

namespace mayfly::nic {

/// What the cores of a port share of it. Constant while they poll, but for the ring's contents.
struct ExceptionGroup {
  ExceptionSettings settings;
  link::Interface interface;             ///< of the port
  const PortGroup* kernel = nullptr;     ///< of the second device
  rte_ring* waiting = nullptr;           ///< for the kernel; from every core to the first
  std::uint32_t frame_max = UINT32_MAX;  ///< bytes that the second device takes
};

/// Frames that may wait for the kernel.
inline constexpr std::uint32_t kExceptionRing = 512;
/// Descriptors of each ring of the second device.
inline constexpr std::uint16_t kExceptionDescriptors = 256;

/// One core's end of it. Used by that core only, except the counts.
class ExceptionPath {
 public:
  /// `group` outlives it. Copies are made in `pool`. `has_device`: it is the first core's.
  ExceptionPath(const ExceptionGroup& group, rte_mempool* pool, bool has_device);

  /// Takes the kernel's frames out of `received`, and copies of those that are for both. Returns
  /// how many stay, in their order, at the beginning.
  std::size_t sort_out(std::span<rte_mbuf*> received) noexcept;
  /// For the first core, at each poll: gives the device what waits for the kernel, and fills
  /// `frames` with what the kernel sends. Returns how many; the caller owns them.
  std::size_t exchange(std::span<rte_mbuf*> frames, Instant now) noexcept;
  /// So many of these have been sent.
  void count_sent(std::size_t n) noexcept { from_kernel_.add(n); }

  // -- for any thread

  link::Exchanged exchanged() const noexcept { return {to_kernel_.get(), from_kernel_.get()}; }
  std::uint64_t drops(Drop why) const noexcept;

 private:
  void put_by(rte_mbuf* frame) noexcept;
  void give_to_kernel(Instant now) noexcept;

  const ExceptionGroup& group_;
  rte_mempool* pool_;
  std::unique_ptr<DpdkPort> kernel_;  // of the first core; else null
  RateLimit to_limit_, from_limit_;
  Counter to_kernel_, from_kernel_, limited_, refused_, no_buffer_;
};

/// Fills in the checksum of a TCP segment or UDP datagram, of either family, that its sender has
/// left to a device: so between virtual machines. Anything else stays as it is.
void complete_checksum(std::span<std::byte> frame) noexcept;

}  // namespace mayfly::nic
