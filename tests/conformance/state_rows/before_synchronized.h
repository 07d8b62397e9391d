// CLOSED, LISTEN and SYN_SENT (RFC 9293 3.10.7.1 to 3.10.7.3): nothing has been received yet, so
// the window has no place and a segment is judged by its control bits and its ACK.
#pragma once

#include "row.h"

namespace mayfly::testing::rows {

inline constexpr Kinds kWithoutAck = on::none | on::any_syn | on::data_no_ack;
inline constexpr Kinds kWithAck = on::any & ~(kWithoutAck | on::any_rst);

// clang-format off
// kinds, places, by,
//  after         we         text     events       drop
inline constexpr auto kClosed = std::to_array<Row>({
  {on::any_rst, at::any, {reset_of_rst},
    stays,        nothing,   no_text, quiet,       none},
  {kWithAck, at::any, {reset_by_ack},
    stays,        rst,       no_text, quiet,       none},
  {kWithoutAck, at::any, {reset_by_length},
    stays,        rst,       no_text, quiet,       none},
});

inline constexpr auto kListen = std::to_array<Row>({
  // First, check for an RST; second, for an ACK; third, for a SYN; fourth, other text or control.
  {on::any_rst, at::any, {listen_rst},
    stays,        nothing,   no_text, quiet,       none},
  {kWithAck, at::any, {listen_ack, reset_by_ack},
    stays,        rst,       no_text, quiet,       none},
  {on::any_syn, at::any, {listen_syn, mss_offered},
    syn_received, syn_ack,   no_text, quiet,       none},
  {on::none | on::data_no_ack, at::any, {listen_other},
    stays,        nothing,   no_text, quiet,       none},
});

inline constexpr auto kSynSent = std::to_array<Row>({
  // First, check the ACK bit: only our SYN can be acknowledged. The RST clears the way (3.5.1).
  {on::ack_again | on::data_again | on::data_old_ack | on::data_ack_above | on::data_ack_below |
     on::fin_again, at::any, {syn_sent_bad_ack, syn_sent_challenged},
    stays,        rst_syn,   no_text, challenged,  tcp_ack_unacceptable},
  // Second, check the RST bit: without an acceptable ACK it may be anybody's.
  {on::rst | on::rst_old_stamp, at::any, {syn_sent_blind_rst},
    stays,        nothing,   no_text, quiet,       tcp_rst_out_of_window},
  {on::rst_ack, at::any, {syn_sent_refused},
    closed,       nothing,   no_text, was_refused, none},
  // Fourth, check the SYN bit.
  {on::syn_ack, at::any, {syn_sent_done, stamps_agreed, mss_offered, handshake_timed},
    established,  ack,       no_text, opened,      none},
  {on::syn | on::syn_old_stamp, at::any, {syn_sent_crossed, stamps_agreed},
    syn_received, syn_ack,   no_text, quiet,       none},
  {on::syn_unstamped, at::any, {syn_sent_crossed},
    syn_received, syn_ack,   no_text, quiet,       none},
  // Fifth, if neither of the SYN or RST bits is set, then drop the segment.
  {on::none | on::ack | on::ack_old_stamp | on::data | on::data_urgent | on::data_no_ack |
     on::data_old_stamp | on::data_unstamped | on::fin | on::data_fin, at::any, {syn_sent_no_syn},
    stays,        nothing,   no_text, quiet,       tcp_ack_unacceptable},
});
// clang-format on

}  // namespace mayfly::testing::rows
