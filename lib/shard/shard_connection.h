// Live connections: what a segment or a timer does to one, and what the app hears of it. Part of
// shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly {

// A block for a new flow, in the table but not yet open; null when there is no room.
template <Port P, class A>
ConnectionBlock* Shard<P, A>::open_block(const FlowKey4& key, std::uint32_t hash,
                                         std::uint8_t link) noexcept {
  const std::uint32_t index = memory_.blocks.take();
  if (index == kNoIndex) return nullptr;
  const std::int32_t position = memory_.table.insert(key, hash, index);
  if (position < 0) {
    memory_.blocks.give_back(index);
    return nullptr;
  }
  ConnectionBlock& b = memory_.blocks[index];
  b.tcp.slot = static_cast<std::uint32_t>(position);
  b.tx = {};
  b.app = {};
  b.unannounced = 0;
  b.wake_at = b.armed_for = Instant::never();
  b.rx_unread = 0;
  b.rx_buffer = b.time_wait_record = b.next_pending = kNoIndex;
  b.hash = hash;
  b.local_port = key.local_port_host();
  b.port = link;
  b.tcp.flags = 0;
  b.tcp.timer = {};
  stats_.connections.set(memory_.blocks.used());
  stats_.connections_peak.raise_to(memory_.blocks.used());
  return &b;
}

// Why the peer may not open a connection now; none: it may. One that reopens a TIME_WAIT needs no
// further entry.
template <Port P, class A>
Drop Shard<P, A>::objection_to(const Arrival& a, bool reopens) noexcept {
  if (draining_) return Drop::tcp_draining;
  if (reopens) return Drop::none;
  if (would_overfill()) return Drop::time_wait_full;
  return is_recycled_away(a) ? Drop::time_wait_recycle : Drop::none;
}

// A block for the peer's flow, which later segments of this burst are to find; null: no room.
template <Port P, class A>
ConnectionBlock* Shard<P, A>::make_passive(const Arrival& a) noexcept {
  ConnectionBlock* b = open_block(a.parsed.key, a.hash, a.link);
  if (b == nullptr) return drop(Drop::table_full), nullptr;
  burst_.created[burst_.created_count++] = a.hash;
  return b;
}

// RFC 9293 3.10.7.2: LISTEN and a SYN. `time_wait_record` is the old incarnation that this SYN
// reopens; it gets a block at any time, as a cookie could neither keep the old record nor be above
// its numbers. False: the SYN made no connection.
template <Port P, class A>
bool Shard<P, A>::accept(const Arrival& a, std::uint32_t time_wait_record) noexcept {
  const bool reopens = time_wait_record != kNoIndex;
  if (const Drop why = objection_to(a, reopens); why != Drop::none) return drop(why), false;
  if (!reopens && spares_block(a)) return false;
  ConnectionBlock* b = make_passive(a);
  if (b == nullptr) return false;
  const FlowKey4& key = a.parsed.key;
  Seq iss = iss_for(key);
  if (reopens) {
    iss = iss_after(memory_.time_waits[time_wait_record].entry, iss);
    b->time_wait_record = time_wait_record;
  }
  open_passive(b->tcp, a.parsed.segment, iss, ts_offset_of(key), cfg_->tcp, now_);
  b->tx.open(iss + 1);
  b->tcp.set(block_flag::half_open);
  count_half_open(1);
  stats_.syn_received.add();
  want_output(*b);
  return true;
}

template <Port P, class A>
ConnectResult Shard<P, A>::connect(const FlowKey4& key, const AppState& state,
                                   Instant wake_at) noexcept {
  const std::uint32_t hash = memory_.table.hash(key);
  if (memory_.table.find(key, hash) >= 0) return {ConnectError::tuple_in_use};
  const std::uint32_t old = memory_.time_waits.find(key, hash);
  if (old != kNoIndex && !may_reuse(key, memory_.time_waits[old])) return {ConnectError::time_wait};
  if (old == kNoIndex && would_overfill()) return {ConnectError::time_wait_full};
  ConnectionBlock* b = open_block(key, hash, link_of(key.local()));
  if (b == nullptr) return {ConnectError::table_full};
  Seq iss = iss_for(key);
  if (old != kNoIndex) {
    iss = iss_after(memory_.time_waits[old].entry, iss);
    stats_.time_wait_reused.add();
    end_time_wait(old);
  }
  open_active(b->tcp, iss, ts_offset_of(key), cfg_->tcp, now_);
  b->tx.open(iss + 1);
  b->app = state;
  b->wake_at = wake_at;
  b->tcp.set(block_flag::opened);
  stats_.opened.add();
  want_output(*b);
  return {ConnectError::none, Conn(*this, *b).id()};
}

