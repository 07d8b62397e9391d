// Handshakes under way, and what happens when there are too many of them (RFC 4987): SYN cookies,
// or refusal, and in either case less patience with those who do not answer. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly {

// Pressure begins at the limit and ends when a quarter of it is free again.
template <Port P, class A>
void Shard<P, A>::count_half_open(std::int32_t change) noexcept {
  half_open_ += static_cast<std::uint32_t>(change);
  stats_.half_open.set(half_open_);
  const std::uint32_t limit = cfg_->syn.half_open;
  if (limit != 0 && half_open_ >= limit) {
    pressed_ = true;
  } else if (limit == 0 || half_open_ <= limit - limit / 4) {
    pressed_ = false;
  }
}

template <Port P, class A>
void Shard<P, A>::end_half_open(ConnectionBlock& b) noexcept {
  if (!b.tcp.has(block_flag::half_open)) return;
  b.tcp.clear(block_flag::half_open);
  count_half_open(-1);
}

// Is the SYN to get no block? Then it is answered with a cookie, or refused.
template <Port P, class A>
bool Shard<P, A>::spares_block(const Arrival& a) noexcept {
  using Cookies = SynPolicy::Cookies;
  const Cookies cookies = cfg_->syn.cookies;
  if (!pressed_ && cookies != Cookies::always) [[likely]]
    return false;
  if (cookies == Cookies::never) {
    drop(Drop::half_open_full);
  } else {
    send_cookie(a);
  }
  return true;
}

template <Port P, class A>
void Shard<P, A>::send_cookie(const Arrival& a) noexcept {
  const FlowKey4& key = a.parsed.key;
  const CookieFlow flow{std::as_bytes(std::span(&key, 1)), secret_, ts_offset_of(key)};
  stats_.syn_cookies_sent.add();
  cookies_until_ = now_ + kCookieLife;
  send(a.link, key, cookie_syn_ack(a.parsed.segment, flow, cfg_->tcp, now_), nullptr);
}

// An ACK for a listener, of a flow that nobody knows. False: it answers no cookie of ours. Cookies
// are believed only while some may be under way, so that no stream of guesses opens anything when
// there is no flood.
template <Port P, class A>
bool Shard<P, A>::accept_cookie(const Arrival& a) noexcept {
  const Segment& ack = a.parsed.segment;
  if (now_ >= cookies_until_ || ack.has(tcp_flag::syn | tcp_flag::rst)) return false;
  const FlowKey4& key = a.parsed.key;
  const std::uint32_t ts_offset = ts_offset_of(key);
  const CookieFlow flow{std::as_bytes(std::span(&key, 1)), secret_, ts_offset};
  const auto syn = syn_of_cookie(ack, flow, cfg_->tcp, now_);
  if (!syn) return false;
  // Whoever is refused here sends its text again, and with it the ACK.
  if (const Drop why = objection_to(a, false); why != Drop::none) return drop(why), true;
  ConnectionBlock* b = make_passive(a);
  if (b == nullptr) return true;
  open_from_cookie(b->tcp, *syn, ack, ts_offset, cfg_->tcp, now_);
  b->tx.open(ack.ack);
  stats_.syn_cookies_accepted.add();
  on_connection(*b, a);
  return true;
}

// Under pressure a handshake is given up after one SYN-ACK more: it holds a block for three seconds
// instead of minutes. One that reopens a TIME_WAIT is not: its peer is no stranger.
template <Port P, class A>
bool Shard<P, A>::is_given_up(const ConnectionBlock& b) const noexcept {
  constexpr std::uint8_t kPressedRetries = 1;
  return pressed_ && b.tcp.has(block_flag::half_open) && b.time_wait_record == kNoIndex &&
         b.tcp.retries >= kPressedRetries && b.tcp.retransmit_at <= now_;
}

}  // namespace mayfly
