// Tells the app what TCP reports of a connection: events, text in order, the end. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly::shard {

template <link::Port P, class A>
flow::CloseReason Shard<P, A>::reason_of(std::uint16_t events) noexcept {
  if ((events & tcp::event::reset) != 0) return flow::CloseReason::reset;
  if ((events & tcp::event::refused) != 0) return flow::CloseReason::refused;
  if ((events & tcp::event::timed_out) != 0) return flow::CloseReason::timed_out;
  if ((events & tcp::event::unreachable) != 0) return flow::CloseReason::unreachable;
  if ((events & tcp::event::fin_wait_2_end) != 0) return flow::CloseReason::fin_wait_2;
  return flow::CloseReason::done;
}

// `name` is the connection's (FlowSecret::Names): a segment brings it with it.
template <link::Port P, class A>
void Shard<P, A>::on_events(flow::ConnectionBlock& b, const FlowKey4& name,
                            std::uint16_t events) noexcept {
  if ((events & tcp::event::timestamps_missing) != 0) stats_.timestamps_missing.add();
  if ((events & tcp::event::challenged) != 0) {
    stats_.syn_challenged.add();
    b.is_challenged = true;
  }
  if ((events & tcp::event::established) != 0) on_established(b, name);
  if ((events & tcp::event::acked) != 0) on_acked(b);
  if ((events & tcp::event::peer_fin) != 0) b.rx.set_fin(true);
  if ((events & tcp::event::time_wait) != 0)
    b.rx.set_stalled(false);  // the last chance to take text
  if ((events & (tcp::event::peer_fin | tcp::event::time_wait)) != 0) deliver_kept(b);
  // RFC 9293 3.10.5: an app that aborts in TIME_WAIT has none.
  if ((events & tcp::event::time_wait) != 0 && b.tcp.state == tcp::State::time_wait)
    return enter_time_wait(b, name);
  // CLOSED by the ACK of LAST_ACK, not by the end of FIN_WAIT_2.
  if ((events & (tcp::event::closed | tcp::event::fin_wait_2_end)) == tcp::event::closed &&
      cfg_->time_wait.hand_over)
    return take_over(b, name);
  constexpr std::uint16_t kEnds = tcp::event::reset | tcp::event::refused | tcp::event::timed_out |
                                  tcp::event::unreachable | tcp::event::closed;
  if ((events & kEnds) != 0 && !b.tcp.has(flow::block_flag::dead)) finish(b, reason_of(events));
}

template <link::Port P, class A>
void Shard<P, A>::on_established(flow::ConnectionBlock& b, const FlowKey4& name) noexcept {
  half_opens_.end(b);
  if (end_trial(b)) time_waits_.forget(name, b.hash);
  if (connections_.is_ipv6(b)) limit_mss(b);
  if (b.tcp.has(tcp::conn_flag::passive)) stats_.accepted.add();
  b.tcp.set(flow::block_flag::opened);
  flow::Conn conn(connections_, b);
  app_.on_open(conn);
}

template <link::Port P, class A>
void Shard<P, A>::on_acked(flow::ConnectionBlock& b) noexcept {
  if (b.tcp.has(flow::block_flag::orphan)) [[unlikely]]
    orphans_.leave(b);
  if (connections_.is_ipv6(b)) [[unlikely]]
    links_[b.port]->confirm(connections_.key6_of(b).remote, now_);
  if (b.tx.queued() == 0) return;
  b.tx.acknowledge(connections_.tx(), b.tcp.snd_una);
  connections_.announce_text(b);
  flow::Conn conn(connections_, b);
  app_.on_sent(conn);
  after_app(b);
}

// The app was called for another reason than text. It may now take text that it left before.
template <link::Port P, class A>
void Shard<P, A>::after_app(flow::ConnectionBlock& b) noexcept {
  if (!b.rx.is_stalled() || b.tcp.state == tcp::State::closed) return;
  b.rx.set_stalled(false);
  deliver_kept(b);
}

template <link::Port P, class A>
Drop Shard<P, A>::take_segment_text(flow::ConnectionBlock& b, const Arrival& a,
                                    const tcp::Verdict& v) noexcept {
  const auto text = a.bytes.subspan(a.parsed.segment.payload_off + v.text_off, v.text_len);
  const Seq at = b.tcp.rcv_nxt + v.text_gap;
  if (v.text_gap > 0) return hold_segment_text(b, at, text);
  std::uint32_t taken = 0;
  if (b.rx.unread() == 0) {
    flow::Conn conn(connections_, b);
    taken = static_cast<std::uint32_t>(app_.on_data(conn, text));
    MAYFLY_ASSERT(taken <= text.size());
    if (b.tcp.state == tcp::State::closed) return Drop::none;
    b.rx.set_stalled(taken < text.size());
    b.rx.start_at(at + taken);
  }
  // What the app left is kept if there is a buffer, else not acknowledged.
  Drop lost = Drop::none;
  std::uint32_t kept = 0;
  if (taken < text.size()) {
    if (reserve_receive_buffer(b)) {
      kept = b.rx.keep(connections_.rx(), at + taken, text.subspan(taken));
    } else {
      lost = Drop::tcp_reassembly_full;
    }
  }
  const std::uint32_t more = take_text(b.tcp, taken + kept, cfg_->tcp, now_);
  if (kept + more == 0 && !b.rx.has_buffer()) return lost;
  b.rx.add_unread(kept + more);
  deliver_kept(b);
  return lost;
}