// The port that has this address; the first one if none does.
template <Port P, class A>
std::uint8_t Shard<P, A>::link_of(Ipv4Address local) const noexcept {
  for (std::size_t i = links_.size() - 1; i > 0; --i)
    if (links_[i]->interface().is_local(local)) return static_cast<std::uint8_t>(i);
  return 0;
}

template <Port P, class A>
void Shard<P, A>::expect(std::span<const FlowKey4> keys) noexcept {
  std::array<const FlowKey4*, kBurstMax> pointers;
  std::array<std::uint32_t, kBurstMax> hashes;
  std::array<std::int32_t, kBurstMax> positions;
  const std::size_t n = std::min(keys.size(), kBurstMax);
  if (n == 0) return;
  for (std::size_t i = 0; i < n; ++i) {
    pointers[i] = &keys[i];
    hashes[i] = memory_.table.hash(keys[i]);
  }
  for (std::size_t i = 0; i < n; ++i) memory_.time_waits.prefetch_bucket(hashes[i]);
  memory_.table.find_bulk(std::span(pointers).first(n), std::span(hashes).first(n),
                          std::span(positions).first(n));
  for (std::size_t i = 0; i < n; ++i) memory_.time_waits.prefetch_record(hashes[i]);
}

template <Port P, class A>
void Shard<P, A>::on_connection(ConnectionBlock& b, const Arrival& a) noexcept {
  if (b.tcp.state == State::closed) {  // aborted earlier in this burst
    finish(b, CloseReason::aborted);
    return dispatch(a, memory_.table.find(a.parsed.key, a.hash));  // gone, or back in TIME_WAIT
  }
  const Segment& s = a.parsed.segment;
  std::array<SackBlock, kSackBlocksMax> sacks;
  const std::size_t sack_count = s.sack_count > 0 ? read_sack(a.bytes, s, sacks) : 0;
  const State before = b.tcp.state;
  const Verdict v = on_segment(b.tcp, s, std::span(sacks).first(sack_count), cfg_->tcp, now_);
  if (v.drop != Drop::none) drop(v.drop);
  if (v.challenge && !challenge_limit_.allow(now_)) {
    waive_challenge(b.tcp);
    stats_.challenges_limited.add();
  }
  if (v.reply == Reply::rst) send_reset(a);
  if (before == State::last_ack && (v.events & event::reset) != 0) stats_.reset_in_last_ack.add();
  want_output(b);
  if (v.events != 0) on_events(b, v.events);
  if (v.text_len > 0 && b.tcp.state != State::closed) take_segment_text(b, a, v);
  if (b.tcp.state == State::closed) return;
  if (const std::uint16_t events = take_fin(b.tcp, cfg_->tcp, now_); events != 0)
    on_events(b, events);
}

template <Port P, class A>
CloseReason Shard<P, A>::reason_of(std::uint16_t events) noexcept {
  if ((events & event::reset) != 0) return CloseReason::reset;
  if ((events & event::refused) != 0) return CloseReason::refused;
  if ((events & event::timed_out) != 0) return CloseReason::timed_out;
  if ((events & event::unreachable) != 0) return CloseReason::unreachable;
  if ((events & event::fin_wait_2_end) != 0) return CloseReason::fin_wait_2;
  return CloseReason::done;
}

template <Port P, class A>
void Shard<P, A>::on_events(ConnectionBlock& b, std::uint16_t events) noexcept {
  if ((events & event::established) != 0) on_established(b);
  if ((events & event::acked) != 0) on_acked(b);
  if ((events & event::peer_fin) != 0) b.tcp.set(block_flag::fin_unseen);
  if ((events & event::time_wait) != 0)
    b.tcp.clear(block_flag::stalled);  // the last chance to take text
  if ((events & (event::peer_fin | event::time_wait)) != 0) deliver_kept(b);
  // RFC 9293 3.10.5: an app that aborts in TIME_WAIT has none.
  if ((events & event::time_wait) != 0 && b.tcp.state == State::time_wait)
    return enter_time_wait(b);
  // CLOSED by the ACK of LAST_ACK, not by the end of FIN_WAIT_2.
  if ((events & (event::closed | event::fin_wait_2_end)) == event::closed &&
      cfg_->time_wait.hand_over)
    return take_over(b);
  constexpr std::uint16_t kEnds =
      event::reset | event::refused | event::timed_out | event::unreachable | event::closed;
  if ((events & kEnds) != 0 && !b.tcp.has(block_flag::dead)) finish(b, reason_of(events));
}

