// SYN_RECEIVED (RFC 9293 3.10.7.4), after a passive open and after an active one whose SYN crossed
// the peer's (RFC 9293 3.5, figure 7).
#pragma once

#include "synchronized.h"

namespace mayfly::testing::rows {

inline constexpr Kinds kBadAckText =
    on::data_again | on::data_old_ack | on::data_ack_above | on::data_ack_below;
inline constexpr Places kTheSyn = at::just_before | at::across;  ///< SEG.SEQ = IRS
inline constexpr Places kNoSyn = at::long_ago | at::beyond | at::shut;

// clang-format off
// kinds, places, by,
//  after        we         text     events         drop
inline constexpr auto kSynReceived = std::to_array<Row>({
  // The peer's SYN again: so does the SYN-ACK go again.
  {on::any_syn, kTheSyn, {syn_again},
    stays,       syn_ack,   no_text, quiet,         tcp_duplicate},
  {on::syn | on::syn_ack | on::syn_unstamped, kNoSyn, {sequence_outside, unacceptable_empty},
    stays,       challenge, no_text, quiet,         tcp_out_of_window},
  {on::syn_old_stamp, kNoSyn | kInWindow, {stamp_old, unacceptable_empty},
    stays,       challenge, no_text, quiet,         tcp_paws},

  // Fifth: SND.UNA < SEG.ACK =< SND.NXT enters ESTABLISHED and goes on there,
  // otherwise <SEQ=SEG.ACK><CTL=RST>.
  {on::ack, kInWindow | at::shut, {handshake_done},
    established, nothing,   no_text, opened,        none},
  {on::ack_again | on::fin_again, kInWindow | at::shut, {handshake_bad_ack, reset_by_ack},
    stays,       rst,       no_text, quiet,         tcp_ack_unacceptable},
  {kBadAckText, kAcceptable | at::shut, {handshake_bad_ack, reset_by_ack},
    stays,       rst,       no_text, quiet,         tcp_ack_unacceptable},

  // Sixth to eighth, as in ESTABLISHED.
  {on::data, at::across | at::left, {handshake_done, text_in_order},
    established, ack_later, taken,   opened,        none},
  {on::data_urgent, at::across | at::left, {handshake_done, urgent_ahead},
    established, ack_later, taken,   opened|urgent, none},
  {on::data, at::ahead, {handshake_done, text_ahead},
    established, ack,       held,    opened,        none},
  {on::data_urgent, at::ahead, {handshake_done, text_ahead},
    established, ack,       held,    opened|urgent, none},
  {on::data | on::fin | on::data_fin, at::shut, {zero_window, handshake_done},
    established, ack,       no_text, opened,        tcp_out_of_window},
  {on::data_urgent, at::shut, {zero_window, urgent_ahead},
    established, ack,       no_text, opened|urgent, tcp_out_of_window},
  {on::fin, at::left, {handshake_done, fin_established},
    close_wait,  ack,       no_text, opened|got_fin, none},
  {on::fin, at::ahead, {handshake_done, fin_noted, fin_ahead},
    established, ack,       no_text, opened,        none},
  {on::data_fin, at::across | at::left, {handshake_done, fin_established},
    close_wait,  ack,       taken,   opened|got_fin, none},
  {on::data_fin, at::inside, {handshake_done, fin_noted, text_ahead},
    established, ack,       held,    opened,        none},
  {on::data_fin, at::right, {handshake_done, fin_outside, text_ahead},
    established, ack,       held,    opened,        none},
});

inline constexpr auto kSynReceivedPassive = std::to_array<Row>({
  // First: this end sent no SYN, so a SYN-ACK is a duplicate like any.
  {on::syn_ack, kTheSyn, {sequence_outside, unacceptable_empty},
    stays,       challenge, no_text, quiet,         tcp_out_of_window},
  // Second: "this connection was initiated with a passive OPEN: return to LISTEN", that is away.
  {on::any_rst, at::left | at::shut, {rst_resets},
    closed,      nothing,   no_text, was_reset,     none},
  // Fourth: the same for a SYN in the window.
  {on::syn | on::syn_ack | on::syn_unstamped, kInWindow, {syn_to_listen},
    closed,      nothing,   no_text, was_reset,     none},
});

inline constexpr auto kSynReceivedActive = std::to_array<Row>({
  // RFC 9293 3.5, figure 7: the peer's SYN-ACK repeats its SYN and acknowledges ours.
  {on::syn_ack, kTheSyn, {syn_again_with_ack, handshake_done},
    established, nothing,   no_text, opened,        none},
  // Second: "initiated with an active OPEN: the connection was refused".
  {on::any_rst, at::left | at::shut, {rst_refuses},
    closed,      nothing,   no_text, was_refused,   none},
  // Fourth, RFC 5961 4.2.
  {on::syn | on::syn_ack | on::syn_unstamped, kInWindow, {syn_challenged},
    stays,       challenge, no_text, quiet,         tcp_syn_challenged},
});
// clang-format on

}  // namespace mayfly::testing::rows
