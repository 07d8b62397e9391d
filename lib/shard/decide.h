// What becomes of a TCP segment: a connection, a TIME_WAIT entry or a listener decides. Part of
// shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly::shard {

template <link::Port P, class A>
[[gnu::always_inline]] inline Drop Shard<P, A>::on_tcp(const Arrival& a,
                                                       std::int32_t position) noexcept {
  // An earlier segment of this burst may have made or ended the flow.
  const bool is_in_doubt =
      position < 0 ? burst_.may_have_made(a.hash)
                   : burst_.epoch != connections_.table().epoch() && !is_still_at(a, position);
  if (is_in_doubt) [[unlikely]]
    position = find(a);
  return decide(a, position);
}

template <link::Port P, class A>
[[gnu::always_inline]] inline Drop Shard<P, A>::decide(const Arrival& a,
                                                       std::int32_t position) noexcept {
  if (position >= 0) return on_connection(connections_.at(position), a);
  const std::uint32_t entry = time_waits_.find(a.parsed.key, a.hash);
  return entry != kNoIndex ? on_time_wait(entry, a) : on_unknown_flow(a);
}

template <link::Port P, class A>
Drop Shard<P, A>::on_connection(flow::ConnectionBlock& b, const Arrival& a) noexcept {
  if (b.tcp.state == tcp::State::closed) [[unlikely]]
    return after_abort(b, a);
  const Segment& s = a.parsed.segment;
  if (ring_.asks() && b.tcp.has(flow::block_flag::half_open)) [[unlikely]]
    if (const auto passed_on = pass_on_by_handshake(b, a)) return *passed_on;
  // A handshake that would end now waits, as if its ACK had been lost: the peer sends again.
  if (b.tcp.has(flow::block_flag::half_open) && s.has(wire::tcp_flag::ack) &&
      !s.has(wire::tcp_flag::rst) && !b.on_trial && lacks_time_wait_room()) [[unlikely]]
    return Drop::time_wait_full;
  const tcp::State before = b.tcp.state;
  if (wants_record_to_hear(b.tcp, s.sack_count)) [[unlikely]]
    lend_record(b);
  const tcp::Verdict v =
      s.sack_count > 0 ? hear_with_blocks(b, a) : on_segment(b.tcp, s, {}, cfg_->tcp, now_);
  if (v.challenge && !challenge_limit_.allow(now_)) {
    waive_challenge(b.tcp);
    stats_.challenges_limited.add();
  }
  // Another SYN on a four-tuple whose TIME_WAIT is being reopened.
  if (b.tcp.has(flow::block_flag::half_open) && s.has(wire::tcp_flag::syn) && s.seq != b.tcp.irs &&
      b.on_trial) [[unlikely]]
    time_waits_.note_rival(a.parsed.key, a.hash, now_);
  const bool is_challenged = (v.events & tcp::event::challenged) != 0;
  if (v.reply == tcp::Reply::rst) send_reset(a, !is_challenged);
  if (before == tcp::State::last_ack && (v.events & tcp::event::reset) != 0)
    stats_.reset_in_last_ack.add();
  connections_.want_output(b);
  if (v.events != 0) {
    b.last_state = before;
    on_events(b, a.parsed.key, v.events);
  }
  Drop lost = Drop::none;
  if (v.text_len > 0 && b.tcp.state != tcp::State::closed) lost = take_segment_text(b, a, v);
  if (b.tcp.state != tcp::State::closed)
    if (const std::uint16_t events = take_fin(b.tcp, cfg_->tcp, now_); events != 0)
      on_events(b, a.parsed.key, events);
  respond_with_reset(b);
  return v.drop != Drop::none ? v.drop : lost;
}

// A segment with SACK blocks.
template <link::Port P, class A>
[[gnu::noinline]] tcp::Verdict Shard<P, A>::hear_with_blocks(flow::ConnectionBlock& b,
                                                             const Arrival& a) noexcept {
  std::array<wire::SackBlock, wire::kSackBlocksMax> sacks;
  const std::size_t count = read_sack(a.bytes, a.parsed.segment, sacks);
  return on_segment(b.tcp, a.parsed.segment, std::span(sacks).first(count), cfg_->tcp, now_);
}

