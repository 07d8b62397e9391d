// From the port to the flow that a frame belongs to: receive, parse, find. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly::shard {

template <link::Port P, class A>
std::size_t Shard<P, A>::receive(std::uint8_t index) noexcept {
  link::Link<P>& link = *links_[index];
  const std::size_t count = link.receive(std::span(burst_.frames), now_);
  syn_backlog_.note_burst(index, count);
  clock_.end(flow::Stage::receive);
  if (count == 0) return 0;
  parse_burst(index, count);
  clock_.end(flow::Stage::parse);
  find_burst();
  clock_.end(flow::Stage::find);
  handle_burst(index, count);
  clock_.end(flow::Stage::handle);
  for (std::size_t i = 0; i < count; ++i)
    if (burst_.frames[i] != Frame{}) link.release(burst_.frames[i]);
  clock_.end(flow::Stage::release);
  return count;
}

/// A segment with timestamps ends in the second line, one with a request in the third. To be
/// written: the answer goes out in the same frame, and the core that filled it would have to give
/// up its copy then.
inline void prefetch_headers(std::span<const std::byte> frame) noexcept {
  constexpr std::size_t kLine = 64;
  constexpr int kToWrite = 1;
  __builtin_prefetch(frame.data(), kToWrite);
  if (frame.size() > kLine) __builtin_prefetch(frame.data() + kLine, kToWrite);
  if (frame.size() > 2 * kLine) __builtin_prefetch(frame.data() + 2 * kLine, kToWrite);
}

template <link::Port P, class A>
void Shard<P, A>::parse_burst(std::uint8_t index, std::size_t count) noexcept {
  link::Link<P>& link = *links_[index];
  // A core that is behind puts SYNs off, and drops them unread once too many wait, or for too long.
  const bool behind = syn_backlog_.is_behind(index);
  const bool sheds = behind && syn_backlog_.is_saturated(now_);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) prefetch_headers(link.bytes(burst_.frames[i]));
  for (std::size_t i = 0; i < count; ++i) {
    bytes += link.bytes(burst_.frames[i]).size();
    if (sheds && wire::looks_like_syn(link.bytes(burst_.frames[i]))) [[unlikely]] {
      burst_.parsed[i].kind = wire::FrameKind::drop;
      burst_.parsed[i].drop = Drop::overload;
      continue;
    }
    link.parse(burst_.frames[i], burst_.parsed[i]);
  }
  stats_.rx_packets.add(count);
  stats_.rx_bytes.add(bytes);
  list_burst(index, count, behind);
}

// Apart from parsing: the ciphers of several segments run side by side then.
template <link::Port P, class A>
void Shard<P, A>::list_burst(std::uint8_t index, std::size_t count, bool behind) noexcept {
  // A SYN may find a TIME_WAIT entry and a FIN may make one, in a large table outside the cache.
  std::array<std::uint32_t, kBurstMax> cold;
  std::size_t cold_count = 0;
  burst_.begin();
  for (std::size_t i = 0; i < count; ++i) {
    const wire::ParsedFrame& parsed = burst_.parsed[i];
    if (parsed.kind != wire::FrameKind::tcp) continue;
    const std::uint32_t hash = parsed.is_ipv6()
                                   ? name_six(i, links_[index]->bytes(burst_.frames[i]))
                                   : secret_.hash(parsed.key);
    if (behind && put_off(index, i, hash)) [[unlikely]]
      continue;
    burst_.list(i, hash);
    cold[cold_count] = hash;
    cold_count += parsed.segment.has(wire::tcp_flag::syn | wire::tcp_flag::fin) ? 1 : 0;
  }
  time_waits_.prefetch_buckets(std::span(cold).first(cold_count));
}

// From here on the key of an IPv6 segment is its name. Returns the name's hash.
template <link::Port P, class A>
std::uint32_t Shard<P, A>::name_six(std::size_t i, std::span<const std::byte> bytes) noexcept {
  read_flow_key6(bytes, burst_.parsed[i], burst_.sixes[i]);
  const FlowKey4 name = secret_.name_and_label(burst_.sixes[i]);
  burst_.parsed[i].key = name;
  return secret_.hash(name);
}

