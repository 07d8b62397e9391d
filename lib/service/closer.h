// Who closes a connection first, and how. All services end their connections by this code.
//
// close.first: server. The FIN follows the last byte of the answer. Every answer is the last: a
// client that asks to keep the connection is sent `Connection: close`. The server holds TIME_WAIT.
//
// close.first: client. The answer states its length, and the server waits for the client's FIN. A
// client that keeps the connection has http.keep_alive_timeout between requests. One that asked for
// the end (`Connection: close`, or HTTP/1.0 without keep-alive), or got an error, has `close.grace`
// from the moment the answer is acknowledged. Some such clients wait for the server's FIN: when the
// grace ends, the server closes first after all and counts it separately (Ending::grace_ended).
//
// close.abort: true. The server sends an RST as soon as the last answer is acknowledged, whatever
// close.first is.
//
// The server closes in stages (RFC 9112 9.6). The client may still be sending when the last answer
// is queued: an empty line, a pipelined request, the rest of a request that was refused. If both
// directions were closed, TCP would answer that with an RST, which may destroy the answer before
// the client reads it. So the server sends its FIN, reads and discards until the client's FIN, and
// answers text with an RST only when `close.linger` has passed since the answer was acknowledged.
//
// If the send queue has no room, there will be some when the client acknowledges. If there is none
// although nothing is queued, other connections use the core's memory, and the service tries again
// after kRetry.
//
// A client that takes less than kStallLeast of what is queued within kStallMax, and not all of it,
// is reset, even if it answers window probes.
//
// The policy may be replaced between two polls. It does not affect connections whose end has begun.
#pragma once

#include "base/time.h"
#include "service/counters.h"
#include "service/settings.h"
#include "service/state.h"
#include "shard/app.h"

namespace mayfly::service {

/// The rules above for one set of settings. It has no state of connections.
class ClosePolicy {
 public:
  /// The limits described above.
  static constexpr Duration kStallMax = Duration::from_s(60);
  static constexpr std::uint64_t kStallLeast = 1'024;  ///< octets
  static constexpr Duration kRetry = Duration::from_ms(10);

  explicit ClosePolicy(const shard::CloseSettings& settings)
      : server_first_(settings.first != shard::Closer::client),
        abort_(settings.abort || settings.first == shard::Closer::reset),
        grace_(settings.grace),
        linger_(settings.linger) {}

  /// True if a connection may serve more than one request.
  bool keeps_alive() const noexcept { return !server_first_; }

  /// Begins the end of a connection whose last answer is queued. `s.ending` may already be set to
  /// the reason. The connection may be aborted by it.
  template <class Conn>
  void finish(Conn& c, ServiceState& s) const noexcept {
    s.aborts = abort_;
    if (s.aborts) return abort_when_acknowledged(c, s);
    if (s.peer_closed) return follow(c, s);
    const bool is_decided = s.ending != Ending::lost;
    if (!server_first_ && !is_decided) {
      s.phase = Phase::finishing;
      return on_sent(c, s);
    }
    if (!is_decided) s.ending = Ending::server_first;
    close_in_stages(c, s);
  }

  /// Handles acknowledged bytes, in any phase but `open`. The connection may be aborted by it.
  template <class Conn>
  void on_sent(Conn& c, ServiceState& s) const noexcept {
    const bool all = c.unsent() == 0;
    switch (s.phase) {
      case Phase::open: break;
      case Phase::finishing:
        if (!all) return watch(c, s);
        if (s.aborts) return abort_when_acknowledged(c, s);
        s.phase = Phase::grace;
        return c.wake_at(c.now() + grace_);
      case Phase::closed: return all ? c.wake_at(Instant::never()) : watch(c, s);
      case Phase::lingering: return all ? c.wake_at(c.now() + linger_) : watch(c, s);
      case Phase::grace: break;
    }
  }

  /// Handles the client's FIN, once nothing waits for room in the send queue any more.
  template <class Conn>
  void on_peer_closed(Conn& c, ServiceState& s) const noexcept {
    s.peer_closed = true;
    switch (s.phase) {
      case Phase::open: s.aborts = abort_; [[fallthrough]];
      case Phase::finishing:
      case Phase::grace:
        if (s.aborts) return abort_when_acknowledged(c, s);
        return follow(c, s);
      case Phase::lingering: s.phase = Phase::closed; return on_sent(c, s);
      case Phase::closed: break;
    }
  }

