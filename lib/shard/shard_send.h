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
  const Link<P>& link = *links_[b.port];
  Emission e;
  while (link.has_room()) {
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

// False when there is no buffer: TCP's own timer repairs that.
template <Port P, class A>
bool Shard<P, A>::send(std::uint8_t link, const FlowKey4& key, const Emission& e,
                       const TxQueue* tx) noexcept {
  MAYFLY_ASSERT(tx != nullptr || e.payload_len == 0);
  return links_[link]->send_tcp(key, e, now_, [&](std::span<std::byte> payload) {
    tx->copy(memory_.tx, e.seq, e.payload_len, payload.data());
  });
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

template <Port P, class A>
std::size_t Shard<P, A>::transmit() noexcept {
  std::size_t sent = 0;
  for (const auto& link : links_) sent += link->transmit(now_);
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
