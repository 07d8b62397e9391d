// One core's part of an ethdev port: its receive and transmit queue, its mempool, and software for
// what the device lacks. Satisfies Port; a Frame is an rte_mbuf.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/counter.h"
#include "base/siphash.h"
#include "link/port.h"
#include "link/reassembler.h"
#include "nic/gate.h"
#include "nic/spare_frames.h"
#include "wire/flow_key.h"
#include "wire/layout.h"

namespace mayfly::nic {

struct Route;
struct ExceptionGroup;
class ExceptionPath;

/// How the frames of a flow reach the core that owns the flow.
enum class Steering : std::uint8_t {
  one_core,     ///< there is only one
  device_hash,  ///< by the device, by a Toeplitz hash whose key we know
  device_own,   ///< by the device, by an unknown rule: a flow stays on its first queue
  software,     ///< core 0 receives for all and passes frames on
};

/// The data that the ports of all cores on one device share. Constant while they poll, except for
/// the contents of the rings, and frame_max.
struct PortGroup {
  /// Bytes of the longest frame that the device would send at present, where that is less than the
  /// port may send. The control thread writes.
  std::atomic<std::uint32_t> frame_max{UINT32_MAX};
  std::uint16_t port_id = 0;
  std::uint32_t cores = 1;
  std::uint16_t rx_queues = 1, tx_queues = 1;
  Steering steering = Steering::one_core;
  Gate* gate = nullptr;  ///< to be passed on the way into the driver; null = always open
  link::TxOffloads tx_offloads;
  std::uint64_t tx_flags = 0;       ///< of every frame whose checksums the device fills in
  std::uint64_t tx_flags6 = 0;      ///< the same over IPv6
  bool tx_from_one_pool = false;    ///< the device needs a queue's frames to be of the core's pool
  std::vector<rte_mempool*> pools;  ///< one a core
  std::vector<rte_ring*> rx_rings;  ///< to each core from others; empty with one core
  std::vector<rte_ring*>
      tx_rings;          ///< from each core without a transmit queue to core 0; null otherwise
  SipKey flow_secret{};  ///< Steering::software
  std::vector<std::uint8_t> toeplitz_key;     ///< Steering::device_hash
  const ExceptionGroup* exception = nullptr;  ///< the kernel's part; null = the port is ours alone
  std::vector<std::uint16_t> indirection;     ///< queue of each hash value, a power of two of them
};

/// Used by one core only, except drops().
class DpdkPort {
 public:
  using Frame = rte_mbuf*;

  /// `group` outlives the port.
  DpdkPort(const PortGroup& group, std::uint32_t core_index);
  DpdkPort(DpdkPort&&) noexcept;
  ~DpdkPort();

  std::size_t receive(std::span<Frame> frames, Instant now) noexcept {
    const std::size_t n = spread_ ? receive_spread(frames, now) : receive_ours(frames, now);
    return keep_contiguous(frames.first(n));
  }

  std::size_t transmit(std::span<Frame> frames, Instant) noexcept {
    if (group_->frame_max.load(std::memory_order_relaxed) < link::kFrameRoom) [[unlikely]]
      return transmit_short(frames);
    if (tx_ring_ != nullptr) return transmit_ring(frames);
    return transmit_queue(frames);
  }

  std::span<std::byte> bytes(Frame f) noexcept {
    return {rte_pktmbuf_mtod(f, std::byte*), f->data_len};
  }

  wire::RxChecks rx_checks(Frame f) noexcept {
    const std::uint64_t ip = f->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
    const std::uint64_t l4 = f->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    wire::RxChecks checks;
    checks.ip_good = ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    checks.ip_bad = ip == RTE_MBUF_F_RX_IP_CKSUM_BAD;
    // NONE: the field is not filled in, but the device reports the data as intact (virtio between
    // guests).
    checks.l4_good = l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE;
    checks.l4_bad = l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD;
    return checks;
  }

  Frame allocate() noexcept {
    const Frame f = spare_.take();
    if (f != nullptr) f->data_len = link::kFrameRoom, f->pkt_len = link::kFrameRoom;
    return f;
  }

  /// Also for a received frame that is sent again. The padding of a short frame is zero, never old
  /// memory.
  void set_length(Frame f, std::size_t length) noexcept {
    if (length < kEthernetMin) {
      std::memset(rte_pktmbuf_mtod(f, std::byte*) + length, 0, kEthernetMin - length);
      length = kEthernetMin;
    }
    f->data_len = static_cast<std::uint16_t>(length);
    f->pkt_len = static_cast<std::uint32_t>(length);
    f->ol_flags = 0;  // they concern other bytes
  }

  void request_checksums(Frame f, std::size_t l2, std::size_t l3) noexcept {
    f->ol_flags = l3 == wire::kIpv6HeaderSize ? tx_flags6_ : tx_flags_;
    f->tx_offload = rte_mbuf_tx_offload(l2, l3, 0, 0, 0, 0, 0);
  }

  link::TxOffloads tx_offloads() noexcept { return group_->tx_offloads; }

  void release(Frame f) noexcept {
    if (!spare_.keep(f)) rte_pktmbuf_free(f);
  }

  bool pass_on(Frame datagram) noexcept;