template <Port P, class A>
void Shard<P, A>::on_established(ConnectionBlock& b) noexcept {
  end_half_open(b);
  if (b.time_wait_record != kNoIndex) forget_record(b);
  if (b.tcp.has(conn_flag::passive)) stats_.accepted.add();
  b.tcp.set(block_flag::opened);
  Conn conn(*this, b);
  app_.on_open(conn);
}

template <Port P, class A>
void Shard<P, A>::on_acked(ConnectionBlock& b) noexcept {
  if (b.tx.queued() == 0) return;
  b.tx.acknowledge(memory_.tx, b.tcp.snd_una);
  announce_text(b);
  Conn conn(*this, b);
  app_.on_sent(conn);
  after_app(b);
}

// The app was called for another reason than text: it may take now what it left before.
template <Port P, class A>
void Shard<P, A>::after_app(ConnectionBlock& b) noexcept {
  if (!b.tcp.has(block_flag::stalled) || b.tcp.state == State::closed) return;
  b.tcp.clear(block_flag::stalled);
  deliver_kept(b);
}

// Tells TCP of queued bytes, at most 2^30 beyond what is acknowledged (see queue_text).
template <Port P, class A>
void Shard<P, A>::announce_text(ConnectionBlock& b) noexcept {
  if (b.unannounced == 0) return;
  constexpr std::uint32_t kAheadMax = 1u << 30;
  const std::uint32_t ahead = static_cast<std::uint32_t>(b.tcp.snd_end - b.tcp.snd_una);
  const auto n = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(b.unannounced, kAheadMax - std::min(ahead, kAheadMax)));
  if (n == 0) return;
  queue_text(b.tcp, n);
  b.unannounced -= n;
  want_output(b);
  if (b.unannounced == 0 && b.tcp.has(block_flag::close_later | block_flag::close_later_both)) {
    const bool both = b.tcp.has(block_flag::close_later_both);
    b.tcp.clear(block_flag::close_later | block_flag::close_later_both);
    close(b.tcp, both, cfg_->tcp, now_);
  }
}

template <Port P, class A>
void Shard<P, A>::take_segment_text(ConnectionBlock& b, const Arrival& a,
                                    const Verdict& v) noexcept {
  const auto text = a.bytes.subspan(a.parsed.segment.payload_off + v.text_off, v.text_len);
  const Seq at = b.tcp.rcv_nxt + v.text_gap;
  if (v.text_gap > 0) return hold_segment_text(b, at, text);
  std::uint32_t taken = 0;
  if (b.rx_unread == 0) {
    Conn conn(*this, b);
    taken = static_cast<std::uint32_t>(app_.on_data(conn, text));
    if (b.tcp.state == State::closed) return;
    taken < text.size() ? b.tcp.set(block_flag::stalled) : b.tcp.clear(block_flag::stalled);
    b.rx_next = at + taken;
  }
  const std::uint32_t kept =
      taken < text.size() ? keep_text(b, at + taken, text.subspan(taken)) : 0;
  const std::uint32_t more = mayfly::take_text(b.tcp, taken + kept, cfg_->tcp, now_);
  if (kept + more == 0 && b.rx_buffer == kNoIndex) return;
  b.rx_unread += kept + more;
  deliver_kept(b);
}

template <Port P, class A>
void Shard<P, A>::hold_segment_text(ConnectionBlock& b, Seq at,
                                    std::span<const std::byte> text) noexcept {
  // New settings may offer a larger window than the buffers were made for.
  const std::size_t end =
      b.rx_unread + static_cast<std::uint32_t>(at - b.tcp.rcv_nxt) + text.size();
  if (end > memory_.rx.size()) return drop(Drop::tcp_reassembly_full);
  if (b.rx_buffer == kNoIndex) b.rx_buffer = memory_.rx.take();
  if (b.rx_buffer == kNoIndex || !hold_text(b.tcp, at, static_cast<std::uint32_t>(text.size())))
    return drop(Drop::tcp_reassembly_full);
  memory_.rx.write(b.rx_buffer, at, text);
}

