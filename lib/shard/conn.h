// The app's handle on a connection; see app.h for what each call does. Part of shard.h.
#pragma once

#include "shard/shard.h"

namespace mayfly {

template <Port P, class A>
class Shard<P, A>::Conn {
 public:
  Conn(Shard& shard, ConnectionBlock& block) noexcept : shard_(shard), block_(block) {}

  AppState& state() noexcept { return block_.app; }
  std::uint64_t id() const noexcept {
    return std::uint64_t{block_.generation} << 32 | shard_.index_of(block_);
  }
  Instant now() const noexcept { return shard_.now_; }
  std::uint16_t local_port() const noexcept { return block_.local_port; }
  bool passive() const noexcept { return block_.tcp.has(conn_flag::passive); }
  /// The peer's FIN was taken.
  bool peer_closed() const noexcept { return block_.tcp.has(conn_flag::peer_fin); }
  std::uint64_t unsent() const noexcept { return block_.tx.queued(); }

  std::size_t send(std::span<const std::byte> bytes) noexcept {
    return append(bytes.data(), bytes.size(), 0) ? bytes.size() : 0;
  }
  std::uint64_t send_repeating(std::span<const std::byte> block, std::uint64_t length) noexcept {
    return append(block.data(), length, static_cast<std::uint32_t>(block.size())) ? length : 0;
  }
  std::size_t send_copy(std::span<const std::byte> bytes) noexcept {
    if (!can_send()) return 0;
    const std::size_t n = block_.tx.append_copy(shard_.memory_.tx, bytes);
    block_.unannounced += n;
    shard_.announce_text(block_);
    return n;
  }

  void close() noexcept { close(false); }
  void close_both() noexcept { close(true); }
  void abort() noexcept {
    if (block_.tcp.state == State::closed) return;
    Emission rst;
    if (mayfly::abort(block_.tcp, rst)) {
      shard_.stats_.rst_sent.add();
      shard_.send(block_.port, shard_.key_of(block_), rst, nullptr);
    }
    shard_.want_output(block_);
  }

  void wake_at(Instant when) noexcept {
    block_.wake_at = when;
    shard_.want_output(block_);
  }

 private:
  bool can_send() const noexcept {
    return kSendsText.has(block_.tcp.state) && !block_.tcp.has(conn_flag::closing) &&
           !block_.tcp.has(block_flag::close_later | block_flag::close_later_both);
  }

  bool append(const std::byte* data, std::uint64_t length, std::uint32_t period) noexcept {
    if (!can_send() || !block_.tx.append(shard_.memory_.tx, data, length, period)) return false;
    block_.unannounced += length;
    shard_.announce_text(block_);
    return true;
  }

  void close(bool and_receive) noexcept {
    if (block_.unannounced > 0) {
      block_.tcp.set(and_receive ? block_flag::close_later_both : block_flag::close_later);
    } else {
      mayfly::close(block_.tcp, and_receive, shard_.cfg_->tcp, shard_.now_);
    }
    shard_.want_output(block_);
  }

  Shard& shard_;
  ConnectionBlock& block_;
};

}  // namespace mayfly