// The connection was aborted earlier in this burst: it is back in TIME_WAIT, or gone.
template <link::Port P, class A>
Drop Shard<P, A>::after_abort(flow::ConnectionBlock& b, const Arrival& a) noexcept {
  finish(b, flow::CloseReason::aborted);
  return decide(a, find(a));
}

template <link::Port P, class A>
Drop Shard<P, A>::on_time_wait(std::uint32_t entry, const Arrival& a) noexcept {
  if (ring_.asks()) [[unlikely]]
    if (const auto passed_on = pass_on_by_time_wait(entry, a)) return *passed_on;
  Segment s = a.parsed.segment;
  // RFC 6191 2 asks whether timestamps "would be enabled" for the new connection: both ends decide.
  if (s.has(wire::tcp_flag::syn) && !cfg_->tcp.timestamps)
    s.options &= static_cast<std::uint8_t>(~wire::tcp_option::timestamps);
  const bool may_open = s.has(wire::tcp_flag::syn) && is_listening(a);
  const flow::TimeWaits::Answer answer = time_waits_.on_segment(entry, a.hash, s, may_open, now_);
  if (answer.reopens) return reopen(answer.entry, a, answer.by_timestamp);
  if (answer.has_ended) return on_unknown_flow(a);
  if (answer.acknowledges) this->answer(a, time_waits_.acknowledgement(answer.entry, now_, a.six));
  return answer.drop;
}

// RFC 5927: the quoted segment must be one of ours, and in flight.
template <link::Port P, class A>
Drop Shard<P, A>::on_icmp_report(const link::IcmpReport& report) noexcept {
  const FlowKey4& key = report.about.key;
  const std::uint32_t hash = secret_.hash(key);
  const std::int32_t position = connections_.table().find(key, hash);
  if (position >= 0) return on_icmp_error_of(position, report.error, report.about.seq);
  const bool is_over = time_waits_.find(key, hash) != kNoIndex;
  return is_over ? Drop::icmp_ignored : Drop::icmp_untrusted;
}

template <link::Port P, class A>
Drop Shard<P, A>::on_icmp6_report(const link::Icmp6Report& report) noexcept {
  FlowKey6 key = report.about.key;
  const FlowKey4 name = secret_.name_and_label(key);
  const std::uint32_t hash = secret_.hash(name);
  const std::int32_t position = connections_.table().find(key, hash);
  if (position >= 0) return on_icmp_error_of(position, report.error, report.about.seq);
  const bool is_over = time_waits_.find(name, hash) != kNoIndex;
  return is_over ? Drop::icmp_ignored : Drop::icmp_untrusted;
}

template <link::Port P, class A>
Drop Shard<P, A>::on_icmp_error_of(std::int32_t position, const tcp::IcmpError& error,
                                   Seq quoted) noexcept {
  flow::ConnectionBlock& b = connections_.at(position);
  if (b.tcp.state == tcp::State::closed) return Drop::icmp_ignored;
  const tcp::Verdict v = on_icmp_error(b.tcp, error, quoted, cfg_->tcp, now_);
  connections_.want_output(b);
  if (v.events != 0) on_events(b, name_of(b), v.events);
  respond_with_reset(b);
  return v.drop;
}

template <link::Port P, class A>
Drop Shard<P, A>::on_unknown_flow(const Arrival& a) noexcept {
  if (const Drop why = objection_to_ends(a); why != Drop::none) return why;
  return is_listening(a) ? on_listener(a) : on_closed_port(a, Drop::tcp_no_listener);
}

// Why nobody at its addresses may open a connection here; none: they may.
template <link::Port P, class A>
Drop Shard<P, A>::objection_to_ends(const Arrival& a) const noexcept {
  const link::Interface& interface = links_[a.link]->interface();
  if (a.six != nullptr) {
    if (!links_[a.link]->is_ours(a.six->local)) return Drop::not_our_ip;
    return links_[a.link]->is_ours(a.six->remote) ? Drop::ip_source_invalid : Drop::none;
  }
  if (!interface.is_local(a.parsed.key.local())) return Drop::not_our_ip;
  // RFC 1122 3.2.1.3, RFC 9293 3.9.2.3 (MUST-63): a SYN from a broadcast address is ignored.
  if (interface.is_broadcast(a.parsed.key.remote()) || interface.is_local(a.parsed.key.remote()))
    return Drop::ip_source_invalid;
  return a.parsed.link_group ? Drop::ip_multicast : Drop::none;
}

