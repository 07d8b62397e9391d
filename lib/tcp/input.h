// What the files that handle segments share. Not for users of the core: those include tcp.h.
#pragma once

#include <cstdint>
#include <span>

#include "tcp/connection.h"
#include "tcp/settings.h"
#include "tcp/tcp.h"

namespace mayfly::tcp {

/// A peer's MSS below this counts as this: tiny segments would make the server an amplifier.
inline constexpr std::uint16_t kMssMin = 48;

/// Timestamps older than this prove nothing about a segment's age (RFC 7323 5.5).
inline constexpr Duration kTimestampLife = Duration::from_s(24 * 24 * 3600);

// -- open.cc --
/// Takes over what a SYN or SYN-ACK offers (RFC 9293 3.7.1, RFC 7323 2.2 and 3.2, RFC 2018 2).
void take_options(Connection& c, const Segment& s, const TcpSettings& cfg, Instant now) noexcept;
/// Our SYN is acknowledged, by `s`: ESTABLISHED, or FIN_WAIT_1 if the user has closed meanwhile.
void enter_established(Connection& c, const Segment& s, const TcpSettings& cfg,
                       Instant now) noexcept;

// -- user.cc --
/// The connection is over: CLOSED, no deadline left, nothing to send.
void end_connection(Connection& c) noexcept;
/// TIME_WAIT; how long it is held is flow/'s business (TimeWaitPolicy).
void enter_time_wait(Connection& c) noexcept;
/// FIN_WAIT_2, bounded if the user waits for nothing more.
void enter_fin_wait_2(Connection& c, const TcpSettings& cfg, Instant now) noexcept;

// -- output.cc --
/// SND.NXT for a segment without text, but never beyond the peer's window: a probe into a shut
/// window and a window that has shrunk leave SND.NXT there, where the peer would take neither our
/// ACKs nor our RST (RFC 9293 3.10.7.4, RFC 5961 3.2).
Seq acceptable_seq(const Connection& c) noexcept;

// -- syn_sent.cc --
[[gnu::noinline]] Verdict on_syn_sent(Connection& c, Segment s, const TcpSettings& cfg,
                                      Instant now) noexcept;

// -- synchronized.cc --
/// Owes the peer an ACK that no text demands: a challenge (RFC 5961 3.2), or the answer to an empty
/// segment outside the window. Rate limited for each connection (RFC 5961 7), which also ends ACK
/// loops (RFC 1337 2.2).
void owe_challenge_ack(Connection& c, const TcpSettings& cfg, Instant now, Verdict& v) noexcept;
/// Finds the place of the segment's text and notes its FIN (RFC 9293 3.10.7.4, sixth to eighth).
void place_text_and_fin(Connection& c, const Segment& s, Verdict& v) noexcept;

// -- text.cc --
/// RFC 2883 4: the part of [from, to) that arrived before is reported with the next ACK. Does
/// nothing if there is none, or it is too old to be of this connection's making.
void note_duplicate(Connection& c, Seq from, Seq to) noexcept;

// -- ack.cc --
/// Fifth, check the ACK field. False: stop here.
bool check_ack(Connection& c, const Segment& s, std::span<const wire::SackBlock> sacks,
               const TcpSettings& cfg, Instant now, Verdict& v) noexcept;
/// The acknowledgement of a segment where SACK was agreed. The short way is for new text, or a FIN,
/// where nothing is SACKed, repaired or probed: what the long way does then, without its questions.
void acknowledge_with_sack(Connection& c, const Segment& s, std::span<const wire::SackBlock> sacks,
                           const TcpSettings& cfg, Instant now, const Verdict& v) noexcept;
void acknowledge_undisturbed(Connection& c, const Segment& s, const TcpSettings& cfg,
                             Instant now) noexcept;
/// SND.WND = `bytes`, as of this segment.
void take_window(Connection& c, const Segment& s, std::uint32_t bytes) noexcept;

/// Our FIN was sent; was acknowledged. Its place is snd_end.
inline bool fin_sent(const Connection& c) noexcept { return after(c.snd_max, c.snd_end); }
inline bool fin_acked(const Connection& c) noexcept { return after(c.snd_una, c.snd_end); }

/// SND.UNA =< SND.NXT =< SND.MAX (RFC 9293 3.3.1, figure 3), in one compare.
inline bool is_send_space_in_order(const Connection& c) noexcept {
  return static_cast<std::uint32_t>(c.snd_nxt - c.snd_una) <=
         static_cast<std::uint32_t>(c.snd_max - c.snd_una);
}
/// Last.ACK.sent =< RCV.NXT =< the edge that was advertised (RFC 9293 3.3.1, figure 4), in one
/// compare.
inline bool is_receive_space_in_order(const Connection& c) noexcept {
  return static_cast<std::uint32_t>(c.rcv_nxt - c.last_ack_sent) <=
         static_cast<std::uint32_t>(c.rcv_adv - c.last_ack_sent);
}

/// An ACK goes with the next output.
inline void owe_ack(Connection& c) noexcept { c.set(conn_flag::ack_now); }

}  // namespace mayfly::tcp
