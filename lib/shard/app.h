// The whole contract between the stack and an app, which uses the connections: the server's
// services, the client generator, or a program's own class. There is one object a core. The Shard
// calls its hooks inline from the poll loop, so they must not block, throw or take long.
//
//   class Echo : public AppBase {
//    public:
//     bool listens(std::uint16_t port) const noexcept { return port == 7; }
//     void on_open(Conn&) noexcept {}
//     std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
//       return c.send_copy(text);
//     }
//     ...
//     using AppBase::on_poll, AppBase::on_drain, AppBase::stop, AppBase::finished;
//     using AppBase::next_due, AppBase::on_settings;
//   };
//
// An app names every hook: it declares its own, or takes AppBase's default by a using-declaration.
// The defaults are protected. So if the name or signature of a hook is wrong, there is no public
// function for that hook, and the Shard does not compile.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "flow/close_reason.h"
#include "flow/conn.h"
#include "shard/settings.h"

namespace mayfly::shard {

/// The settings of an app that has none.
struct NoSettings {};

/// The settings of one core. All of them take effect at the same poll.
template <class AppSettings>
struct Snapshot {
  ShardSettings shard;
  AppSettings app{};
  std::uint64_t number = 0;  ///< higher than that of the one before; 0: the initial one
};

/// The defaults of the hooks.
class AppBase {
 public:
  /// The settings of the app that may change while it runs. An app that has such settings defines
  /// this type itself.
  using Settings = NoSettings;

 protected:
  /// True if the app serves this TCP port (host order). Called for each SYN.
  bool listens(std::uint16_t) const noexcept { return false; }
  /// Called once a poll, after the burst. Shard::connect and Shard::expect are called from here.
  template <class Shard>
  void on_poll(Shard&, Instant) noexcept {}
  /// When on_poll must be called even if no frame comes; never() if it need not.
  Instant next_due() const noexcept { return Instant::never(); }
  /// Called before a burst when new settings take effect. They are valid until the next call
  /// returns.
  void on_settings(const NoSettings&) noexcept {}
  /// The run begins to end: the app must start nothing new. on_drain is called next, for each open
  /// connection.
  void stop(Instant) noexcept {}
  /// Called for each connection that is open when the run begins to end.
  void on_drain(flow::Conn&) noexcept {}
  /// True if the app has nothing left to do. The run ends when the apps of all cores return true.
  bool finished(Instant) const noexcept { return false; }
};

/// The hooks of a connection (flow::Conn lists what can be done with it):
/// on_open: the handshake is complete.
/// on_data: text in order. Returns how many bytes the app takes. The rest is offered again, with
/// the
///   text that follows it, after on_sent, after on_wake, or on entry to TIME_WAIT. If no receive
///   buffer is free, the rest is not acknowledged and is offered again when the peer retransmits
///   it.
/// on_sent: bytes were acknowledged and have left the queue. None are left if unsent() == 0. Or the
///   memory that send() found no more of is there now.
/// on_peer_closed: the peer's FIN, after the app has taken all text before it.
/// on_wake: the time of Conn::wake_at has come.
/// on_closed: the last call for this connection, which can no longer send.
///
/// The other hooks are described at AppBase.
// clang-format off
template <class A, class Shard>
concept App = requires(A& a, const A& as_const, Shard& shard, flow::Conn& c,
                       std::span<const std::byte> text, flow::CloseReason why, Instant now,
                       std::uint16_t port, const typename A::Settings& settings) {
  { a.on_open(c) } noexcept -> std::same_as<void>;
  { a.on_data(c, text) } noexcept -> std::same_as<std::size_t>;
  { a.on_sent(c) } noexcept -> std::same_as<void>;
  { a.on_peer_closed(c) } noexcept -> std::same_as<void>;
  { a.on_wake(c) } noexcept -> std::same_as<void>;
  { a.on_closed(c, why) } noexcept -> std::same_as<void>;
  { as_const.listens(port) } noexcept -> std::same_as<bool>;
  { a.on_poll(shard, now) } noexcept -> std::same_as<void>;
  { as_const.next_due() } noexcept -> std::same_as<Instant>;
  { a.on_settings(settings) } noexcept -> std::same_as<void>;
  { a.stop(now) } noexcept -> std::same_as<void>;
  { a.on_drain(c) } noexcept -> std::same_as<void>;
  { as_const.finished(now) } noexcept -> std::same_as<bool>;
};
// clang-format on

}  // namespace mayfly::shard