// A SYN with text is not put off: its frame would have to be kept.
template <link::Port P, class A>
bool Shard<P, A>::put_off(std::uint8_t link, std::size_t i, std::uint32_t hash) noexcept {
  wire::ParsedFrame& parsed = burst_.parsed[i];
  const Segment& s = parsed.segment;
  constexpr std::uint8_t kOthers = wire::tcp_flag::ack | wire::tcp_flag::rst | wire::tcp_flag::fin;
  if (!s.has(wire::tcp_flag::syn) || s.has(kOthers) || s.payload_len > 0 ||
      syn_backlog_.size() == SynBacklog::kCapacity)
    return false;
  if (syn_backlog_.lets_pass()) {
    ++burst_.passed;
    return false;
  }
  syn_backlog_.push({parsed, hash, link, now_});
  if (parsed.is_ipv6()) syn_backlog_.note_six(burst_.sixes[i]);
  parsed.kind = wire::FrameKind::drop;  // nothing more is to be done now, and it counts later
  ++burst_.put_off;
  stats_.syn_backlog.set(syn_backlog_.size());
  return true;
}

// Lets in some of the SYNs that wait, as if they arrived now.
template <link::Port P, class A>
std::size_t Shard<P, A>::admit_syns() noexcept {
  syn_backlog_.earn(std::exchange(burst_.others, 0));
  if (syn_backlog_.size() == 0) [[likely]]
    return 0;
  bool behind = false;
  for (std::size_t i = 0; i < links_.size(); ++i) behind |= syn_backlog_.is_behind(i);
  const std::size_t count = syn_backlog_.admit(behind);
  std::array<std::uint8_t, kBurstMax> links;
  std::array<std::uint32_t, kBurstMax> hashes;
  burst_.begin();
  for (std::size_t i = 0; i < count; ++i) {
    const SynBacklog::Waiting& syn = syn_backlog_.front();
    burst_.parsed[i] = syn.parsed;
    if (syn.parsed.is_ipv6()) burst_.sixes[i] = syn_backlog_.front_six();
    burst_.list(i, syn.hash);
    links[i] = syn.link;
    hashes[i] = syn.hash;
    syn_backlog_.pop();
  }
  time_waits_.prefetch_buckets(std::span(hashes).first(count));
  find_burst();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t n = burst_.look_up[i];
    const Arrival a{burst_.parsed[i], {}, links[i], burst_.hashes[n], burst_.six(i)};
    const Drop fate = on_tcp(a, burst_.positions[n]);
    if (fate == Drop::none) {
      stats_.rx_handled.add();
    } else {
      stats_.drop(fate);
    }
  }
  stats_.syn_backlog.set(syn_backlog_.size());
  return count;
}

// A bulk look-up for each family, which prefetches the buckets; then the blocks are prefetched.
template <link::Port P, class A>
void Shard<P, A>::find_burst() noexcept {
  const flow::FlowTable& table = connections_.table();
  burst_.made = {};
  burst_.epoch = table.epoch();
  std::size_t missed = 0;
  const auto find = [&](const auto& keys, std::size_t first, std::size_t count) {
    table.find_bulk(std::span(keys).subspan(first, count),
                    std::span(burst_.hashes).subspan(first, count),
                    std::span(burst_.positions).subspan(first, count));
    for (std::size_t i = first; i < first + count; ++i) {
      if (burst_.positions[i] < 0) {
        burst_.missed[missed++] = static_cast<std::uint8_t>(i);
      } else {
        connections_.prefetch(burst_.positions[i]);
      }
    }
  };
  if (burst_.fours_listed > 0) find(burst_.keys, 0, burst_.fours_listed);
  if (burst_.sixes_listed > 0) [[unlikely]]
    find(burst_.keys6, kBurstMax - burst_.sixes_listed, burst_.sixes_listed);
  if (time_waits_.used() == 0) return;
  for (const std::uint8_t i : std::span(burst_.missed).first(missed))
    time_waits_.prefetch_record(*burst_.keys[i], burst_.hashes[i]);
}

// Every frame is acted on, or there is exactly one reason why it is not.
template <link::Port P, class A>
void Shard<P, A>::handle_burst(std::uint8_t link, std::size_t count) noexcept {
  std::size_t dropped = 0;
  const bool is_watched = tap_ != nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_tcp = burst_.parsed[i].kind == wire::FrameKind::tcp && !is_watched;
    Drop fate = Drop::none;
    if (is_tcp) {
      fate = handle_tcp(link, i);
    } else {
      fate = is_watched ? handle_watched(link, i) : handle_other(link, i);
    }
    if (fate == Drop::none) [[likely]]
      continue;
    MAYFLY_ASSERT(concerns_received(fate));
    stats_.drop(fate);
    ++dropped;
  }
  const std::size_t handled = count - dropped - burst_.put_off;
  stats_.rx_handled.add(handled);
  burst_.others += handled - std::min(handled, burst_.passed);
}

// The copy comes first: what a frame is handled by may give it away, or write on it.
template <link::Port P, class A>
Drop Shard<P, A>::handle_watched(std::uint8_t index, std::size_t i) noexcept {
  tap_->hold(index, false, links_[index]->bytes(burst_.frames[i]), now_);
  const Drop fate = handle_other(index, i);
  tap_->commit(fate);
  return fate;
}