// RFC 9293 3.10.7.2: LISTEN.
template <link::Port P, class A>
Drop Shard<P, A>::on_listener(const Arrival& a) noexcept {
  const Segment& s = a.parsed.segment;
  switch (tcp::on_listen(s)) {
    case tcp::ListenAnswer::ignore:
      if (!s.has(wire::tcp_flag::rst)) return Drop::tcp_flags_invalid;
      return second_chance(a).value_or(Drop::tcp_rst_no_connection);
    case tcp::ListenAnswer::reset:
      if (const auto cookie = a.six != nullptr
                                  ? half_opens_.redeem(*a.six, s, cfg_->tcp, now_)
                                  : half_opens_.redeem(a.parsed.key, s, cfg_->tcp, now_))
        return on_cookie(a, *cookie);
      if (const auto passed_on = second_chance(a)) return *passed_on;
      return on_closed_port(
          a, half_opens_.expects_cookies(now_) ? Drop::tcp_cookie_invalid : Drop::tcp_no_listener);
    case tcp::ListenAnswer::open:
      // RFC 9293 3.10.7.2 would open a connection; only port scanners send such a SYN.
      return s.has(wire::tcp_flag::fin) ? Drop::tcp_flags_invalid : on_syn(a);
  }
  return Drop::none;
}

// RFC 9293 3.10.7.1: CLOSED.
template <link::Port P, class A>
Drop Shard<P, A>::on_closed_port(const Arrival& a, Drop reason) noexcept {
  if (a.parsed.segment.has(wire::tcp_flag::rst)) return Drop::tcp_rst_no_connection;
  // A FIN for a connection that is unknown here: its sender waits in LAST_ACK for the last ACK, and
  // the TIME_WAIT here did not last long enough to send it (RFC 9293 3.6.1).
  if (send_reset(a) && a.parsed.segment.has(wire::tcp_flag::fin)) stats_.rst_to_last_ack.add();
  return reason;
}

template <link::Port P, class A>
bool Shard<P, A>::is_listening(const Arrival& a) const noexcept {
  return app_.listens(a.local_port());
}

// on_full: refuse. Handshakes under way count for nothing: strangers could fill the house with SYNs
// from invented addresses.
template <link::Port P, class A>
bool Shard<P, A>::lacks_time_wait_room() const noexcept {
  return time_waits_.would_overfill(connections_.used() - half_opens_.count());
}

// Why the peer may not open a connection now; none: it may.
template <link::Port P, class A>
Drop Shard<P, A>::objection_to(const Arrival& a) const noexcept {
  if (draining_) return Drop::tcp_draining;
  if (lacks_time_wait_room()) return Drop::time_wait_full;
  if (time_waits_.is_recycled_away(a.parsed.key, a.parsed.segment, now_, a.six))
    return Drop::time_wait_recycle;
  return Drop::none;
}

template <link::Port P, class A>
Drop Shard<P, A>::on_syn_while_draining(const Arrival& a) noexcept {
  if (cfg_->drain_syns == DrainSyns::ignore) return Drop::tcp_draining;
  return on_closed_port(a, Drop::tcp_draining);
}

template <link::Port P, class A>
Drop Shard<P, A>::on_syn(const Arrival& a) noexcept {
  if (draining_) return on_syn_while_draining(a);
  if (const Drop why = objection_to(a); why != Drop::none) return why;
  switch (half_opens_.answer_syn()) {
    case flow::HalfOpens::SynAnswer::refuse: return Drop::half_open_full;
    case flow::HalfOpens::SynAnswer::cookie:
      answer(a, a.six != nullptr
                    ? half_opens_.make_cookie(*a.six, a.parsed.segment, cfg_->tcp, now_)
                    : half_opens_.make_cookie(a.parsed.key, a.parsed.segment, cfg_->tcp, now_));
      return Drop::none;
    case flow::HalfOpens::SynAnswer::block: break;
  }
  flow::ConnectionBlock* b = make_passive(a);
  if (b == nullptr) return Drop::table_full;
  accept(*b, a, initial_sequence(a));
  return Drop::none;
}