template <link::Port P, class A>
Drop Shard<P, A>::hold_segment_text(flow::ConnectionBlock& b, Seq at,
                                    std::span<const std::byte> text) noexcept {
  // New settings may offer a larger window than the buffers were made for.
  const std::size_t ahead = static_cast<std::uint32_t>(at - b.tcp.rcv_nxt) + text.size();
  if (!b.rx.fits(connections_.rx(), ahead) || (b.tcp.loss == nullptr && !lend_record(b)) ||
      !reserve_receive_buffer(b) || !hold_text(b.tcp, at, static_cast<std::uint32_t>(text.size())))
    return Drop::tcp_reassembly_full;
  b.rx.write(connections_.rx(), at, text);
  return Drop::none;
}

// If all records are lent, one that its connection can do without changes hands.
template <link::Port P, class A>
[[gnu::cold, gnu::noinline]] bool Shard<P, A>::lend_record(flow::ConnectionBlock& b) noexcept {
  if (connections_.lend_record(b)) return true;
  flow::ConnectionBlock* idle = idle_holders_.of_record();
  if (idle == nullptr) {
    stats_.loss_records_denied.add();
    return false;
  }
  forget_held_text(idle->tcp);
  idle->rx.release(connections_.rx());
  connections_.take_record_back(*idle);
  stats_.loss_records_reclaimed.add();
  return connections_.lend_record(b);
}

// If all buffers are in use, one that holds nothing but text out of order changes hands: that text
// is sent again (RFC 2018 8).
template <link::Port P, class A>
bool Shard<P, A>::reserve_receive_buffer(flow::ConnectionBlock& b) noexcept {
  const std::uint32_t owner = connections_.index_of(b);
  if (b.rx.reserve(connections_.rx(), owner, now_)) [[likely]]
    return true;
  flow::ConnectionBlock* idle = idle_holders_.of_receive_buffer();
  if (idle == nullptr) return false;
  forget_held_text(idle->tcp);
  connections_.reclaim_record(*idle);
  idle->rx.release(connections_.rx());
  stats_.receive_buffers_reclaimed.add();
  return b.rx.reserve(connections_.rx(), owner, now_);
}

// Offers kept text to the app until the app takes less than it is offered, then reports the FIN.
template <link::Port P, class A>
void Shard<P, A>::deliver_kept(flow::ConnectionBlock& b) noexcept {
  flow::Conn conn(connections_, b);
  while (b.rx.unread() > 0 && !b.rx.is_stalled()) {
    const auto text = b.rx.front(connections_.rx());
    const auto taken = static_cast<std::uint32_t>(app_.on_data(conn, text));
    if (b.tcp.state == tcp::State::closed) return;
    if (taken < text.size()) b.rx.set_stalled(true);
    b.rx.take(taken);
  }
  if (b.rx.unread() == 0) {
    if (held_count(b.tcp) == 0) b.rx.release(connections_.rx());
    if (b.rx.has_fin()) {
      b.rx.set_fin(false);
      app_.on_peer_closed(conn);
      if (b.tcp.state == tcp::State::closed) return;
    }
  }
  const std::uint32_t window = std::min(cfg_->tcp.receive_window, connections_.rx().size());
  set_receive_room(b.tcp, window - std::min(window, b.rx.unread()), cfg_->tcp);
  connections_.want_output(b);
}

template <link::Port P, class A>
void Shard<P, A>::adopt(flow::ForeignBatch& batch, Instant now) noexcept {
  using Adopted = flow::TimeWaits::Adopted;
  for (const flow::ForeignTimeWait& each : std::span(batch.entries).first(batch.size)) {
    const std::uint32_t hash = secret_.hash(each.key);
    // Of an IPv6 connection nobody can tell: the connection comes first when a segment is looked
    // up.
    const bool is_live = !each.key.is_ipv6_name() && connections_.table().find(each.key, hash) >= 0;
    switch (is_live ? Adopted::known : time_waits_.adopt(each, hash, now)) {
      case Adopted::taken: ++batch.taken; break;
      case Adopted::known: ++batch.known; break;
      case Adopted::expired: ++batch.expired; break;
      case Adopted::refused: ++batch.refused; break;
    }
  }
}

template <link::Port P, class A>
void Shard<P, A>::enter_time_wait(flow::ConnectionBlock& b, const FlowKey4& name) noexcept {
  send_pending(b);  // the ACK of the peer's FIN
  const bool held = time_waits_.enter(name, b.hash, b.tcp, now_, six_of(b));
  finish(b, held ? flow::CloseReason::time_wait : flow::CloseReason::done);
}