// Text in order that the app did not take: kept if there is a buffer, else not acknowledged.
template <Port P, class A>
std::uint32_t Shard<P, A>::keep_text(ConnectionBlock& b, Seq at,
                                     std::span<const std::byte> text) noexcept {
  if (b.rx_buffer == kNoIndex) b.rx_buffer = memory_.rx.take();
  if (b.rx_buffer == kNoIndex) {
    drop(Drop::tcp_reassembly_full);
    return 0;
  }
  const std::size_t room = memory_.rx.size() - b.rx_unread;
  const auto n = static_cast<std::uint32_t>(std::min(text.size(), room));
  memory_.rx.write(b.rx_buffer, at, text.first(n));
  return n;
}

// Hands kept text to the app until it has enough, then the FIN behind it.
template <Port P, class A>
void Shard<P, A>::deliver_kept(ConnectionBlock& b) noexcept {
  Conn conn(*this, b);
  while (b.rx_unread > 0 && !b.tcp.has(block_flag::stalled)) {
    const auto text = memory_.rx.read(b.rx_buffer, b.rx_next, b.rx_unread);
    const auto taken = static_cast<std::uint32_t>(app_.on_data(conn, text));
    if (b.tcp.state == State::closed) return;
    if (taken < text.size()) b.tcp.set(block_flag::stalled);
    b.rx_next += taken;
    b.rx_unread -= taken;
  }
  if (b.rx_unread == 0) {
    if (b.rx_buffer != kNoIndex && b.tcp.held.count == 0) {
      memory_.rx.give_back(b.rx_buffer);
      b.rx_buffer = kNoIndex;
    }
    if (b.tcp.has(block_flag::fin_unseen)) {
      b.tcp.clear(block_flag::fin_unseen);
      app_.on_peer_closed(conn);
      if (b.tcp.state == State::closed) return;
    }
  }
  const std::uint32_t window = std::min(cfg_->tcp.receive_window, memory_.rx.size());
  set_receive_room(b.tcp, window - std::min(window, b.rx_unread), cfg_->tcp);
  want_output(b);
}

// The connection is over: the app hears of it, and everything it held goes back. A block that still
// stands in the pending list is freed when that list comes to it.
template <Port P, class A>
void Shard<P, A>::finish(ConnectionBlock& b, CloseReason reason) noexcept {
  b.tcp.state = State::closed;
  b.tcp.set(block_flag::dead);
  stats_.closed[static_cast<std::size_t>(reason)].add();
  end_half_open(b);
  if (b.tcp.has(block_flag::opened)) {
    Conn conn(*this, b);
    app_.on_closed(conn, reason);
  }
  if (b.tx.queued() > 0) b.tx.clear(memory_.tx);
  if (b.rx_buffer != kNoIndex) memory_.rx.give_back(b.rx_buffer);
  BlockNodes nodes{memory_.blocks};
  timers_.disarm(nodes, index_of(b));
  memory_.table.erase(b.tcp.slot, b.hash);
  if (b.time_wait_record != kNoIndex) restore_record(b);
  ++b.generation;
  want_output(b);
}

template <Port P, class A>
void Shard<P, A>::on_block_timer(std::uint32_t index) noexcept {
  ConnectionBlock& b = memory_.blocks[index];
  b.armed_for = Instant::never();
  want_output(b);
  if (b.tcp.state == State::closed) return;
  if (next_deadline(b.tcp) <= now_) {
    if (is_given_up(b)) {
      stats_.half_open_given_up.add();
      return finish(b, CloseReason::timed_out);
    }
    if (const std::uint16_t events = on_timer(b.tcp, cfg_->tcp, now_); events != 0)
      on_events(b, events);
    if (b.tcp.state == State::closed) return;
  }
  if (b.wake_at <= now_) {
    b.wake_at = Instant::never();
    Conn conn(*this, b);
    app_.on_wake(conn);
    after_app(b);
  }
}

template <Port P, class A>
void Shard<P, A>::abort_all(Instant now) noexcept {
  for_each(now, [this](Conn& conn) {
    conn.abort();
    transmit();  // there may be more connections than the stage holds frames
  });
}

template <Port P, class A>
template <class F>
void Shard<P, A>::for_each(Instant now, F&& f) noexcept {
  now_ = now;
  for (std::uint32_t i = 0; i < memory_.blocks.fresh(); ++i) {
    ConnectionBlock& b = memory_.blocks[i];
    if (b.tcp.state == State::closed) continue;
    Conn conn(*this, b);
    f(conn);
  }
}

}  // namespace mayfly
