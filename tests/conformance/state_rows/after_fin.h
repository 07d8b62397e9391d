// CLOSE_WAIT, CLOSING and LAST_ACK: the peer's FIN was taken, so there is no text to come (RFC 9293
// 3.10.7.4, seventh: "should not occur ... ignore the segment text").
#pragma once

#include "synchronized.h"

namespace mayfly::testing::rows {

inline constexpr Kinds kAckingText = on::data | on::data_urgent | on::data_fin;
inline constexpr Kinds kNotAckingText = on::data_again | on::data_old_ack;

// clang-format off
// kinds, places, by,
//  after      we       text     events         drop
/// What acknowledges nothing new.
inline constexpr auto kAfterFin = std::to_array<Row>({
  {on::ack_again, kInWindow | at::shut, {ack_duplicate},
    stays,     nothing, no_text, quiet,         none},
  {kNotAckingText, kAcceptable, {text_not_expected},
    stays,     nothing, no_text, quiet,         tcp_data_after_fin},
  {on::fin_again, kInWindow, {text_not_expected},
    stays,     nothing, no_text, quiet,         tcp_data_after_fin},
  {kNotAckingText | on::fin_again, at::shut, {zero_window},
    stays,     ack,     no_text, quiet,         tcp_out_of_window},
});

inline constexpr auto kCloseWait = std::to_array<Row>({
  {on::ack, kInWindow | at::shut, {ack_new},
    stays,     nothing, no_text, acked,         none},
  {kAckingText, kAcceptable, {ack_new, text_not_expected},
    stays,     nothing, no_text, acked,         tcp_data_after_fin},
  {on::fin, kInWindow, {ack_new, text_not_expected},
    stays,     nothing, no_text, acked,         tcp_data_after_fin},
  {kAckingText | on::fin, at::shut, {zero_window, ack_new},
    stays,     ack,     no_text, acked,         tcp_out_of_window},
});

inline constexpr auto kClosing = std::to_array<Row>({
  // Fifth: "if the ACK acknowledges our FIN, then enter the TIME-WAIT state; otherwise, ignore".
  {on::ack, kInWindow | at::shut, {ack_new, fin_acked_closing},
    time_wait, nothing, no_text, acked|to_hold, none},
  {kAckingText, kAcceptable, {ack_new, fin_acked_closing},
    time_wait, nothing, no_text, acked|to_hold, none},
  {on::fin, kInWindow, {ack_new, fin_acked_closing},
    time_wait, nothing, no_text, acked|to_hold, none},
  {kAckingText | on::fin, at::shut, {zero_window, fin_acked_closing},
    time_wait, ack,     no_text, acked|to_hold, tcp_out_of_window},
});

inline constexpr auto kLastAck = std::to_array<Row>({
  // Fifth: "if our FIN is now acknowledged, delete the TCB, enter the CLOSED state, and return".
  {on::ack, kInWindow | at::shut, {ack_new, fin_acked_last_ack},
    closed,    nothing, no_text, acked|ended,   none},
  {kAckingText, kAcceptable, {ack_new, fin_acked_last_ack},
    closed,    nothing, no_text, acked|ended,   none},
  {on::fin, kInWindow, {ack_new, fin_acked_last_ack},
    closed,    nothing, no_text, acked|ended,   none},
  {kAckingText | on::fin, at::shut, {zero_window, fin_acked_last_ack},
    closed,    nothing, no_text, acked|ended,   tcp_out_of_window},
});
// clang-format on

}  // namespace mayfly::testing::rows