// Takes a block for a passive open, and notes it for later segments of this burst; null: no room.
template <link::Port P, class A>
flow::ConnectionBlock* Shard<P, A>::make_passive(const Arrival& a) noexcept {
  flow::ConnectionBlock* b = a.six != nullptr ? open_block(*a.six, a.hash, a.link)
                                              : open_block(a.parsed.key, a.hash, a.link);
  if (b == nullptr) return nullptr;
  burst_.note_made(a.hash);
  return b;
}

// RFC 9293 3.10.7.2: a SYN makes a connection.
template <link::Port P, class A>
void Shard<P, A>::accept(flow::ConnectionBlock& b, const Arrival& a, Seq iss) noexcept {
  open_passive(b.tcp, a.parsed.segment, iss, timestamp_offset(a), cfg_->tcp, now_);
  if (a.six != nullptr) {
    if (!a.parsed.segment.carries(wire::tcp_option::mss)) b.tcp.mss = b.tcp.peer_mss = kMss6Unsaid;
    limit_mss(b);
  }
  b.tx.open(iss + 1);
  half_opens_.begin(b);
  stats_.syn_received.add();
  connections_.want_output(b);
}

// RFC 9293 MAY-2: the entry is kept beside the new incarnation until the handshake has shown that
// the SYN was new. The new incarnation always gets a block: a cookie could neither keep the entry
// nor have a number above those of the old incarnation. It does not count as one more entry. If
// there is no block, the entry is still held.
template <link::Port P, class A>
Drop Shard<P, A>::reopen(std::uint32_t entry, const Arrival& a, bool by_timestamp) noexcept {
  if (draining_) return on_syn_while_draining(a);
  flow::ConnectionBlock* b = make_passive(a);
  if (b == nullptr) return Drop::table_full;
  b->on_trial = true;
  accept(*b, a, time_waits_.iss_after(entry, initial_sequence(a)));
  time_waits_.begin_trial(entry, by_timestamp, now_);
  return Drop::none;
}

// An ACK that carries a cookie of ours. The connection is made as it was when the cookie was sent,
// then it handles the ACK. A peer that is refused here retransmits its text, and the ACK with it.
template <link::Port P, class A>
Drop Shard<P, A>::on_cookie(const Arrival& a, const flow::HalfOpens::Redeemed& cookie) noexcept {
  if (const Drop why = objection_to(a); why != Drop::none) return why;
  flow::ConnectionBlock* b = make_passive(a);
  if (b == nullptr) return Drop::table_full;
  const Segment& ack = a.parsed.segment;
  open_from_cookie(b->tcp, cookie.syn, ack, cookie.ts_offset, cfg_->tcp, now_);
  if (a.six != nullptr) limit_mss(*b);
  b->tx.open(ack.ack);
  stats_.syn_cookies_accepted.add();
  return on_connection(*b, a);
}

// TCP's settings are those of IPv4: over IPv6 a packet holds less text.
template <link::Port P, class A>
void Shard<P, A>::limit_mss(flow::ConnectionBlock& b) noexcept {
  b.tcp.mss = std::min(b.tcp.mss, links_[b.port]->mss6_max());
}

template <link::Port P, class A>
template <class Key>
flow::ConnectionBlock* Shard<P, A>::open_block(const Key& key, std::uint32_t hash,
                                               std::uint8_t link) noexcept {
  if (connections_.is_nearly_full()) [[unlikely]]
    if (flow::ConnectionBlock* oldest = orphans_.oldest()) evict(*oldest);
  flow::ConnectionBlock* b = connections_.open(key, hash, link);
  if (b == nullptr) return nullptr;
  stats_.connections.set(connections_.used());
  stats_.connections_peak.raise_to(connections_.used());
  return b;
}

template <link::Port P, class A>
ConnectResult Shard<P, A>::connect(const FlowKey4& key, const flow::AppState& state,
                                   Instant wake_at, std::uint32_t host) noexcept {
  return open_to(key, nullptr, link_of(key.local()), {secret_.names(key), state, wake_at, host});
}

template <link::Port P, class A>
ConnectResult Shard<P, A>::connect(const FlowKey6& key, const flow::AppState& state,
                                   Instant wake_at, std::uint32_t host) noexcept {
  const Flow6& flow = flow_of(key);
  return open_to(flow.key, &flow.key, link_of(key.local), {flow.names, state, wake_at, host});
}

