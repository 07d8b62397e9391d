// From what a connection wants to say to frames on the device. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly {

// Puts the block at the end of the list that respond() works off.
template <Port P, class A>
void Shard<P, A>::want_output(ConnectionBlock& b) noexcept {
  if (b.tcp.has(block_flag::pending)) return;
  b.tcp.set(block_flag::pending);
  b.next_pending = kNoIndex;
  const std::uint32_t index = index_of(b);
  (pending_first_ == kNoIndex ? pending_first_ : memory_.blocks[pending_last_].next_pending) =
      index;
  pending_last_ = index;
}

// Each touched connection once: its segments, then its timer. When the device takes no more, the
// rest waits for the next poll with nothing lost.
template <Port P, class A>
void Shard<P, A>::respond() noexcept {
  while (pending_first_ != kNoIndex) {
    const std::uint32_t index = pending_first_;
    ConnectionBlock& b = memory_.blocks[index];
    if (b.tcp.state != State::closed) {
      if (!send_pending(b)) return;
    } else if (!b.tcp.has(block_flag::dead)) {
      finish(b, CloseReason::aborted);  // by the app, or closed by it before it was open
    }
    pending_first_ = b.next_pending;
    b.tcp.clear(block_flag::pending);
    if (b.tcp.state == State::closed) {
      memory_.blocks.give_back(index);
      stats_.connections.set(memory_.blocks.used());
    } else {
      arm(b);
    }
  }
}

// Sends all that the connection may send now. False: the device's stage is full, or buffers ran
// out.
template <Port P, class A>
bool Shard<P, A>::send_pending(ConnectionBlock& b) noexcept {
  const Link& link = *links_[b.port];
  Emission e;
  while (has_room(link)) {
    if (is_quiet(b.tcp)) return true;
    const Seq max_before = b.tcp.snd_max;
    if (!next_emission(b.tcp, cfg_->tcp, now_, e)) return true;
    const bool occupies = e.payload_len > 0 || e.has(tcp_flag::syn | tcp_flag::fin);
    if (before(e.seq, max_before) && occupies) stats_.retransmitted.add();
    if (!send(b.port, key_of(b), e, &b.tx)) return false;
  }
  return false;
}

// The wheel is only told of earlier deadlines; a later one is found when the old one fires. So a
// connection that lives for less than its first deadline costs one arming and one disarming.
template <Port P, class A>
void Shard<P, A>::arm(ConnectionBlock& b) noexcept {
  const Instant due = std::min(next_deadline(b.tcp), b.wake_at);
  if (due >= b.armed_for) return;
  b.armed_for = due;
  BlockNodes nodes{memory_.blocks};
  timers_.arm(nodes, index_of(b), due);
}

// Builds the frame and hands it on. False when there is no buffer: TCP's own timer repairs that.
template <Port P, class A>
bool Shard<P, A>::send(std::uint8_t link_index, const FlowKey4& key, const Emission& e,
                       const TxQueue* tx) noexcept {
  Link& link = *links_[link_index];
  const Frame frame = link.port->allocate();
  if (frame == Frame{}) {
    lose(Drop::no_buffer);
    return false;
  }
  const LinkHeader header{{}, link.interface.mac, link.interface.vlan};
  const std::size_t payload_at = tcp_payload_offset(header, e);
  const std::size_t length = payload_at + e.payload_len;
  const std::span<std::byte> bytes = link.port->bytes(frame).first(length);
  if (e.payload_len > 0) tx->copy(memory_.tx, e.seq, e.payload_len, bytes.data() + payload_at);
  const TxOffloads offloads = link.offloads;
  emit_tcp(bytes, header, key, e, ip_id_++,
           offloads.ip_checksum ? ChecksumBy::device : ChecksumBy::software,
           offloads.tcp_checksum ? ChecksumBy::device : ChecksumBy::software);
  link.port->set_length(frame, length);
  if (offloads.ip_checksum || offloads.tcp_checksum)
    link.port->request_checksums(frame, header.size(), 20);
  send_ip(link_index, frame, key.remote());
  return true;
}

template <Port P, class A>
bool Shard<P, A>::send_reset(const Arrival& a) noexcept {
  Emission rst;
  if (!reset_for(a.parsed.segment, rst)) return false;
  if (!rst_limit_.allow(now_)) {
    stats_.rst_limited.add();
    return false;
  }
  stats_.rst_sent.add();
  return send(a.link, a.parsed.key, rst, nullptr);
}

// Fills in the next hop's MAC address (RFC 1122 3.3.1), or keeps the frame until ARP has found it.
template <Port P, class A>
void Shard<P, A>::send_ip(std::uint8_t link_index, Frame frame, Ipv4Address to) noexcept {
  Link& link = *links_[link_index];
  const auto hop = link.interface.next_hop(to);
  if (!hop) {
    lose(Drop::no_route);
    return link.port->release(frame);
  }
  if (const MacAddress* mac = link.neighbours.find(*hop)) {
    std::memcpy(link.port->bytes(frame).data(), mac->octets.data(), mac->octets.size());
    return stage(link, frame);
  }
  bool ask = false;
  const Drop why = link.neighbours.wait(*hop, frame, now_, ask);
  if (why != Drop::none) {
    lose(why);
    link.port->release(frame);
  }
  if (ask) ask_neighbour(link_index, *hop, nullptr);
}

template <Port P, class A>
void Shard<P, A>::stage(Link& link, Frame frame) noexcept {
  if (link.staged_count == kTxStage) {
    lose(Drop::transmit_full);
    return link.port->release(frame);
  }
  stats_.tx_bytes.add(link.port->bytes(frame).size());
  link.staged[link.staged_count++] = frame;
}

template <Port P, class A>
std::size_t Shard<P, A>::transmit() noexcept {
  std::size_t sent = 0;
  for (auto& each : links_) {
    Link& link = *each;
    if (link.staged_count == 0) continue;
    const std::size_t n =
        link.port->transmit(std::span(link.staged).first(link.staged_count), now_);
    std::copy(link.staged.begin() + static_cast<std::ptrdiff_t>(n),
              link.staged.begin() + static_cast<std::ptrdiff_t>(link.staged_count),
              link.staged.begin());
    link.staged_count -= n;
    sent += n;
  }
  if (sent > 0) stats_.tx_packets.add(sent);
  return sent;
}

// RFC 7323 7.1: one offset for each pair of hosts.
template <Port P, class A>
std::uint32_t Shard<P, A>::ts_offset_of(const FlowKey4& key) const noexcept {
  return timestamp_offset(std::as_bytes(std::span(&key.local_ip, 2)), secret_);
}

// RFC 6528.
template <Port P, class A>
Seq Shard<P, A>::iss_for(const FlowKey4& key) const noexcept {
  return initial_sequence(std::as_bytes(std::span(&key, 1)), secret_, now_);
}

}  // namespace mayfly
