// The whole contract between the stack and what is done with connections: the server's services,
// the client generator, a program's own. An app is a class, one object a core; the Shard calls its
// hooks inline from the poll loop, so none may block, throw or take long.
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
// AppBase's are protected, so that a hook whose name or signature is wrong leaves one without a
// public function, and the Shard does not compile.
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

/// What a core goes by: all of it from the same poll on.
template <class AppSettings>
struct Snapshot {
  ShardSettings shard;
  AppSettings app{};
  std::uint64_t number = 0;  ///< each has a higher one; 0: what the shard was made with
};

/// The defaults of the hooks.
class AppBase {
 public:
  /// What of the app may change while it runs; an app with some has a type of its own here.
  using Settings = NoSettings;

 protected:
  /// Whether the app serves this TCP port (host order). Asked for each SYN.
  bool listens(std::uint16_t) const noexcept { return false; }
  /// Once a poll, after the burst. The place for Shard::connect and Shard::expect.
  template <class Shard>
  void on_poll(Shard&, Instant) noexcept {}
  /// When on_poll has something to do at the latest, although no frame comes; never() if nothing.
  Instant next_due() const noexcept { return Instant::never(); }
  /// Other settings hold from now on; before the burst. They are valid until the next call returns.
  void on_settings(const NoSettings&) noexcept {}
  /// The end begins: the app starts nothing new. on_drain follows for each open connection.
  void stop(Instant) noexcept {}
  /// A connection that is open when the end begins.
  void on_drain(flow::Conn&) noexcept {}
  /// The app has nothing left to do. The run is over once the apps of all cores say so.
  bool finished(Instant) const noexcept { return false; }
};

/// Of a connection, in this order (Conn says what can be done to it; it is valid during the call):
/// on_open: the handshake is complete.
/// on_data: text in order. Returns how many bytes were taken; the rest comes again, with more
///   behind it, after the app has sent or at the next arrival. Not called again once it returned
///   less, until on_sent, a wake, or the end in TIME_WAIT.
/// on_sent: acknowledged bytes left the queue (all of it gone when unsent() == 0).
/// on_peer_closed: the peer's FIN, after all its text was taken.
/// on_wake: the time of Conn::wake_at has come.
/// on_closed: the last call for this connection; it can no longer send.
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
