// The app's handle on a connection, for use within a hook.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "flow/connections.h"

namespace mayfly::flow {

/// A cheap proxy. It is valid only during the call that it is an argument of: to find the
/// connection again later, keep id().
class Conn {
 public:
  /// Both must outlive the handle.
  Conn(Connections& connections, ConnectionBlock& block) noexcept
      : all_(connections), block_(block) {}

  /// 32 bytes that belong to the app; zero at on_open of a passive open.
  AppState& state() noexcept { return block_.app; }
  /// Identifies the connection: no other connection of this core, before or after, has the same id.
  std::uint64_t id() const noexcept {
    return std::uint64_t{block_.generation} << 32 | all_.index_of(block_);
  }
  /// 0 to connections.capacity - 1. No two open connections of a core have the same.
  std::uint32_t index() const noexcept { return all_.index_of(block_); }
  /// True once the app has aborted it. All other calls then have no effect.
  bool aborted() const noexcept { return block_.tcp.state == tcp::State::closed; }
  /// The time of this poll.
  Instant now() const noexcept { return all_.now(); }
  /// Host order.
  std::uint16_t local_port() const noexcept { return block_.local_port; }
  bool is_ipv6() const noexcept { return all_.is_ipv6(block_); }
  /// Unless is_ipv6().
  const FlowKey4& tuple() const noexcept { return all_.key_of(block_); }
  /// If is_ipv6().
  const FlowKey6& tuple6() const noexcept { return all_.key6_of(block_); }
  /// True if the peer opened the connection.
  bool passive() const noexcept { return block_.tcp.has(tcp::conn_flag::passive); }
  /// True if an ACK of another connection answered the SYN of our active open: the peer still had
  /// this four-tuple, probably in TIME_WAIT.
  bool was_challenged() const noexcept { return block_.is_challenged; }
  /// For on_closed: the state in which a segment or a timer ended the connection.
  tcp::State last_state() const noexcept { return block_.last_state; }
  /// True once TCP has received the peer's FIN. Text that came before it may still be unread.
  bool peer_closed() const noexcept { return block_.tcp.has(tcp::conn_flag::peer_fin); }
  /// Bytes queued and not yet acknowledged.
  std::uint64_t unsent() const noexcept { return block_.tx.queued(); }

  /// Queues bytes without copying them: they must outlive the connection. Returns bytes.size(), or
  /// 0 if none are queued: the queue has no extent left, or the connection can no longer send.
  std::size_t send(std::span<const std::byte> bytes) noexcept {
    return append(bytes.data(), bytes.size(), 0) ? bytes.size() : 0;
  }
  /// Queues `length` bytes that repeat `block`, without copying. `block` must outlive the
  /// connection and be at least 4 KiB or `length` bytes long. Returns `length`, or 0 as send()
  /// does.
  std::uint64_t send_repeating(std::span<const std::byte> block, std::uint64_t length) noexcept {
    return append(block.data(), length, static_cast<std::uint32_t>(block.size())) ? length : 0;
  }
  /// Copies and queues as many of the bytes as there is room for; returns their number.
  std::size_t send_copy(std::span<const std::byte> bytes) noexcept;

  /// Sends a FIN after the queued bytes. Text from the peer is still delivered (half-close).
  void close() noexcept { close(false); }
  /// Sends a FIN after the queued bytes. Text that still arrives is answered with an RST.
  void close_both() noexcept {
    block_.tcp.clear(tcp::conn_flag::drops_text);
    close(true);
  }
  /// As close_both(), but text that still arrives is acknowledged and given to on_data, which takes
  /// and discards all of it. close_both() may follow.
  void close_and_drop() noexcept {
    block_.tcp.set(tcp::conn_flag::drops_text);
    close(true);
  }
  /// Ends the connection with an RST (RFC 9293 3.10.5), which is sent within the same poll.
  /// on_closed(CloseReason::aborted) is called before the poll ends.
  void abort() noexcept;

  /// on_wake is called once, at `when` or soon after. A connection has one such time: a later call
  /// replaces it, and never() cancels it.
  void wake_at(Instant when) noexcept {
    block_.wake_at = when;
    all_.want_output(block_);
  }

 private:
  bool can_send() const noexcept {
    return tcp::kSendsText.has(block_.tcp.state) && !block_.tcp.has(tcp::conn_flag::closing) &&
           !block_.tcp.has(block_flag::close_later | block_flag::close_later_both);
  }
  bool append(const std::byte* data, std::uint64_t length, std::uint32_t period) noexcept;
  void close(bool and_receive) noexcept;

  Connections& all_;
  ConnectionBlock& block_;
};

inline bool Conn::append(const std::byte* data, std::uint64_t length,
                         std::uint32_t period) noexcept {
  if (!can_send() || !block_.tx.append(all_.tx(), data, length, period)) return false;
  all_.announce_text(block_);
  return true;
}

inline std::size_t Conn::send_copy(std::span<const std::byte> bytes) noexcept {
  if (!can_send()) return 0;
  const std::size_t n = block_.tx.append_copy(all_.tx(), bytes, index(), now());
  all_.announce_text(block_);
  return n;
}

inline void Conn::close(bool and_receive) noexcept {
  if (unannounced(block_) > 0) {
    block_.tcp.set(and_receive ? block_flag::close_later_both : block_flag::close_later);
  } else {
    tcp::close(block_.tcp, and_receive, all_.tcp(), all_.now());
  }
  all_.want_output(block_);
}

inline void Conn::abort() noexcept {
  if (block_.tcp.state == tcp::State::closed) return;
  Emission rst;
  if (tcp::abort(block_.tcp, rst)) {
    // The connection is CLOSED: SND.NXT is free to remember the RST's number until it is sent.
    block_.tcp.snd_nxt = rst.seq;
    block_.tcp.set(block_flag::owes_rst);
  }
  all_.want_output(block_);
}

}  // namespace mayfly::flow