// Faber, Touch and Yue 1999: the end that closed second, in LAST_ACK, holds the TIME_WAIT instead
// of the first, and frees the first one's entry.
template <link::Port P, class A>
void Shard<P, A>::take_over(flow::ConnectionBlock& b, const FlowKey4& name) noexcept {
  if (!time_waits_.enter(name, b.hash, b.tcp, now_, six_of(b)))
    return finish(b, flow::CloseReason::done);
  stats_.time_wait_taken_over.add();
  stats_.rst_sent.add();
  send_of(b, hand_over_reset(make_time_wait_entry(b.tcp)));
  finish(b, flow::CloseReason::time_wait);
}

// Ends a connection: the app is told, and the connection's buffers are freed. Its block is freed
// when the list of pending output comes to it.
template <link::Port P, class A>
void Shard<P, A>::finish(flow::ConnectionBlock& b, flow::CloseReason reason) noexcept {
  respond_with_reset(b);
  b.tcp.state = tcp::State::closed;
  stats_.closed[static_cast<std::size_t>(reason)].add();
  half_opens_.end(b);
  orphans_.leave(b);
  if (b.tcp.has(flow::block_flag::opened)) {
    flow::Conn conn(connections_, b);
    app_.on_closed(conn, reason);
  }
  if (!end_trial(b)) return connections_.close(b);
  const FlowKey4 name = name_of(b);
  FlowKey6 six;
  const bool is_six = connections_.is_ipv6(b);
  if (is_six) six = connections_.key6_of(b);
  connections_.close(b);
  time_waits_.restore(name, b.hash, reason == flow::CloseReason::reset, now_,
                      is_six ? &six : nullptr);
}

// For a connection that has no copied text queued and found no chunk, the one that holds a chunk
// for nothing ends. Its chunk goes to who asked: others who ask are no less in need, and if it went
// to whoever asks next, those who ask in turns would wait for as long as others do.
template <link::Port P, class A>
void Shard<P, A>::share_send_pools() noexcept {
  flow::TxPools& pools = connections_.tx();
  stats_.send_extents_denied.set(pools.extents_denied);
  stats_.send_chunks_denied.set(pools.chunks_denied);
  if (pools.lacks_first_chunk == kNoIndex) [[likely]]
    return;
  flow::ConnectionBlock& asker =
      connections_.block(std::exchange(pools.lacks_first_chunk, kNoIndex));
  flow::ConnectionBlock* idle = idle_holders_.of_chunk();
  if (idle == nullptr) return;
  evict(*idle);
  if (asker.tcp.state == tcp::State::closed) return;
  flow::Conn conn(connections_, asker);
  app_.on_sent(conn);
  after_app(asker);
}

// The connection makes room for others.
template <link::Port P, class A>
void Shard<P, A>::evict(flow::ConnectionBlock& b) noexcept {
  flow::Conn(connections_, b).abort();
  finish(b, flow::CloseReason::evicted);
}

template <link::Port P, class A>
void Shard<P, A>::on_block_timer(flow::ConnectionBlock& b) noexcept {
  const bool waits_for_link = b.tcp.has(flow::block_flag::pending);
  connections_.want_output(b);
  if (b.tcp.state == tcp::State::closed) return;
  on_deadline(b);
  respond_with_reset(b);
  if (waits_for_link) connections_.watch(b);
  orphans_.consider(b);
  if (flow::ConnectionBlock* oldest = orphans_.surplus()) evict(*oldest);
}

template <link::Port P, class A>
void Shard<P, A>::suspect_peer_of(const flow::ConnectionBlock& b) noexcept {
  if (const FlowKey6* six = six_of(b)) return links_[b.port]->suspect(six->remote, now_);
  links_[b.port]->suspect(connections_.key_of(b).remote(), now_);
}

template <link::Port P, class A>
void Shard<P, A>::on_deadline(flow::ConnectionBlock& b) noexcept {
  if (next_deadline(b.tcp) <= now_) {
    if (half_opens_.gives_up(b, now_)) {
      stats_.half_open_given_up.add();
      return finish(b, flow::CloseReason::timed_out);
    }
    if (is_peer_silent(b.tcp, now_)) suspect_peer_of(b);
    b.last_state = b.tcp.state;
    if (wants_record_for_timer(b.tcp, now_)) lend_record(b);
    const std::uint16_t events = on_timer(b.tcp, cfg_->tcp, now_);
    if (events != 0) on_events(b, name_of(b), events);
    if (b.tcp.state == tcp::State::closed) return;
  }
  if (b.wake_at <= now_) {
    b.wake_at = Instant::never();
    flow::Conn conn(connections_, b);
    app_.on_wake(conn);
    after_app(b);
  }
}

template <link::Port P, class A>
template <class F>
void Shard<P, A>::for_each(Instant now, F&& f) noexcept {
  now_ = now;
  connections_.set_clock(now, cfg_->tcp);
  connections_.for_each([&](flow::ConnectionBlock& b) {
    flow::Conn conn(connections_, b);
    f(conn);
    respond_with_reset(b);
  });
}

template <link::Port P, class A>
void Shard<P, A>::abort_all(Instant now) noexcept {
  for_each(now, [this](flow::Conn& conn) {
    conn.abort();
    respond();
    transmit();  // there may be more connections than the stage holds frames
  });
}

}  // namespace mayfly::shard
