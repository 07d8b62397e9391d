// Sends what connections have to send, as frames on a link. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly::shard {

// Handles each touched connection once: sends its segments, then arms its timer.
template <link::Port P, class A>
void Shard<P, A>::respond() noexcept {
  share_send_pools();
  for (std::size_t i = 0; i < links_.size(); ++i) respond_on(static_cast<std::uint8_t>(i));
  stats_.connections.set(connections_.used());
}

// When the link takes no more, the rest waits for the next poll with nothing lost, and with its
// timers running.
template <link::Port P, class A>
void Shard<P, A>::respond_on(std::uint8_t link) noexcept {
  while (flow::ConnectionBlock* b = connections_.pending(link)) {
    if (b->tcp.state != tcp::State::closed) {
      if (!send_pending(*b)) return connections_.watch_pending(link, kWatchBudget);
    } else if (!b->tcp.has(flow::block_flag::dead)) {
      finish(*b, flow::CloseReason::aborted);  // by the app, or closed by it before it was open
    }
    count_state(*b);
    connections_.pop_pending(link);
  }
}

// Here, where each touched connection passes once a poll, and not at each change: several of them
// within a poll cost nothing.
template <link::Port P, class A>
void Shard<P, A>::count_state(flow::ConnectionBlock& b) noexcept {
  if (b.counted_as == b.tcp.state) return;
  stats_.moved(b.counted_as, b.tcp.state);
  b.counted_as = b.tcp.state;
}

// The RST of an abort (RFC 9293 3.10.5) is sent at once, not when the connection's turn in the list
// comes: directly after the segment that the connection sent last.
template <link::Port P, class A>
void Shard<P, A>::respond_with_reset(flow::ConnectionBlock& b) noexcept {
  if (b.tcp.has(flow::block_flag::owes_rst)) [[unlikely]]
    send_owed_reset(b);
}

template <link::Port P, class A>
[[gnu::noinline]] void Shard<P, A>::send_owed_reset(flow::ConnectionBlock& b) noexcept {
  b.tcp.clear(flow::block_flag::owes_rst);
  Emission rst;
  rst.seq = b.tcp.snd_nxt;
  rst.flags = wire::tcp_flag::rst;
  stats_.rst_sent.add();
  send_of(b, rst);
}

// Sends all that the connection may send now. False: the link has no room, or buffers ran out.
template <link::Port P, class A>
bool Shard<P, A>::send_pending(flow::ConnectionBlock& b) noexcept {
  link::Link<P>& link = *links_[b.port];
  Emission e;
  while (link.has_room()) {
    if (is_quiet(b.tcp)) return true;
    const Seq max_before = b.tcp.snd_max;
    if (wants_record_to_send(b.tcp)) [[unlikely]]
      lend_record(b);
    if (!next_emission(b.tcp, cfg_->tcp, now_, e)) return true;
    if (e.mss != 0 && connections_.is_ipv6(b)) e.mss = std::min(e.mss, link.mss6_max());
    const bool occupies = e.payload_len > 0 || e.has(wire::tcp_flag::syn | wire::tcp_flag::fin);
    if (before(e.seq, max_before) && occupies) {
      stats_.retransmitted.add();
      if (b.retransmits < 0xffff) ++b.retransmits;
    }
    const auto copy_payload = [&](std::span<std::byte> payload) -> std::uint64_t {
      if (link.sums_payload())
        return b.tx.copy_summed(connections_.tx(), e.seq, payload.size(), payload.data());
      b.tx.copy(connections_.tx(), e.seq, payload.size(), payload.data());
      return 0;
    };
    if (!send_with(b, e, copy_payload)) return false;
  }
  return false;
}

// A segment without text. False: there is no buffer.
template <link::Port P, class A>
bool Shard<P, A>::send(std::uint8_t link, const FlowKey4& key, const Emission& e) noexcept {
  MAYFLY_ASSERT(e.payload_len == 0);
  return links_[link]->send_tcp(key, e, now_,
                                [](std::span<std::byte>) { return std::uint64_t{0}; });
}

// The same over IPv6.
template <link::Port P, class A>
bool Shard<P, A>::send_six(std::uint8_t link, const FlowKey6& key, const Emission& e) noexcept {
  MAYFLY_ASSERT(e.payload_len == 0);
  return links_[link]->send_tcp6(key, e, now_,
                                 [](std::span<std::byte>) { return std::uint64_t{0}; });
}

// A segment of a connection. False: there is no buffer. TCP retransmits the segment later.
template <link::Port P, class A>
template <class CopyPayload>
bool Shard<P, A>::send_with(const flow::ConnectionBlock& b, const Emission& e,
                            CopyPayload&& copy_payload) noexcept {
  link::Link<P>& link = *links_[b.port];
  if (connections_.is_ipv6(b)) [[unlikely]]
    return link.send_tcp6(connections_.key6_of(b), e, now_, copy_payload);
  return link.send_tcp(connections_.key_of(b), e, now_, copy_payload);
}

template <link::Port P, class A>
bool Shard<P, A>::send_of(const flow::ConnectionBlock& b, const Emission& e) noexcept {
  MAYFLY_ASSERT(e.payload_len == 0);
  return send_with(b, e, [](std::span<std::byte>) { return std::uint64_t{0}; });
}

// Answers a segment without a connection's help.
template <link::Port P, class A>
bool Shard<P, A>::answer(const Arrival& a, const Emission& e) noexcept {
  return a.six != nullptr ? send_six(a.link, *a.six, e) : send(a.link, a.parsed.key, e);
}

// RFC 9293 3.10.7.1. False: the segment is an RST itself, or the rate limit forbids the answer. Not
// limited is one that a SYN of ours follows: without it the SYN would be in vain.
template <link::Port P, class A>
bool Shard<P, A>::send_reset(const Arrival& a, bool is_limited) noexcept {
  Emission rst;
  if (!tcp::reset_for(a.parsed.segment, rst)) return false;
  if (is_limited && !rst_limit_.allow(now_)) {
    stats_.rst_limited.add();
    return false;
  }
  stats_.rst_sent.add();
  return answer(a, rst);
}

template <link::Port P, class A>
std::size_t Shard<P, A>::transmit() noexcept {
  std::size_t sent = 0;
  for (const auto& link : links_) sent += link->transmit(now_);
  return sent;
}

}  // namespace mayfly::shard