  /// Handles the end of the present phase's time. The connection may be aborted by it.
  template <class Conn>
  void on_wake(Conn& c, ServiceState& s) const noexcept {
    switch (s.phase) {
      case Phase::grace: s.ending = Ending::grace_ended; return close_in_stages(c, s);
      case Phase::lingering:
        if (c.unsent() == 0) return close_both(c, s);
        [[fallthrough]];
      case Phase::open:
      case Phase::finishing:
      case Phase::closed:
        if (c.unsent() > 0) abort(c, s, Ending::stalled);
    }
  }

  /// Ends a connection that waits for another request; `ending` is the reason that is counted. The
  /// last answer may still be on its way.
  template <class Conn>
  void end_idle(Conn& c, ServiceState& s, Ending ending) const noexcept {
    s.ending = ending;
    s.aborts = abort_;
    if (s.aborts) return abort_when_acknowledged(c, s);
    close_in_stages(c, s);
  }

  /// Sets the wake-up of a connection whose send queue did not take everything: on_sent or on_wake
  /// is called when there may be room.
  template <class Conn>
  static void wait_for_room(Conn& c, ServiceState& s) noexcept {
    if (c.unsent() == 0) {
      c.wake_at(c.now() + kRetry);
    } else {
      watch(c, s);
    }
  }

  /// Starts the client's time to take kStallLeast octets of what is queued, or restarts it if the
  /// client has taken them. A caller that sets the wake-up for another reason must set `untaken`
  /// to 0.
  template <class Conn>
  static void watch(Conn& c, ServiceState& s) noexcept {
    const std::uint64_t unsent = c.unsent();
    if (s.untaken != 0 && s.untaken < unsent + kStallLeast) return;
    s.untaken = unsent;
    c.wake_at(c.now() + kStallMax);
  }

  /// Resets a connection whose client does not take what is queued.
  template <class Conn>
  void stalled(Conn& c, ServiceState& s) const noexcept {
    abort(c, s, Ending::stalled);
  }

  /// Counts why a connection ended; called from on_closed.
  static void count(ServiceCounters& counters, const ServiceState& s,
                    flow::CloseReason why) noexcept {
    // If both FINs were under way, the close reason shows which was first: an end that closed first
    // alone never ends with `done`.
    const bool client_first = s.ending == Ending::server_first && why == flow::CloseReason::done;
    counters.closes_by(client_first ? Ending::client_first : s.ending).add();
  }

 private:
  template <class Conn>
  static void abort(Conn& c, ServiceState& s, Ending ending) noexcept {
    s.phase = Phase::closed;
    s.ending = ending;
    c.abort();
  }

  template <class Conn>
  static void abort_when_acknowledged(Conn& c, ServiceState& s) noexcept {
    if (c.unsent() == 0) return abort(c, s, s.ending == Ending::lost ? Ending::aborted : s.ending);
    s.phase = Phase::finishing;
    c.wake_at(c.now() + kStallMax);
  }

  // The first stage: the FIN, and what still comes is dropped. The second one is close_both().
  template <class Conn>
  void close_in_stages(Conn& c, ServiceState& s) const noexcept {
    if (linger_.us == 0) return close_both(c, s);
    s.phase = Phase::lingering;
    s.untaken = 0;
    c.wake_at(c.now() + (c.unsent() == 0 ? linger_ : kStallMax));
    c.close_and_drop();
  }

  template <class Conn>
  static void close_both(Conn& c, ServiceState& s) noexcept {
    s.phase = Phase::closed;
    c.wake_at(c.unsent() == 0 ? Instant::never() : c.now() + kStallMax);
    c.close_both();
  }

  // The client's FIN came before ours.
  template <class Conn>
  static void follow(Conn& c, ServiceState& s) noexcept {
    s.ending = Ending::client_first;
    s.phase = Phase::closed;
    c.wake_at(c.unsent() == 0 ? Instant::never() : c.now() + kStallMax);
    c.close();
  }

  bool server_first_;
  bool abort_;
  Duration grace_;
  Duration linger_;
};

}  // namespace mayfly::service