template <link::Port P, class A>
template <class Key>
ConnectResult Shard<P, A>::open_to(const Key& key, const FlowKey6* six, std::uint8_t link,
                                   const Opening& opening) noexcept {
  const FlowKey4& name = opening.names.flow;
  const std::uint32_t hash = secret_.hash(name);
  if (connections_.table().find(key, hash) >= 0) return {ConnectError::tuple_in_use};
  const std::uint32_t old = time_waits_.find(name, hash);
  if (old != kNoIndex && !time_waits_.may_reuse(old, cfg_->tcp.timestamps, now_, six))
    return {ConnectError::time_wait};
  if (old == kNoIndex && lacks_time_wait_room()) return {ConnectError::time_wait_full};
  flow::ConnectionBlock* b = open_block(key, hash, link);
  if (b == nullptr) return {ConnectError::table_full};
  Seq iss = secret_.initial_sequence(name, now_, opening.host);
  if (old != kNoIndex) {
    iss = time_waits_.iss_after(old, iss);
    time_waits_.end_for_reuse(old, hash);
  }
  open_active(b->tcp, iss, secret_.timestamp_offset(opening.names, opening.host), cfg_->tcp, now_);
  if (six != nullptr) b->tcp.peer_mss = kMss6Unsaid;
  b->tx.open(iss + 1);
  b->app = opening.state;
  b->wake_at = opening.wake_at;
  b->tcp.set(flow::block_flag::opened);
  stats_.opened.add();
  connections_.want_output(*b);
  return {ConnectError::none, flow::Conn(connections_, *b).id()};
}

// The port that has this address; the first one if none does.
template <link::Port P, class A>
template <class Address>
std::uint8_t Shard<P, A>::link_of(const Address& local) const noexcept {
  for (std::size_t i = links_.size() - 1; i > 0; --i)
    if (links_[i]->interface().is_local(local)) return static_cast<std::uint8_t>(i);
  return 0;
}

template <link::Port P, class A>
void Shard<P, A>::expect(std::span<const FlowKey4> keys) noexcept {
  const auto key_of = [&](std::size_t i) -> const FlowKey4& { return keys[i]; };
  prefetch_flows<FlowKey4>(std::min(keys.size(), kBurstMax), key_of, key_of);
}

template <link::Port P, class A>
void Shard<P, A>::expect(std::span<const FlowKey6> keys) noexcept {
  Expected& e = expected_;
  e.count = std::min(keys.size(), kBurstMax);
  e.next = 0;
  for (std::size_t i = 0; i < e.count; ++i) {
    e.flows[i].key = keys[i];
    e.flows[i].names = secret_.names_and_label(e.flows[i].key);
  }
  prefetch_flows<FlowKey6>(
      e.count, [&](std::size_t i) -> const FlowKey6& { return e.flows[i].key; },
      [&](std::size_t i) -> const FlowKey4& { return e.flows[i].names.flow; });
}

// What was made ahead, if the four-tuple is the next of those expected. Valid until the next call.
template <link::Port P, class A>
auto Shard<P, A>::flow_of(const FlowKey6& key) noexcept -> const Flow6& {
  Expected& e = expected_;
  if (e.next < e.count && e.flows[e.next].key == key) return e.flows[e.next++];
  e.other.key = key;
  e.other.names = secret_.names_and_label(e.other.key);
  return e.other;
}

template <link::Port P, class A>
template <class Key, class KeyOf, class NameOf>
void Shard<P, A>::prefetch_flows(std::size_t count, KeyOf&& key_of, NameOf&& name_of) noexcept {
  std::array<const Key*, kBurstMax> keys;
  std::array<std::uint32_t, kBurstMax> hashes;
  std::array<std::int32_t, kBurstMax> positions;
  if (count == 0) return;
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = &key_of(i);
    hashes[i] = secret_.hash(name_of(i));
  }
  time_waits_.prefetch_buckets(std::span(hashes).first(count));
  connections_.table().find_bulk(std::span<const Key* const>(keys).first(count),
                                 std::span(hashes).first(count), std::span(positions).first(count));
  for (std::size_t i = 0; i < count; ++i) time_waits_.prefetch_record(name_of(i), hashes[i]);
}

}  // namespace mayfly::shard
