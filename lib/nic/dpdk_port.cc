#include "nic/dpdk_port.h"

#include <rte_thash.h>

#include <utility>

#include "base/endian.h"
#include "nic/exception_path.h"
#include "nic/steer.h"

namespace mayfly::nic {

DpdkPort::DpdkPort(const PortGroup& group, std::uint32_t core_index)
    : port_id_(group.port_id),
      queue_(static_cast<std::uint16_t>(core_index)),
      spread_(group.steering != Steering::one_core),
      core_(core_index),
      tx_flags_(group.tx_flags),
      tx_flags6_(group.tx_flags6),
      tx_ring_(group.tx_rings.empty() ? nullptr : group.tx_rings[core_index]),
      gate_(group.gate),
      pool_(group.pools[core_index]),
      group_(&group),
      spare_(pool_, group.tx_from_one_pool) {
  lost_before_ = device_losses();
  if (group.exception != nullptr)
    exception_ = std::make_unique<ExceptionPath>(*group.exception, pool_, core_ == 0);
  if (group.steering == Steering::software && core_index == 0) {
    reassembler_ = std::make_unique<link::Reassembler>();
    reassembler6_ = std::make_unique<link::Reassembler6>();
  }
}

DpdkPort::DpdkPort(DpdkPort&&) noexcept = default;
DpdkPort::~DpdkPort() = default;

link::Exchanged DpdkPort::exchanged() const noexcept {
  return exception_ != nullptr ? exception_->exchanged() : link::Exchanged{};
}

std::uint64_t DpdkPort::exception_drops(Drop why) const noexcept {
  return exception_ != nullptr ? exception_->drops(why) : 0;
}

/// Gives the kernel what is its own, and sends what it sends. Returns how many frames stay.
std::size_t DpdkPort::share(std::span<Frame> received, Instant now) noexcept {
  const std::size_t ours = exception_->sort_out(received);
  if (core_ != 0) return ours;
  std::array<Frame, kBurstMax> frames;
  const std::size_t n = exception_->exchange(frames, now);
  const std::size_t sent = n == 0 ? 0 : transmit(std::span(frames).first(n), now);
  exception_->count_sent(sent);
  for (const Frame f : std::span(frames).first(n).subspan(sent)) drop(f, Drop::transmit_full);
  return ours;
}

DpdkPort::DeviceLosses DpdkPort::device_losses() const noexcept {
  rte_eth_stats stats{};
  if (rte_eth_stats_get(port_id_, &stats) != 0) return {};  // it counts nothing
  return {stats.oerrors, stats.imissed + stats.ierrors + stats.rx_nombuf};
}

std::uint32_t DpdkPort::shard_of(const FlowKey4& key) const noexcept {
  switch (group_->steering) {
    case Steering::one_core: return 0;
    case Steering::device_own: return core_;
    case Steering::software: return flow_shard(key, group_->flow_secret, group_->cores);
    case Steering::device_hash: break;
  }
  // A received frame's source is the remote end.
  std::array<std::uint32_t, 3> tuple{
      key.remote().host, key.local().host,
      std::uint32_t{key.remote_port_host()} << 16 | key.local_port_host()};
  const std::uint32_t hash = rte_softrss(tuple.data(), tuple.size(), group_->toeplitz_key.data());
  return group_->indirection[hash & (group_->indirection.size() - 1)];
}

std::uint32_t DpdkPort::shard_of(const FlowKey6& key) const noexcept {
  switch (group_->steering) {
    case Steering::one_core: return 0;
    case Steering::device_own: return core_;
    case Steering::software: return flow_shard(key, group_->flow_secret, group_->cores);
    case Steering::device_hash: break;
  }
  std::array<std::uint32_t, 9> tuple;  // in host order: source, destination, ports
  for (std::size_t i = 0; i < 4; ++i) {
    tuple[i] = load_be32(reinterpret_cast<const std::byte*>(&key.remote.octets[4 * i]));
    tuple[4 + i] = load_be32(reinterpret_cast<const std::byte*>(&key.local.octets[4 * i]));
  }
  tuple[8] = std::uint32_t{key.remote_port_host()} << 16 | key.local_port_host();
  const std::uint32_t hash = rte_softrss(tuple.data(), tuple.size(), group_->toeplitz_key.data());
  return group_->indirection[hash & (group_->indirection.size() - 1)];
}

std::uint32_t DpdkPort::owner_of(const Route& route, std::uint32_t otherwise) const noexcept {
  if (route.kind != Route::Kind::flow) return otherwise;
  return route.is_ipv6 ? shard_of(route.key6) : shard_of(route.key);
}

void DpdkPort::drop(Frame f, Drop why) noexcept {
  count(why);
  rte_pktmbuf_free(f);
}

std::size_t DpdkPort::linearize(std::span<Frame> frames) noexcept {
  std::size_t kept = 0;
  for (const Frame f : frames) {
    if (f->nb_segs == 1 || rte_pktmbuf_linearize(f) == 0) {
      frames[kept++] = f;
    } else {
      drop(f, Drop::frame_chained);
    }
  }
  return kept;
}

std::size_t DpdkPort::receive_spread(std::span<Frame> frames, Instant now) noexcept {
  if (group_->steering != Steering::software) return receive_steered(frames, now);
  if (core_ == 0) return receive_for_all(frames, now);
  return rte_ring_dequeue_burst(group_->rx_rings[core_], reinterpret_cast<void**>(frames.data()),
                                static_cast<unsigned>(frames.size()), nullptr);
}

std::size_t DpdkPort::receive_for_all(std::span<Frame> frames, Instant now) noexcept {
  transmit_for_others();
  const std::size_t n = keep_contiguous(frames.first(receive_ours(frames, now)));
  std::size_t kept = 0;
  for (Frame f : frames.first(n)) {
    Route route = route_of(bytes(f));
    if (route.kind == Route::Kind::fragment) {
      f = route.is_ipv6 ? whole_datagram(*reassembler6_, f, route.l3_off, now)
                        : whole_datagram(*reassembler_, f, route.l3_off, now);
      if (f == nullptr) continue;
      route = route_of(bytes(f));
    }
    if (route.kind == Route::Kind::all) copy_to_others(f);
    const std::uint32_t owner = owner_of(route, 0);
    if (owner == 0) {
      frames[kept++] = f;
    } else {
      hand_over(f, owner);
    }
  }
  return kept;
}

template <class Reassembler>
DpdkPort::Frame DpdkPort::whole_datagram(Reassembler& reassembler, Frame f, std::size_t l3_off,
                                         Instant now) noexcept {
  const auto answer = reassembler.add(bytes(f).subspan(l3_off), now);
  if (answer.why != Drop::none) count(answer.why);
  drops_[static_cast<std::size_t>(Drop::fragment_timeout)].add(answer.timed_out);
  return link::put_datagram(*this, f, l3_off, answer.datagram);
}

/// The device hashes only TCP. ARP arrives at one queue, and all cores must learn from it; an ICMP
/// error is hashed by its outer addresses, and must reach the core of the flow that it quotes.
std::size_t DpdkPort::receive_steered(std::span<Frame> frames, Instant now) noexcept {
  // Frames from other cores come first, and leave room, so that neither source starves the other.
  const std::size_t handed =
      rte_ring_dequeue_burst(group_->rx_rings[core_], reinterpret_cast<void**>(frames.data()),
                             static_cast<unsigned>(frames.size() / 2), nullptr);
  frames = frames.subspan(handed);
  const std::size_t n = keep_contiguous(frames.first(receive_ours(frames, now)));
  std::size_t kept = 0;
  for (const Frame f : frames.first(n)) {
    std::uint32_t owner = core_;
    if (!is_whole_tcp(bytes(f))) [[unlikely]] {
      const Route route = route_of(bytes(f));
      if (route.kind == Route::Kind::all) copy_to_others(f);
      owner = owner_of(route, core_);
    }
    if (owner == core_) {
      frames[kept++] = f;
    } else {
      hand_over(f, owner);
    }
  }
  return handed + kept;
}

bool DpdkPort::pass_on(Frame datagram) noexcept {
  if (!spread_) return false;
  const Route route = route_of(bytes(datagram));
  const std::uint32_t owner = owner_of(route, core_);
  if (owner == core_) return false;
  hand_over(datagram, owner);
  return true;
}

/// With software RSS, passes the frame itself. Otherwise this is rare, and a copy is passed: so
/// every frame of a core is from its own pool, and the device can free whole bursts at once.
void DpdkPort::hand_over(Frame f, std::uint32_t core) noexcept {
  if (group_->steering != Steering::software) {
    const Frame copy = rte_pktmbuf_copy(f, group_->pools[core], 0, UINT32_MAX);
    if (copy == nullptr) return drop(f, Drop::no_buffer);
    rte_pktmbuf_free(std::exchange(f, copy));
  }
  if (rte_ring_enqueue(group_->rx_rings[core], f) != 0) drop(f, Drop::ring_full);
}

void DpdkPort::copy_to_others(Frame f) noexcept {
  for (std::uint32_t core = 0; core < group_->cores; ++core) {
    if (core == core_) continue;
    const Frame copy = rte_pktmbuf_copy(f, group_->pools[core], 0, UINT32_MAX);
    if (copy == nullptr) {
      count(Drop::no_buffer);
    } else if (rte_ring_enqueue(group_->rx_rings[core], copy) != 0) {
      drop(copy, Drop::ring_full);
    }
  }
}

std::size_t DpdkPort::transmit_ring(std::span<Frame> frames) noexcept {
  return rte_ring_enqueue_burst(tx_ring_, reinterpret_cast<void* const*>(frames.data()),
                                static_cast<unsigned>(frames.size()), nullptr);
}

/// Some drivers take a frame that is too long for their interface and lose it without a word.
std::size_t DpdkPort::transmit_short(std::span<Frame> frames) noexcept {
  const std::uint32_t longest = group_->frame_max.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (rte_pktmbuf_pkt_len(frames[i]) > longest) {
      drop(frames[i], Drop::device_refused);
      continue;
    }
    const std::span<Frame> one = frames.subspan(i, 1);
    const std::size_t taken = tx_ring_ != nullptr ? transmit_ring(one) : transmit_queue(one);
    if (taken == 0) return i;
  }
  return frames.size();
}

/// Sends one burst of each core that has no transmit queue, in turn. Frames that the device does
/// not take wait here; the rings then fill up, and to their cores the device appears full.
void DpdkPort::transmit_for_others() noexcept {
  for (std::uint32_t i = 0; i < group_->cores; ++i) {
    if (waiting_first_ == waiting_end_) take_waiting();
    waiting_first_ +=
        transmit_queue(std::span(waiting_).subspan(waiting_first_, waiting_end_ - waiting_first_));
    if (waiting_first_ != waiting_end_) return;
  }
}

void DpdkPort::take_waiting() noexcept {
  next_sender_ = next_sender_ + 1 == group_->cores ? 0 : next_sender_ + 1;
  rte_ring* ring = group_->tx_rings[next_sender_];
  waiting_first_ = 0;
  waiting_end_ = 0;
  if (ring == nullptr) return;
  waiting_end_ =
      rte_ring_dequeue_burst(ring, reinterpret_cast<void**>(waiting_.data()), kBurstMax, nullptr);
}

}  // namespace mayfly::nic
