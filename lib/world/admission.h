// How a server met the SYNs of one incarnation: let in, kept out, or never answered at all.
//
// An ACK in answer to a SYN is a question (RFC 5961 4.2): whoever did not open the old connection
// resets it and comes again. So a newcomer is kept out by a server that is silent, or that refuses
// a SYN although the reset told it; not by an answer or a reset that the network lost.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace mayfly::world {

class Admission {
 public:
  /// A SYN of the incarnation arrived. `has_room`: the server's tables have room for it.
  void on_syn(Instant now, bool has_room = true) noexcept;
  /// An RST of the incarnation arrived.
  void on_reset() noexcept { told_ = told_ || asked_; }
  /// What would complete the handshake arrived, and the server had no room for the connection.
  void on_turned_back(Instant now) noexcept;
  /// The server sent something to the incarnation's four-tuple.
  void on_answer(bool is_syn_ack, Instant now) noexcept;

  bool is_let_in() const noexcept { return let_in_; }
  bool is_turned_back() const noexcept { return turned_back_; }
  /// SYNs that met silence, or were refused after a reset, and handshakes that were turned back.
  std::uint32_t refused() const noexcept { return refused_ + (unanswered_ ? 1 : 0); }
  /// From each SYN that was refused until the next one came, all together: not what a client waits
  /// for after the network has lost its SYN. `end`: when the client gave up; not used if the server
  /// opened the connection. 0 if nothing was refused.
  Duration kept_out(bool is_open, Instant end) const noexcept;
  /// SYNs arrived where there was room, and none was ever answered.
  bool is_black_hole() const noexcept { return arrived_ && !answered_ && !lacked_room_; }

 private:
  bool is_refused() const noexcept { return unanswered_ || denied_; }

  Instant last_at_, let_in_at_;
  Duration waited_{};
  std::uint32_t refused_ = 0;
  bool arrived_ = false, answered_ = false, let_in_ = false, lacked_room_ = false;
  bool turned_back_ = false;
  bool unanswered_ = false;  // the latest SYN, so far
  bool asked_ = false;       // a SYN was answered with an ACK
  bool told_ = false;        // and a reset arrived
  bool denied_ = false;      // the latest SYN was answered with an ACK all the same
};

}  // namespace mayfly::world
