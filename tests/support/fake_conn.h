// A connection without a network: an App on one side, the test as its client on the other, and a
// clock that the test turns. It is as strict as the stack about the rules of app.h: a bounded queue
// that takes a run or nothing, text that comes again until it is taken, and memory that is read
// only when the client reads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "shard/app.h"

namespace mayfly::testing {

/// What a fake connection's send queue holds at most.
struct FakeRoom {
  std::size_t runs = 64;
  std::size_t copied_bytes = 16'384;
};

/// The Conn of app.h.
class FakeConn {
 public:
  FakeConn(std::uint16_t local_port, FakeRoom room) : room_(room), local_port_(local_port) {}

  flow::AppState& state() noexcept { return state_; }
  std::uint64_t id() const noexcept { return id_; }
  Instant now() const noexcept { return now_; }
  std::uint16_t local_port() const noexcept { return local_port_; }
  bool is_ipv6() const noexcept { return is_ipv6_; }
  FlowKey6 tuple6() const noexcept {
    return FlowKey6::of(Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}), local_port_,
                        Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 1, 1}), 40'000);
  }
  FlowKey4 tuple() const noexcept {
    return FlowKey4::of({0xc612'0001}, local_port_, {0xc612'0101}, 40'000);
  }
  bool passive() const noexcept { return true; }
  std::uint64_t unsent() const noexcept { return unsent_; }

  std::size_t send(std::span<const std::byte> bytes) noexcept {
    return push({.data = bytes.data(), .period = bytes.size(), .length = bytes.size()})
               ? bytes.size()
               : 0;
  }

  std::uint64_t send_repeating(std::span<const std::byte> block, std::uint64_t length) noexcept {
    MAYFLY_ASSERT(block.size() >= std::min<std::uint64_t>(length, 4'096));
    return push({.data = block.data(), .period = block.size(), .length = length}) ? length : 0;
  }

  std::size_t send_copy(std::span<const std::byte> bytes) noexcept {
    const std::size_t n = std::min(bytes.size(), room_.copied_bytes - copied_);
    Run run{.length = n};
    run.copy.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    run.period = n;
    if (n == 0 || !push(std::move(run))) return 0;
    copied_ += n;
    return n;
  }

  void close() noexcept { fin_ = true; }
  void close_both() noexcept { fin_ = deaf_ = true; }
  void close_and_drop() noexcept { fin_ = true; }
  void abort() noexcept { aborted_ = fin_ = deaf_ = true; }
  void wake_at(Instant when) noexcept { wake_ = when; }

 private:
  template <class A>
  friend class FakeClient;

  struct Run {
    const std::byte* data = nullptr;
    std::size_t period = 0;
    std::uint64_t length = 0;
    std::uint64_t sent = 0;
    std::vector<std::byte> copy;
  };

  bool push(Run run) {
    MAYFLY_ASSERT(run.length > 0);
    if (fin_ || runs_.size() == room_.runs) return false;
    unsent_ += run.length;
    runs_.push_back(std::move(run));
    return true;
  }

  // The client acknowledges up to n bytes, and they leave the queue.
  std::string take(std::uint64_t n) {
    std::string out;
    while (n > 0 && !runs_.empty()) {
      Run& run = runs_.front();
      const std::byte* const data = run.copy.empty() ? run.data : run.copy.data();
      const std::uint64_t at = run.sent % run.period;
      const std::uint64_t part = std::min({n, run.length - run.sent, run.period - at});
      out.append(reinterpret_cast<const char*>(data) + at, part);
      run.sent += part;
      n -= part;
      unsent_ -= part;
      if (run.sent < run.length) continue;
      copied_ -= run.copy.size();
      runs_.pop_front();
    }
    return out;
  }

  static inline std::uint64_t ids_ = 0;

  flow::AppState state_;
  std::uint64_t id_ = ++ids_;
  FakeRoom room_;
  std::deque<Run> runs_;
  std::uint64_t unsent_ = 0;
  std::size_t copied_ = 0;
  std::uint16_t local_port_;
  Instant now_{1'000'000};
  Instant wake_ = Instant::never();
  bool fin_ = false, deaf_ = false, aborted_ = false, is_ipv6_ = false;
};

/// The client of one connection.
template <class A>
class FakeClient {
 public:
  explicit FakeClient(A& app, std::uint16_t port = 80, FakeRoom room = {})
      : app_(app), conn_(port, room) {
    app_.on_open(conn_);
    settle();
  }
  ~FakeClient() { end(flow::CloseReason::reset); }
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;

  /// From now on its four-tuple is one of IPv6.
  void use_ipv6() { conn_.is_ipv6_ = true; }

  /// The text arrives as one segment.
  void send(std::string_view text) {
    if (ended_ || conn_.deaf_) return;  // the stack answers it with RST
    MAYFLY_ASSERT(!shut_);
    unread_.append(text);
    if (!held_back_) deliver();
    settle();
  }

  /// The client's FIN.
  void shut() {
    shut_ = true;
    server_was_first_ = conn_.fin_;
    settle();
  }

  /// Takes up to n bytes of what the server has sent, and acknowledges them.
  std::string read_some(std::uint64_t n) {
    const std::string got = conn_.take(n);
    if (!got.empty() && !ended_) {
      app_.on_sent(conn_);
      try_again();
    }
    settle();
    return got;
  }

  /// Takes all that the server sends.
  std::string read() {
    std::string all;
    for (std::string part; !(part = read_some(64'000)).empty();) all += part;
    return all;
  }

  /// The server's end begins, and the connection is open.
  void drain() {
    app_.on_drain(conn_);
    settle();
  }

  /// Time passes.
  void after(Duration d) {
    const Instant end = conn_.now_ + d;
    while (!ended_ && conn_.wake_ <= end) {
      conn_.now_ = std::max(conn_.now_, conn_.wake_);
      conn_.wake_ = Instant::never();
      app_.on_wake(conn_);
      if (!conn_.aborted_) try_again();
      settle();
    }
    conn_.now_ = end;
  }

  /// Other connections take or give back the memory for queues.
  void set_room(FakeRoom room) { conn_.room_ = room; }

  /// The server has sent its FIN (or will, behind what is still to be read).
  bool saw_fin() const { return conn_.fin_ && !conn_.aborted_; }
  bool saw_rst() const { return conn_.aborted_; }
  /// The server answers text with RST now.
  bool is_deaf() const { return conn_.deaf_; }
  bool is_open() const { return !conn_.fin_; }
  bool has_ended() const { return ended_; }
  std::uint64_t unsent() const { return conn_.unsent(); }
  /// Text that the app has not taken.
  std::size_t held_back() const { return unread_.size(); }

  /// The connection is gone for a reason of TCP's.
  void end(flow::CloseReason why) {
    if (ended_) return;
    ended_ = true;
    app_.on_closed(conn_, why);
  }

 private:
  void deliver() {
    if (conn_.deaf_) unread_.clear();
    if (unread_.empty() || ended_) return;
    // In memory of its own, so that a sanitizer sees who keeps a pointer to it.
    const std::vector<char> text(unread_.begin(), unread_.end());
    const std::size_t taken = app_.on_data(conn_, std::as_bytes(std::span(text)));
    MAYFLY_ASSERT(taken <= text.size());
    unread_.erase(0, taken);
    held_back_ = !unread_.empty();
  }

  void try_again() {
    held_back_ = false;
    deliver();
  }

  // What the stack does at the end of a burst.
  void settle() {
    if (conn_.deaf_) unread_.clear();
    if (shut_ && !shut_told_ && unread_.empty() && !ended_ && !conn_.aborted_) {
      shut_told_ = true;
      app_.on_peer_closed(conn_);
    }
    if (conn_.aborted_) return end(flow::CloseReason::aborted);
    if (shut_told_ && conn_.fin_ && conn_.unsent() == 0) {
      end(server_was_first_ ? flow::CloseReason::time_wait : flow::CloseReason::done);
    }
  }

  A& app_;
  FakeConn conn_;
  std::string unread_;
  bool held_back_ = false, shut_ = false, shut_told_ = false, ended_ = false,
       server_was_first_ = false;
};

}  // namespace mayfly::testing
