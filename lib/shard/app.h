// The seam between the stack and what is done with connections: the server's services, the client
// generator. A compile-time concept, inlined into the poll loop.
//
// `Conn` is a cheap proxy, valid only during the call that it is handed to:
//
// clang-format off
//   AppState& state()         32 bytes that belong to the app; zero at on_open of a passive open
//   std::uint64_t id()        names the connection while it lives, and no other after it
//   Instant now()
//   std::uint16_t local_port()
//   bool passive()            the peer opened it
//   bool peer_closed()        the peer's FIN was taken
//   std::size_t send(span)    queues bytes that outlive the connection; no copy. All of them or,
//                             when the queue is out of extents, none: returns how many
//   std::uint64_t send_repeating(span block, std::uint64_t length)
//                             queues `length` bytes that repeat `block` (which outlives the
//                             connection and is at least 4 KiB, or as long as `length`).
//                             Returns length or 0
//   std::size_t send_copy(span)
//                             copies as much as there is room for, returns how many
//   std::uint64_t unsent()    bytes queued and not yet acknowledged
//   void close()              FIN after what is queued; still reads (half-close)
//   void close_both()         FIN after what is queued; text that still arrives is answered with
//                             RST
//   void abort()              RST now; on_closed(aborted) follows within the same poll
//   void wake_at(Instant)     on_wake is called once at or soon after; never() cancels; one per
//                             connection
// clang-format on
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "flow/app_state.h"
#include "flow/close_reason.h"

namespace mayfly {

/// on_open: the handshake is complete.
/// on_data: text in order. Returns how many bytes were taken; the rest comes again, with more
/// behind it, after
///   the app has sent or at the next arrival. Not called again once it returned less, until
///   on_sent, a wake, or the end in TIME_WAIT.
/// on_sent: acknowledged bytes left the queue (all of it gone when unsent() == 0).
/// on_peer_closed: the peer's FIN, after all its text was taken.
/// on_closed: the last call for this connection; it can no longer send.
/// on_poll: once a poll, after the burst.
// clang-format off
template <class A, class Conn>
concept App = requires(A a, Conn& c, std::span<const std::byte> text, CloseReason why,
                       Instant now) {
  { a.on_open(c) } noexcept;
  { a.on_data(c, text) } noexcept -> std::same_as<std::size_t>;
  { a.on_sent(c) } noexcept;
  { a.on_peer_closed(c) } noexcept;
  { a.on_wake(c) } noexcept;
  { a.on_closed(c, why) } noexcept;
};
// clang-format on

}  // namespace mayfly
