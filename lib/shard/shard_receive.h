// From the port to the flow that a frame belongs to. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly {

template <Port P, class A>
Shard<P, A>::Shard(const ShardConfig& config, ShardMemory memory, std::span<P* const> ports, A& app,
                   const ShardSettings& settings, Instant now)
    : now_(now),
      cfg_(&settings),
      app_(app),
      memory_(std::move(memory)),
      secret_(config.secret),
      timers_(now),
      link_common_({.tx_packets = stats_.tx_packets,
                    .tx_bytes = stats_.tx_bytes,
                    .arp_requests = stats_.arp_requests,
                    .arp_replies = stats_.arp_replies,
                    .arp_limited = stats_.arp_limited,
                    .arp_conflicts = stats_.arp_conflicts,
                    .icmp_sent = stats_.icmp_sent,
                    .drops = stats_.drops}),
      challenge_limit_(1'000, config.secret),
      next_settings_(&settings) {
  set_hold(settings.time_wait.hold);
  balance_.begin(settings.time_wait, now);
  for (std::size_t i = 0; i < ports.size(); ++i)
    links_.push_back(std::make_unique<Link<P>>(*ports[i], config.interfaces[i], link_common_));
  for (const std::uint16_t port : config.listen) listening_[port / 64] |= 1ull << (port % 64);
}

template <Port P, class A>
Result<std::unique_ptr<Shard<P, A>>> Shard<P, A>::create(const ShardConfig& config,
                                                         std::span<P* const> ports, A& app,
                                                         const ShardSettings& settings,
                                                         Instant now) {
  MAYFLY_ASSERT(!ports.empty() && ports.size() == config.interfaces.size());
  auto memory = ShardMemory::create(config.name, config.sizes, config.secret, config.pages, now);
  if (!memory) return memory.error();
  return std::unique_ptr<Shard>(new Shard(config, std::move(*memory), ports, app, settings, now));
}

template <Port P, class A>
std::size_t Shard<P, A>::poll(Instant now) noexcept {
  now_ = now;
  if (const auto* next = next_settings_.load(std::memory_order_acquire); next != cfg_) [[unlikely]]
    follow_policy(*std::exchange(cfg_, next));
  std::size_t work = 0;
  for (std::size_t i = 0; i < links_.size(); ++i) work += receive(static_cast<std::uint8_t>(i));
  BlockNodes blocks{memory_.blocks};
  work += timers_.advance(blocks, now, kTimerBudget, [&](std::uint32_t i) { on_block_timer(i); });
  work += expire_time_waits() + shorten_holds();
  if (cfg_->time_wait.balance) balance_hold();
  if constexpr (requires { app_.on_poll(*this, now); }) app_.on_poll(*this, now);
  respond();
  for (const auto& link : links_) link->age(now);
  return work + transmit();
}

template <Port P, class A>
Instant Shard<P, A>::next_due() const noexcept {
  const auto waits = [](const auto& link) { return link->staged() > 0; };
  if (pending_first_ != kNoIndex || std::any_of(links_.begin(), links_.end(), waits)) return now_;
  return std::min(timers_.next_due(), memory_.time_waits.next_due());
}

template <Port P, class A>
std::size_t Shard<P, A>::receive(std::uint8_t index) noexcept {
  Link<P>& link = *links_[index];
  const std::size_t count = link.receive(std::span(burst_.frames), now_);
  if (count == 0) return 0;
  parse_burst(index, count);
  handle_burst(index, count);
  for (std::size_t i = 0; i < count; ++i)
    if (burst_.frames[i] != Frame{}) link.release(burst_.frames[i]);
  return count;
}

template <Port P, class A>
void Shard<P, A>::parse_burst(std::uint8_t index, std::size_t count) noexcept {
  Link<P>& link = *links_[index];
  const bool holds_time_waits = memory_.time_waits.used() > 0;
  std::size_t look_ups = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(link.bytes(burst_.frames[i]).data());
  for (std::size_t i = 0; i < count; ++i) {
    bytes += link.bytes(burst_.frames[i]).size();
    burst_.parsed[i] = link.parse(burst_.frames[i]);
    if (burst_.parsed[i].kind != FrameKind::tcp) continue;
    burst_.look_up[i] = static_cast<std::uint8_t>(look_ups);
    burst_.keys[look_ups] = &burst_.parsed[i].key;
    const std::uint32_t hash = burst_.hashes[look_ups] = memory_.table.hash(burst_.parsed[i].key);
    ++look_ups;
    // A SYN may find a TIME_WAIT entry, a FIN may make one: in a table that is large and cold.
    if (holds_time_waits && burst_.parsed[i].segment.has(tcp_flag::syn | tcp_flag::fin))
      memory_.time_waits.prefetch_bucket(hash);
  }
  stats_.rx_packets.add(count);
  stats_.rx_bytes.add(bytes);
  find_burst(look_ups);
}

// One bulk look-up for the burst works as the prefetch of the hash's buckets; then the blocks are
// fetched.
template <Port P, class A>
void Shard<P, A>::find_burst(std::size_t look_ups) noexcept {
  burst_.created_count = 0;
  burst_.epoch = memory_.table.epoch();
  if (look_ups == 0) return;
  memory_.table.find_bulk(std::span(burst_.keys).first(look_ups),
                          std::span(burst_.hashes).first(look_ups),
                          std::span(burst_.positions).first(look_ups));
  std::size_t missed = 0;
  for (std::size_t i = 0; i < look_ups; ++i) {
    if (burst_.positions[i] < 0) {
      burst_.missed[missed++] = static_cast<std::uint8_t>(i);
      continue;
    }
    const auto position = static_cast<std::uint32_t>(burst_.positions[i]);
    const char* block =
        reinterpret_cast<const char*>(&memory_.blocks[memory_.table.block(position)]);
    __builtin_prefetch(block);
    __builtin_prefetch(block + 64);
    __builtin_prefetch(block + offsetof(ConnectionBlock, tx));
    __builtin_prefetch(block + offsetof(ConnectionBlock, wake_at));
  }
  if (memory_.time_waits.used() == 0) return;
  for (const std::uint8_t i : std::span(burst_.missed).first(missed))
    memory_.time_waits.prefetch_record(burst_.hashes[i]);
}

// Every frame has one fate: it is acted on, or there is one reason why it is not.
template <Port P, class A>
void Shard<P, A>::handle_burst(std::uint8_t link, std::size_t count) noexcept {
  std::size_t dropped = 0;
  for (std::size_t i = 0; i < count; ++i) {
    fate_ = Drop::none;
    handle(link, i);
    if (fate_ == Drop::none) [[likely]]
      continue;
    stats_.drop(fate_);
    ++dropped;
  }
  stats_.rx_handled.add(count - dropped);
}

template <Port P, class A>
void Shard<P, A>::handle(std::uint8_t index, std::size_t i) noexcept {
  Link<P>& link = *links_[index];
  const ParsedFrame& p = burst_.parsed[i];
  const std::span<const std::byte> bytes = link.bytes(burst_.frames[i]);
  switch (p.kind) {
    case FrameKind::tcp: {
      const std::size_t n = burst_.look_up[i];
      on_tcp({p, bytes, index, burst_.hashes[n]}, burst_.positions[n]);
      return;
    }
    case FrameKind::arp: link.on_arp(bytes, p, now_); return;
    case FrameKind::icmp: {
      const auto on_error = [this](const IcmpReport& report) { return on_icmp_report(report); };
      if (const Drop why = link.on_icmp(bytes, p, now_, on_error); why != Drop::none) drop(why);
      return;
    }
    case FrameKind::udp:
      drop(Drop::udp_closed);
      link.answer_unreachable(bytes, p, unreachable_code::port, now_);  // RFC 1122 3.2.2.1
      return;
    case FrameKind::other_protocol:
      drop(Drop::protocol_unknown);
      link.answer_unreachable(bytes, p, unreachable_code::protocol, now_);  // RFC 1122 3.2.2.1
      return;
    case FrameKind::fragment: on_fragment(index, i); return;
    case FrameKind::drop: drop(p.drop); return;
  }
}

template <Port P, class A>
void Shard<P, A>::on_tcp(const Arrival& a, std::int32_t position) noexcept {
  // An earlier segment of this burst may have made or ended the flow.
  if (position < 0 ? burst_.created_count > 0 : burst_.epoch != memory_.table.epoch())
    position = find_again(a.parsed.key, a.hash, position);
  dispatch(a, position);
}

template <Port P, class A>
void Shard<P, A>::dispatch(const Arrival& a, std::int32_t position) noexcept {
  if (position >= 0)
    return on_connection(memory_.blocks[memory_.table.block(static_cast<std::uint32_t>(position))],
                         a);
  if (memory_.time_waits.used() > 0) {
    const std::uint32_t index = memory_.time_waits.find(a.parsed.key, a.hash);
    if (index != kNoIndex) return on_time_wait(index, a);
  }
  on_unknown_flow(a);
}

template <Port P, class A>
std::int32_t Shard<P, A>::find_again(const FlowKey4& key, std::uint32_t hash,
                                     std::int32_t position) const noexcept {
  const auto begin = burst_.created.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(burst_.created_count);
  if (position < 0 && std::find(begin, end, hash) == end) return FlowTable::kNone;
  return memory_.table.find(key, hash);
}

template <Port P, class A>
void Shard<P, A>::on_unknown_flow(const Arrival& a) noexcept {
  const Interface& interface = links_[a.link]->interface();
  if (!interface.is_local(a.parsed.key.local())) return drop(Drop::not_our_ip);
  // RFC 1122 3.2.1.3, RFC 9293 3.9.2.3 (MUST-63): a SYN from a broadcast address is ignored.
  if (interface.is_broadcast(a.parsed.key.remote()) || interface.is_local(a.parsed.key.remote()))
    return drop(Drop::ip_source_invalid);
  if (a.parsed.link_group) return drop(Drop::ip_multicast);
  const Segment& s = a.parsed.segment;
  if (!is_listening(a)) return on_closed_port(a, Drop::tcp_no_listener);
  switch (on_listen(s)) {
    case ListenAnswer::ignore:
      return drop(s.has(tcp_flag::rst) ? Drop::tcp_rst_no_connection : Drop::tcp_flags_invalid);
    case ListenAnswer::reset:
      if (accept_cookie(a)) return;
      return on_closed_port(
          a, now_ < cookies_until_ ? Drop::tcp_cookie_invalid : Drop::tcp_no_listener);
    case ListenAnswer::open:
      // RFC 9293 3.10.7.2 would open it; nobody but a port scanner ends what it opens.
      if (s.has(tcp_flag::fin)) return drop(Drop::tcp_flags_invalid);
      accept(a, kNoIndex);
      return;
  }
}

// RFC 9293 3.10.7.1: CLOSED.
template <Port P, class A>
void Shard<P, A>::on_closed_port(const Arrival& a, Drop reason) noexcept {
  if (a.parsed.segment.has(tcp_flag::rst)) return drop(Drop::tcp_rst_no_connection);
  drop(reason);
  // A FIN for a connection that nobody remembers: its sender waits for the last ACK, in LAST_ACK,
  // and TIME_WAIT did not last long enough to give it (RFC 9293 3.6.1).
  if (send_reset(a) && a.parsed.segment.has(tcp_flag::fin)) stats_.rst_to_last_ack.add();
}

template <Port P, class A>
bool Shard<P, A>::is_listening(const Arrival& a) noexcept {
  const std::uint16_t port = a.parsed.key.local_port_host();
  return ((listening_[port / 64] >> (port % 64)) & 1) != 0;
}

// A completed datagram is parsed like a frame that arrived, and looked up alone.
template <Port P, class A>
void Shard<P, A>::on_fragment(std::uint8_t index, std::size_t i) noexcept {
  Link<P>& link = *links_[index];
  const Frame fragment = std::exchange(burst_.frames[i], Frame{});
  Drop why = Drop::none;
  const Frame whole = link.reassemble(fragment, burst_.parsed[i], now_, why);
  if (whole == Frame{}) {
    if (why != Drop::none) drop(why);
    return;
  }
  burst_.frames[i] = whole;
  burst_.parsed[i] = link.parse_whole(whole);
  const ParsedFrame& p = burst_.parsed[i];
  if (p.kind == FrameKind::fragment) return drop(Drop::fragment_malformed);
  if (p.kind != FrameKind::tcp) return handle(index, i);
  const std::uint32_t hash = memory_.table.hash(p.key);
  dispatch({p, link.bytes(whole), index, hash}, memory_.table.find(p.key, hash));
}

// RFC 5927: the quoted segment must be one of ours, and in flight.
template <Port P, class A>
Drop Shard<P, A>::on_icmp_report(const IcmpReport& report) noexcept {
  const FlowKey4& key = report.about.key;
  const std::uint32_t hash = memory_.table.hash(key);
  const std::int32_t position = memory_.table.find(key, hash);
  if (position < 0) {
    const bool is_over = memory_.time_waits.find(key, hash) != kNoIndex;
    return is_over ? Drop::icmp_ignored : Drop::icmp_untrusted;
  }
  ConnectionBlock& b = memory_.blocks[memory_.table.block(static_cast<std::uint32_t>(position))];
  if (b.tcp.state == State::closed) return Drop::icmp_ignored;
  const Verdict v = on_icmp_error(b.tcp, report.error, report.about.seq, cfg_->tcp, now_);
  want_output(b);
  if (v.events != 0) on_events(b, v.events);
  return v.drop;
}

template <Port P, class A>
void Shard<P, A>::announce(Instant now) noexcept {
  now_ = now;
  for (const auto& link : links_) link->announce();
  transmit();
}

}  // namespace mayfly
