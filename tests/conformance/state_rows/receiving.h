// ESTABLISHED, FIN_WAIT_1 and FIN_WAIT_2, the states in which text still comes: what the ACK field,
// the text and the FIN of an acceptable segment do (RFC 9293 3.10.7.4, fifth to eighth).
#pragma once

#include "synchronized.h"

namespace mayfly::testing::rows {

inline constexpr Kinds kOldAckText = on::data_again | on::data_old_ack;

// clang-format off
// kinds, places, by,
//  after       we         text     events                 drop
inline constexpr auto kEstablished = std::to_array<Row>({
  // Fifth.
  {on::ack, kInWindow | at::shut, {ack_new},
    stays,      nothing,   no_text, acked,                 none},
  {on::ack_again, kInWindow | at::shut, {ack_duplicate},
    stays,      nothing,   no_text, quiet,                 none},
  // Sixth, seventh.
  {on::data, at::across | at::left, {ack_new, stamp_recorded, text_in_order, ack_delayed},
    stays,      ack_later, taken,   acked,                 none},
  {on::data_urgent, at::across | at::left, {ack_new, urgent_ahead, text_in_order},
    stays,      ack_later, taken,   acked|urgent,          none},
  {on::data_again, at::across | at::left, {text_in_order},
    stays,      ack_later, taken,   quiet,                 none},
  {on::data_old_ack, at::across | at::left, {ack_old, text_in_order},
    stays,      ack_later, taken,   quiet,                 none},
  {on::data, at::ahead, {ack_new, text_ahead, text_held},
    stays,      ack,       held,    acked,                 none},
  {on::data_urgent, at::ahead, {urgent_ahead, text_ahead},
    stays,      ack,       held,    acked|urgent,          none},
  {kOldAckText, at::ahead, {text_ahead, text_held},
    stays,      ack,       held,    quiet,                 none},
  {on::data | on::fin | on::data_fin, at::shut, {zero_window, ack_new},
    stays,      ack,       no_text, acked,                 tcp_out_of_window},
  {on::data_urgent, at::shut, {zero_window, urgent_ahead},
    stays,      ack,       no_text, acked|urgent,          tcp_out_of_window},
  {kOldAckText | on::fin_again, at::shut, {zero_window},
    stays,      ack,       no_text, quiet,                 tcp_out_of_window},
  // Eighth.
  {on::fin, at::left, {ack_new, fin_noted, fin_established},
    close_wait, ack,       no_text, acked|got_fin,         none},
  {on::fin_again, at::left, {fin_noted, fin_established},
    close_wait, ack,       no_text, got_fin,               none},
  {on::data_fin, at::across | at::left, {text_in_order, fin_established},
    close_wait, ack,       taken,   acked|got_fin,         none},
  {on::fin, at::ahead, {fin_noted, fin_ahead},
    stays,      ack,       no_text, acked,                 none},
  {on::fin_again, at::ahead, {fin_noted, fin_ahead},
    stays,      ack,       no_text, quiet,                 none},
  {on::data_fin, at::inside, {fin_noted, text_ahead},
    stays,      ack,       held,    acked,                 none},
  {on::data_fin, at::right, {fin_outside, text_ahead},
    stays,      ack,       held,    acked,                 none},
});

inline constexpr auto kFinWait1 = std::to_array<Row>({
  // Fifth: what acknowledges our FIN enters FIN_WAIT_2 and goes on there.
  {on::ack, kInWindow | at::shut, {ack_new, fin_acked_fin_wait_1},
    fin_wait_2, nothing,   no_text, acked,                 none},
  {on::ack_again, kInWindow | at::shut, {ack_duplicate},
    stays,      nothing,   no_text, quiet,                 none},
  // Sixth, seventh.
  {on::data, at::across | at::left, {fin_acked_fin_wait_1, text_in_order},
    fin_wait_2, ack_later, taken,   acked,                 none},
  {on::data_urgent, at::across | at::left, {fin_acked_fin_wait_1, urgent_ahead},
    fin_wait_2, ack_later, taken,   acked|urgent,          none},
  {kOldAckText, at::across | at::left, {text_in_order, ack_delayed},
    stays,      ack_later, taken,   quiet,                 none},
  {on::data, at::ahead, {fin_acked_fin_wait_1, text_ahead},
    fin_wait_2, ack,       held,    acked,                 none},
  {on::data_urgent, at::ahead, {fin_acked_fin_wait_1, urgent_ahead},
    fin_wait_2, ack,       held,    acked|urgent,          none},
  {kOldAckText, at::ahead, {text_ahead, text_held},
    stays,      ack,       held,    quiet,                 none},
  {on::data | on::fin | on::data_fin, at::shut, {zero_window, fin_acked_fin_wait_1},
    fin_wait_2, ack,       no_text, acked,                 tcp_out_of_window},
  {on::data_urgent, at::shut, {zero_window, urgent_ahead},
    fin_wait_2, ack,       no_text, acked|urgent,          tcp_out_of_window},
  {kOldAckText | on::fin_again, at::shut, {zero_window},
    stays,      ack,       no_text, quiet,                 tcp_out_of_window},
  // Eighth: with our FIN acknowledged TIME_WAIT, otherwise CLOSING.
  {on::fin, at::left, {fin_acked_fin_wait_1, fin_fin_wait_2},
    time_wait,  ack,       no_text, acked|got_fin|to_hold, none},
  {on::fin_again, at::left, {fin_noted, fin_fin_wait_1},
    closing,    ack,       no_text, got_fin,               none},
  {on::data_fin, at::across | at::left, {fin_acked_fin_wait_1, fin_fin_wait_2},
    time_wait,  ack,       taken,   acked|got_fin|to_hold, none},
  {on::fin, at::ahead, {fin_acked_fin_wait_1, fin_ahead},
    fin_wait_2, ack,       no_text, acked,                 none},
  {on::fin_again, at::ahead, {fin_noted, fin_ahead},
    stays,      ack,       no_text, quiet,                 none},
  {on::data_fin, at::inside, {fin_acked_fin_wait_1, fin_noted},
    fin_wait_2, ack,       held,    acked,                 none},
  {on::data_fin, at::right, {fin_acked_fin_wait_1, fin_outside},
    fin_wait_2, ack,       held,    acked,                 none},
});

inline constexpr auto kFinWait2 = std::to_array<Row>({
  // Fifth: all of ours is acknowledged already.
  {on::ack | on::ack_again, kInWindow | at::shut, {},
    stays,      nothing,   no_text, quiet,                 none},
  // Sixth, seventh.
  {on::data | on::data_again, at::across | at::left, {text_in_order, ack_delayed},
    stays,      ack_later, taken,   quiet,                 none},
  {on::data_old_ack, at::across | at::left, {ack_old, text_in_order},
    stays,      ack_later, taken,   quiet,                 none},
  {on::data_urgent, at::across | at::left, {urgent_ahead, text_in_order},
    stays,      ack_later, taken,   urgent,                none},
  {on::data | kOldAckText, at::ahead, {text_ahead, text_held},
    stays,      ack,       held,    quiet,                 none},
  {on::data_urgent, at::ahead, {urgent_ahead, text_ahead},
    stays,      ack,       held,    urgent,                none},
  {on::data | kOldAckText | kFin | on::data_fin, at::shut, {zero_window},
    stays,      ack,       no_text, quiet,                 tcp_out_of_window},
  {on::data_urgent, at::shut, {zero_window, urgent_ahead},
    stays,      ack,       no_text, urgent,                tcp_out_of_window},
  // Eighth.
  {kFin, at::left, {fin_noted, fin_fin_wait_2},
    time_wait,  ack,       no_text, got_fin|to_hold,       none},
  {on::data_fin, at::across | at::left, {text_in_order, fin_fin_wait_2},
    time_wait,  ack,       taken,   got_fin|to_hold,       none},
  {kFin, at::ahead, {fin_noted, fin_ahead},
    stays,      ack,       no_text, quiet,                 none},
  {on::data_fin, at::inside, {fin_noted, text_ahead},
    stays,      ack,       held,    quiet,                 none},
  {on::data_fin, at::right, {fin_outside, text_ahead},
    stays,      ack,       held,    quiet,                 none},
});
// clang-format on

}  // namespace mayfly::testing::rows
