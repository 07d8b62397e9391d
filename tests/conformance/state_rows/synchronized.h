// What SYN_RECEIVED and all synchronized states but TIME_WAIT do alike (RFC 9293 3.10.7.4, first to
// fifth): the sequence number, the RST and SYN bits, and the range of the ACK.
#pragma once

#include "row.h"

namespace mayfly::testing::rows {

inline constexpr Kinds kText = on::data | on::data_urgent | on::data_again | on::data_old_ack |
                               on::data_ack_above | on::data_ack_below | on::data_no_ack |
                               on::data_fin;
inline constexpr Kinds kFin = on::fin | on::fin_again;
inline constexpr Kinds kEmpty = on::none | on::ack | on::ack_again;
inline constexpr Places kOutside = at::before | at::across | at::beyond;  ///< if not for its text
inline constexpr Places kInWindow = at::left | at::ahead;
inline constexpr Places kAcceptable = at::across | kInWindow;

// clang-format off
// kinds, places, by,
//  after   we         text     events     drop
/// In every state from SYN_RECEIVED to LAST_ACK.
inline constexpr auto kEveryState = std::to_array<Row>({
  // First: RFC 7323 R1 stands before the sequence number; RST and SYN without one have rules of
  // their own.
  {on::data_unstamped, at::any, {stamp_missing},
    stays,  nothing,   no_text, quiet,     tcp_no_timestamp},
  {on::data_old_stamp, at::any, {stamp_old, unacceptable_text},
    stays,  ack,       no_text, quiet,     tcp_paws},
  {on::ack_old_stamp, at::any, {stamp_old, unacceptable_empty},
    stays,  challenge, no_text, quiet,     tcp_paws},

  // First: the sequence number. What is not acceptable is answered with an ACK and dropped.
  {kText, at::before, {sequence_outside, unacceptable_text},
    stays,  ack,       no_text, quiet,     tcp_duplicate},
  {kText, at::beyond, {sequence_outside, unacceptable_text},
    stays,  ack,       no_text, quiet,     tcp_out_of_window},
  {kFin, kOutside, {sequence_outside, unacceptable_text},
    stays,  ack,       no_text, quiet,     tcp_out_of_window},
  {kEmpty, kOutside, {sequence_outside, unacceptable_empty},
    stays,  challenge, no_text, quiet,     tcp_out_of_window},

  // Second: the RST bit, by the sequence number alone. Its left edge is the state's own affair.
  {on::any_rst, kOutside, {rst_outside},
    stays,  nothing,   no_text, quiet,     tcp_rst_out_of_window},
  {on::any_rst, at::ahead, {rst_inside},
    stays,  challenge, no_text, quiet,     tcp_rst_challenged},

  // Fifth: the ACK bit.
  {on::none, kInWindow | at::shut, {ack_missing},
    stays,  nothing,   no_text, quiet,     tcp_ack_missing},
  {on::data_no_ack, kAcceptable, {ack_missing},
    stays,  nothing,   no_text, quiet,     tcp_ack_missing},
  {on::data_no_ack, at::shut, {zero_window, ack_missing},
    stays,  ack,       no_text, quiet,     tcp_ack_missing},
});

/// In every state from ESTABLISHED to LAST_ACK, besides.
inline constexpr auto kOnceSynchronized = std::to_array<Row>({
  {on::syn_old_stamp, at::any, {stamp_old, unacceptable_empty},
    stays,  challenge, no_text, quiet,     tcp_paws},
  {on::any_rst, at::left | at::shut, {rst_resets},
    closed, nothing,   no_text, was_reset, none},

  // Fourth: the SYN bit. RFC 5961 4.2: a challenge, irrespective of the sequence number.
  {on::syn | on::syn_ack, kOutside | at::shut, {sequence_outside, unacceptable_empty},
    stays,  challenge, no_text, quiet,     tcp_out_of_window},
  {on::syn | on::syn_ack, kInWindow, {syn_challenged},
    stays,  challenge, no_text, quiet,     tcp_syn_challenged},
  {on::syn_unstamped, kOutside | at::shut, {stamp_missing_on_syn, sequence_outside},
    stays,  challenge, no_text, quiet,     tcp_out_of_window},
  {on::syn_unstamped, kInWindow, {stamp_missing_on_syn, syn_challenged},
    stays,  challenge, no_text, quiet,     tcp_syn_challenged},

  // Fifth, RFC 5961 5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT, else a challenge.
  {on::data_ack_above | on::data_ack_below, kAcceptable, {ack_out_of_range},
    stays,  challenge, no_text, quiet,     tcp_ack_unacceptable},
  {on::data_ack_above | on::data_ack_below, at::shut, {zero_window, ack_out_of_range},
    stays,  challenge, no_text, quiet,     tcp_ack_unacceptable},
});
// clang-format on

}  // namespace mayfly::testing::rows