  std::uint32_t core_index() const noexcept { return core_; }
  std::uint32_t cores() const noexcept { return group_->cores; }

  /// The core at which received frames of a flow arrive. A client chooses its source port so that
  /// this is its own core. With Steering::device_own it is this core, as answers come to the queue
  /// that sent the request (true for devices that pair queues).
  std::uint32_t shard_of(const FlowKey4& key) const noexcept;
  std::uint32_t shard_of(const FlowKey6& key) const noexcept;

  /// What this core has exchanged with the kernel. Any thread.
  link::Exchanged exchanged() const noexcept;

  /// Frames dropped below the Shard: frame_chained, ring_full, no_buffer, transmit_full, fragments
  /// that the receiving core reassembled for others, and what the device itself has lost since the
  /// first core's port was made. Any thread may call it.
  std::uint64_t drops(Drop why) const noexcept {
    const std::uint64_t ours = drops_[static_cast<std::size_t>(why)].get() + exception_drops(why);
    // The device counts for all of its queues together.
    if (core_ != 0 || (why != Drop::device_refused && why != Drop::device_missed)) return ours;
    const DeviceLosses now = device_losses();
    return ours + (why == Drop::device_refused ? now.refused - lost_before_.refused
                                               : now.missed - lost_before_.missed);
  }

 private:
  struct DeviceLosses {
    std::uint64_t refused = 0, missed = 0;
  };
  DeviceLosses device_losses() const noexcept;

  static constexpr std::size_t kEthernetMin = 60;  // without the frame check sequence

  /// What the device has received, without what is the kernel's.
  std::size_t receive_ours(std::span<Frame> frames, Instant now) noexcept {
    const std::size_t n = receive_queue(frames);
    return exception_ != nullptr ? share(frames.first(n), now) : n;
  }
  std::size_t share(std::span<Frame> received, Instant now) noexcept;
  std::uint64_t exception_drops(Drop why) const noexcept;

  std::size_t receive_queue(std::span<Frame> frames) noexcept {
    if (gate_ != nullptr && !gate_->enter(core_)) return 0;
    const std::size_t n = rte_eth_rx_burst(port_id_, queue_, frames.data(),
                                           static_cast<std::uint16_t>(frames.size()));
    if (gate_ != nullptr) gate_->leave(core_);
    return n;
  }

  std::size_t transmit_queue(std::span<Frame> frames) noexcept {
    if (gate_ != nullptr && !gate_->enter(core_)) return 0;
    const std::size_t n = rte_eth_tx_burst(port_id_, queue_, frames.data(),
                                           static_cast<std::uint16_t>(frames.size()));
    if (gate_ != nullptr) gate_->leave(core_);
    return n;
  }

  /// Frames in several buffers are rare; only those are copied.
  // What another core has written of a frame's head is fetched to be written here.
  std::size_t keep_contiguous(std::span<Frame> frames) noexcept {
    for (const Frame f : frames) __builtin_prefetch(f, 1);
    for (const Frame f : frames) {
      if (f->nb_segs != 1) [[unlikely]]
        return linearize(frames);
    }
    return frames.size();
  }

  std::size_t linearize(std::span<Frame> frames) noexcept;
  std::size_t receive_spread(std::span<Frame> frames, Instant now) noexcept;
  std::size_t receive_for_all(std::span<Frame> frames, Instant now) noexcept;
  std::size_t receive_steered(std::span<Frame> frames, Instant now) noexcept;
  template <class Reassembler>
  Frame whole_datagram(Reassembler& reassembler, Frame f, std::size_t l3_off, Instant now) noexcept;
  std::uint32_t owner_of(const Route& route, std::uint32_t otherwise) const noexcept;
  std::size_t transmit_ring(std::span<Frame> frames) noexcept;
  std::size_t transmit_short(std::span<Frame> frames) noexcept;
  void transmit_for_others() noexcept;
  void take_waiting() noexcept;
  void hand_over(Frame f, std::uint32_t core) noexcept;
  void copy_to_others(Frame f) noexcept;
  void count(Drop why) noexcept { drops_[static_cast<std::size_t>(why)].add(); }
  void drop(Frame f, Drop why) noexcept;

  // The members that each burst touches come first.
  std::uint16_t port_id_;
  std::uint16_t queue_;
  bool spread_;
  std::uint32_t core_;
  std::uint64_t tx_flags_, tx_flags6_;
  rte_ring* tx_ring_;
  Gate* gate_;
  rte_mempool* pool_;
  const PortGroup* group_;
  std::unique_ptr<ExceptionPath> exception_;  // null: the port is ours alone
  SpareFrames spare_;

  // Of core 0 if it receives for all; else null.
  std::unique_ptr<link::Reassembler> reassembler_;
  std::unique_ptr<link::Reassembler6> reassembler6_;
  std::uint32_t next_sender_ = 0;
  std::size_t waiting_first_ = 0, waiting_end_ = 0;  // of waiting_
  std::array<Frame, kBurstMax> waiting_{};           // taken from a tx ring, not yet by the device
  std::array<Counter, wire::kDropCount> drops_;
  DeviceLosses lost_before_;
};

static_assert(link::SpreadPort<DpdkPort>);

}  // namespace mayfly::nic