// Inlined, with what it calls up to on_connection: frames of three functions in a row had saved and
// restored registers for a tenth of all instructions.
template <link::Port P, class A>
[[gnu::always_inline]] inline Drop Shard<P, A>::handle_tcp(std::uint8_t index,
                                                           std::size_t i) noexcept {
  const std::size_t n = burst_.look_up[i];
  const std::span<const std::byte> bytes = links_[index]->bytes(burst_.frames[i]);
  return on_tcp({burst_.parsed[i], bytes, index, burst_.hashes[n], burst_.six(i)},
                burst_.positions[n]);
}

template <link::Port P, class A>
Drop Shard<P, A>::handle_other(std::uint8_t index, std::size_t i) noexcept {
  link::Link<P>& link = *links_[index];
  const wire::ParsedFrame& p = burst_.parsed[i];
  const std::span<const std::byte> bytes = link.bytes(burst_.frames[i]);
  switch (p.kind) {
    case wire::FrameKind::tcp: return handle_tcp(index, i);
    case wire::FrameKind::arp: link.on_arp(bytes, p, now_); return Drop::none;
    case wire::FrameKind::icmp:
      if (p.is_ipv6())
        return link.on_icmp6(bytes, p, now_, [this](const link::Icmp6Report& report) {
          return on_icmp6_report(report);
        });
      return link.on_icmp(bytes, p, now_, [this](const link::IcmpReport& report) {
        return on_icmp_report(report);
      });
    case wire::FrameKind::udp:
      if (p.is_ipv6()) {
        link.answer_problem6(bytes, p, now_);
        return Drop::udp_closed;
      }
      link.answer_unreachable(bytes, p, wire::unreachable_code::port, now_);  // RFC 1122 3.2.2.1
      return Drop::udp_closed;
    case wire::FrameKind::other_protocol:
      if (wire::ip_protocol::is_tunnel(p.protocol))
        if (const auto drop = on_ip_in_ip(index, i)) return *drop;
      link.answer_unreachable(bytes, p, wire::unreachable_code::protocol,
                              now_);  // RFC 1122 3.2.2.1
      return Drop::protocol_unknown;
    case wire::FrameKind::fragment: return on_fragment(index, i);
    case wire::FrameKind::problem:
      if (p.drop == Drop::protocol_unknown && wire::ip_protocol::is_tunnel(p.protocol))
        if (const auto drop = on_ip_in_ip(index, i)) return *drop;
      link.answer_problem6(bytes, p, now_);
      return p.drop;
    case wire::FrameKind::drop: return p.drop;
  }
  return Drop::none;
}

// A completed datagram is parsed like a frame that arrived, and looked up alone.
template <link::Port P, class A>
Drop Shard<P, A>::on_fragment(std::uint8_t index, std::size_t i) noexcept {
  link::Link<P>& link = *links_[index];
  const Frame fragment = std::exchange(burst_.frames[i], Frame{});
  Drop why = Drop::none;
  const Frame whole = link.reassemble(fragment, burst_.parsed[i], now_, why);
  if (whole == Frame{}) return why;
  burst_.frames[i] = whole;
  burst_.parsed[i] = link.parse_whole(whole);
  const wire::ParsedFrame& p = burst_.parsed[i];
  if (p.kind == wire::FrameKind::fragment) return Drop::fragment_malformed;
  if (p.kind != wire::FrameKind::tcp) return handle_other(index, i);
  const std::uint32_t hash = p.is_ipv6() ? name_six(i, link.bytes(whole)) : secret_.hash(p.key);
  const Arrival a{p, link.bytes(whole), index, hash, burst_.six(i)};
  return decide(a, find(a));
}

// The position of the segment's flow, or none.
template <link::Port P, class A>
std::int32_t Shard<P, A>::find(const Arrival& a) const noexcept {
  return a.six != nullptr ? connections_.table().find(*a.six, a.hash)
                          : connections_.table().find(a.parsed.key, a.hash);
}

// Is the flow that was found at the position still there? The four-tuple tells whether the position
// is another's now, and the block, which is not freed before the burst is over, whether its flow
// has ended.
template <link::Port P, class A>
bool Shard<P, A>::is_still_at(const Arrival& a, std::int32_t position) const noexcept {
  const flow::FlowTable& table = connections_.table();
  const auto at = static_cast<std::uint32_t>(position);
  const bool is_its = a.six != nullptr ? table.key6(at) == *a.six : table.key(at) == a.parsed.key;
  return is_its && !connections_.block(table.block(at)).tcp.has(flow::block_flag::dead);
}

}  // namespace mayfly::shard
