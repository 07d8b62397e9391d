// TIME_WAIT, through on_time_wait_segment: under the default policy and three others. What a SYN
// does for each TSval and SEQ is in ../time_wait_rows.h.
#pragma once

#include "synchronized.h"

namespace mayfly::testing::rows {

inline constexpr Kinds kOldText =
    on::data | on::data_urgent | on::data_again | on::data_old_ack | on::data_ack_below;
inline constexpr Places kOldSyn = at::before | at::across;
inline constexpr Places kNewSyn = kInWindow | at::beyond | at::shut;
inline constexpr Places kInPlace = at::left | at::shut;

// clang-format off
// kinds, places, by,
//  after         we        text     events drop
/// Under every policy.
inline constexpr auto kTimeWait = std::to_array<Row>({
  {on::syn_ack, at::any, {tw_syn_ack},
    stays,        ack,      no_text, quiet, time_wait_syn},
  {on::none | on::data_no_ack, at::any, {tw_ack_missing},
    stays,        nothing,  no_text, quiet, tcp_ack_missing},
  {on::data_ack_above, at::any, {tw_ack_too_much},
    stays,        ack,      no_text, quiet, tcp_ack_unacceptable},
  // "The only thing that can arrive in this state is a retransmission of the remote FIN."
  {kFin, at::just_before | at::across, {tw_fin_again},
    stays,        ack_anew, no_text, quiet, none},
  {on::data_fin, at::just_before, {tw_fin_again},
    stays,        ack_anew, no_text, quiet, none},
  {kFin, at::any & ~(at::just_before | at::across), {tw_segment_old},
    stays,        ack,      no_text, quiet, time_wait_segment},
  {on::data_fin, at::any & ~at::just_before, {tw_segment_old},
    stays,        ack,      no_text, quiet, time_wait_segment},
  {kOldText, at::any, {tw_segment_old},
    stays,        ack,      no_text, quiet, time_wait_segment},
  {on::ack | on::ack_again, kInPlace, {tw_ack_in_place},
    stays,        nothing,  no_text, quiet, time_wait_segment},
  {on::ack | on::ack_again, at::any & ~kInPlace, {tw_segment_old},
    stays,        ack,      no_text, quiet, time_wait_segment},
});

/// No RST is taken: RFC 1337 F1, and by default as long as no SYN was answered.
inline constexpr auto kTimeWaitNoRst = std::to_array<Row>({
  {on::any_rst, at::any, {tw_rst_ignored},
    stays,        nothing,  no_text, quiet, time_wait_rst},
});

/// An RST that carries the number of the ACK of a SYN is taken, and no other.
inline constexpr auto kTimeWaitAfterSyn = std::to_array<Row>({
  {on::any_rst, kInPlace, {tw_rst_answers},
    closed,       nothing,  no_text, quiet, none},
  {on::any_rst, at::any & ~kInPlace, {tw_rst_ignored},
    stays,        nothing,  no_text, quiet, time_wait_rst},
});

/// What happens to a SYN that opens nothing: by default an ACK, by the letter of RFC 6191 nothing.
inline constexpr auto kTimeWaitAcks = std::to_array<Row>({
  {on::syn | on::syn_unstamped, kOldSyn, {tw_syn_old, tw_syn_acked},
    stays,        ack,      no_text, quiet, time_wait_syn},
  {on::syn_old_stamp, at::any, {tw_syn_old, tw_syn_acked},
    stays,        ack,      no_text, quiet, time_wait_syn},
});
inline constexpr auto kTimeWaitSilent = std::to_array<Row>({
  {on::syn | on::syn_unstamped, kOldSyn, {tw_syn_old, tw_syn_silence},
    stays,        nothing,  no_text, quiet, time_wait_syn},
  {on::syn_old_stamp, at::any, {tw_syn_old, tw_syn_silence},
    stays,        nothing,  no_text, quiet, time_wait_syn},
});

/// With timestamps; RFC 6191 decides about SYNs.
inline constexpr auto kTimeWaitStamped = std::to_array<Row>({
  {on::syn | on::syn_unstamped, kNewSyn, {tw_syn_new_sequence},
    syn_received, nothing,  no_text, quiet, none},
  {on::data_unstamped, at::any, {tw_stamp_missing},
    stays,        nothing,  no_text, quiet, tcp_no_timestamp},
  {on::data_old_stamp | on::ack_old_stamp, at::any, {tw_stamp_old},
    stays,        ack,      no_text, quiet, tcp_paws},
});

/// Where no timestamps were agreed they are not looked at.
inline constexpr auto kTimeWaitPlain = std::to_array<Row>({
  {on::data_unstamped | on::data_old_stamp, at::any, {tw_segment_old},
    stays,        ack,      no_text, quiet, time_wait_segment},
  {on::ack_old_stamp, kInPlace, {tw_ack_in_place},
    stays,        nothing,  no_text, quiet, time_wait_segment},
  {on::ack_old_stamp, at::any & ~kInPlace, {tw_segment_old},
    stays,        ack,      no_text, quiet, time_wait_segment},
});

/// Without timestamps; RST is taken as in other states, RFC 6191 decides about SYNs.
inline constexpr auto kTimeWaitLenient = std::to_array<Row>({
  {on::any_rst, kInPlace, {tw_rst_taken},
    closed,       nothing,  no_text, quiet, none},
  {on::any_rst, at::ahead, {tw_rst_inside},
    stays,        ack,      no_text, quiet, tcp_rst_challenged},
  {on::any_rst, kOutside, {tw_rst_outside},
    stays,        nothing,  no_text, quiet, tcp_rst_out_of_window},
  {on::syn | on::syn_unstamped, kNewSyn, {tw_syn_plain_new},
    syn_received, nothing,  no_text, quiet, none},
  {on::syn | on::syn_unstamped, kOldSyn, {tw_syn_plain_old},
    stays,        ack,      no_text, quiet, time_wait_syn},
  {on::syn_old_stamp, at::any, {tw_syn_first_stamp},
    syn_received, nothing,  no_text, quiet, none},
});

/// Without timestamps; RST is ignored, SYNs are judged by their sequence number.
inline constexpr auto kTimeWaitSequence = std::to_array<Row>({
  {on::any_rst, at::any, {tw_rst_ignored},
    stays,        nothing,  no_text, quiet, time_wait_rst},
  {on::any_syn, kNewSyn, {tw_syn_by_sequence},
    syn_received, nothing,  no_text, quiet, none},
  {on::any_syn, kOldSyn, {tw_syn_by_sequence_old},
    stays,        ack,      no_text, quiet, time_wait_syn},
});
// clang-format on

}  // namespace mayfly::testing::rows
