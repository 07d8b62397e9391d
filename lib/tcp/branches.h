// Every decision of the state machine, with the clause that requires it. The code marks each one as
// it takes it; the conformance tests compile the same code with MAYFLY_BRANCH_MARKS, which records
// the marks, and prove that every decision is taken by a row of their tables. Otherwise a mark
// compiles to nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#ifdef MAYFLY_BRANCH_MARKS
#include <bitset>
#endif

namespace mayfly::tcp {

// X(name, clause, what was found)
// clang-format off
#define MAYFLY_BRANCHES(X)                                                                         \
  /* open.cc, and reset_for in output.cc */                                                        \
  X(listen_rst, "RFC 9293 3.10.7.2, first", "LISTEN: an RST is ignored")                           \
  X(listen_ack, "RFC 9293 3.10.7.2, second", "LISTEN: any ACK is bad and answered with RST")       \
  X(listen_syn, "RFC 9293 3.10.7.2, third", "LISTEN: a SYN opens")                                 \
  X(listen_other, "RFC 9293 3.10.7.2, fourth", "LISTEN: anything else is dropped")                 \
  X(tail_probe_new, "RFC 8985 7.3", "the tail loss probe is new text")                             \
  X(tail_probe_again, "RFC 8985 7.3", "the tail loss probe is the last segment again")             \
  X(reset_of_rst, "RFC 9293 3.10.7.1", "no connection: an RST is never answered")                  \
  X(reset_by_ack, "RFC 9293 3.10.7.1", "no connection: <SEQ=SEG.ACK><CTL=RST>")                    \
  X(reset_by_length, "RFC 9293 3.10.7.1", "no connection: <SEQ=0><ACK=SEG.SEQ+SEG.LEN>")           \
  X(mss_offered, "RFC 9293 MUST-15", "the peer's SYN says its MSS; 536 otherwise")                 \
  X(scale_agreed, "RFC 7323 2.2", "both SYNs carry a window scale")                                \
  X(sack_agreed, "RFC 2018 2", "both SYNs permit SACK")                                            \
  X(stamps_agreed, "RFC 7323 3.2", "both SYNs carry timestamps")                                   \
  X(handshake_slow, "RFC 6298 (5.7)", "our SYN was sent again and again: the RTO begins at 3 s")   \
  X(ecn_agreed, "RFC 3168 6.1.1", "both ends speak ECN")                                           \
  X(handshake_timed_by_echo, "RFC 7323 4.1", "our SYN was sent again: the echo tells which one")   \
  X(handshake_timed, "RFC 6298 (2.2)", "the handshake gives the first round trip")                 \
  X(handshake_to_close, "RFC 9293 3.10.4", "a CLOSE waited for the handshake: FIN_WAIT_1")         \
  /* syn_sent.cc */                                                                                \
  X(syn_sent_bad_ack, "RFC 9293 3.10.7.3, first", "acknowledges no SYN of ours: RST")              \
  X(syn_sent_challenged, "RFC 9293 3.5.1", "that RST clears the way: the SYN goes again at once")  \
  X(syn_sent_bad_ack_rst, "RFC 9293 3.10.7.3, first", "the same on an RST: dropped")               \
  X(syn_sent_blind_rst, "RFC 9293 3.10.7.3, second", "an RST that acknowledges nothing")           \
  X(syn_sent_refused, "RFC 9293 3.10.7.3, second", "an RST that acknowledges our SYN")             \
  X(syn_sent_no_syn, "RFC 9293 3.10.7.3, fifth", "neither SYN nor RST")                            \
  X(syn_sent_crossed, "RFC 9293 3.10.7.3, fourth", "simultaneous open: SYN_RECEIVED")              \
  X(syn_sent_done, "RFC 9293 3.10.7.3, fourth", "our SYN is acknowledged: ESTABLISHED")            \
  /* synchronized.cc */                                                                            \
  X(syn_again, "RFC 9293 3.10.7.4, first", "SYN_RECEIVED: the peer's SYN again, so the SYN-ACK")   \
  X(syn_again_with_ack, "RFC 9293 3.5, figure 7", "simultaneous open: the SYN-ACK repeats the SYN")\
  X(stamp_missing, "RFC 7323 3.2", "no timestamp where they were agreed: dropped")                 \
  X(stamp_missing_taken, "RFC 7323 3.2", "no timestamp where they were agreed: taken by policy")   \
  X(stamp_uncompared, "RFC 7323 5.3 R1", "an older timestamp where PAWS is off")                   \
  X(stamp_missing_on_syn, "RFC 5961 4.2", "a SYN need not have one")                               \
  X(stamp_outdated, "RFC 7323 5.5", "TS.Recent is older than 24 days: PAWS is off")                \
  X(stamp_old, "RFC 7323 5.3 R1", "PAWS: older than TS.Recent")                                    \
  X(unacceptable_text, "RFC 9293 3.10.7.4, first", "text or FIN not acceptable: ACK")              \
  X(unacceptable_empty, "RFC 5961 7", "an empty segment or SYN not acceptable: ACK, rate-limited") \
  X(rst_outside, "RFC 5961 3.2 (1)", "an RST outside the window is dropped")                       \
  X(zero_window, "RFC 9293 3.10.7.4, first", "a zero window takes ACK and URG, not the text")      \
  X(sequence_outside, "RFC 9293 3.10.7.4, first", "not acceptable by its sequence number")         \
  X(rst_inside, "RFC 5961 3.2 (3)", "an RST in the window, not at its left edge: challenge")       \
  X(rst_refuses, "RFC 9293 3.10.7.4, second", "SYN_RECEIVED after an active open: refused")        \
  X(rst_resets, "RFC 9293 3.10.7.4, second", "an RST at RCV.NXT ends the connection")              \
  X(syn_to_listen, "RFC 9293 3.10.7.4, fourth", "a SYN in a passive SYN_RECEIVED: to LISTEN")      \
  X(syn_challenged, "RFC 5961 4.2", "a SYN in a synchronized state: challenge")                    \
  X(challenge_limited, "RFC 5961 7", "more challenges than may be: silence")                       \
  X(ecn_marked, "RFC 3168 6.1.3", "congestion experienced: ECE from here on")                      \
  X(ecn_heard, "RFC 3168 6.1.3", "CWR: the peer has heard")                                        \
  X(fin_outside, "RFC 9293 3.10.7.4, eighth", "a FIN beyond the window is not noted")              \
  X(fin_noted, "RFC 9293 3.10.7.4, eighth", "a FIN in the window")                                 \
  X(fin_ahead, "RFC 5681 4.2", "a FIN ahead of a gap: ACK at once")                                \
  X(text_not_expected, "RFC 9293 3.10.7.4, seventh", "text in a state that the FIN led to")        \
  X(urgent_ahead, "RFC 9293 3.10.7.4, sixth", "RCV.UP moves ahead")                                \
  X(text_beyond_fin, "RFC 9293 3.10.7.4, seventh", "text after where the FIN stands")              \
  X(text_before_fin, "RFC 9293 3.10.7.4, seventh", "old text that leads to a new FIN")             \
  X(text_unread, "RFC 9293 3.6.1 SHLD-3", "text after CLOSE without a reader: RST")                \
  X(text_dropped, "RFC 9112 9.6", "text after CLOSE, taken so that no RST destroys the answer")    \
  X(text_in_order, "RFC 9293 3.10.7.4, seventh", "text at RCV.NXT")                                \
  X(text_ahead, "RFC 5681 4.2", "text beyond a gap: ACK at once")                                  \
  /* ack.cc */                                                                                     \
  X(ack_missing, "RFC 9293 3.10.7.4, fifth", "the ACK bit is off: dropped")                        \
  X(handshake_bad_ack, "RFC 9293 3.10.7.4, fifth", "SYN_RECEIVED: acknowledges no SYN: RST")       \
  X(handshake_done, "RFC 9293 3.10.7.4, fifth", "SYN_RECEIVED: ESTABLISHED")                       \
  X(ack_out_of_range, "RFC 5961 5.2", "acknowledges too much, or too little: challenge")           \
  X(ack_old, "RFC 9293 3.10.7.4, fifth", "SEG.ACK below SND.UNA: ignored, the text counts")        \
  X(ack_new, "RFC 9293 3.10.7.4, fifth", "SND.UNA < SEG.ACK =< SND.NXT")                           \
  X(ack_duplicate, "RFC 5681 2", "a duplicate ACK")                                                \
  X(stamp_recorded, "RFC 7323 4.3 (2)", "TS.Recent = SEG.TSval")                                   \
  X(stamps_vanish, "RFC 7323 3.2", "the first segment without them: PAWS is off from here on")     \
  X(sack_news, "RFC 6675 2", "a SACK block says something new")                                    \
  X(dsack_heard, "RFC 2883 5", "a D-SACK: something arrived twice")                                \
  X(sack_gap_hidden, "RFC 2018 5", "too many ranges to tell apart: a gap is hidden")               \
  X(sack_gap_found, "RFC 2018 5", "the acknowledgements have come to a hidden gap")                \
  X(sack_reneged, "RFC 2018 8", "a range at SND.UNA: the peer has thrown it away")                 \
  X(sack_unbelievable, "RFC 2018 5", "a SACK block outside what is in flight")                     \
  X(window_older, "RFC 9293 3.10.7.4, fifth", "an older segment's window is not taken")            \
  X(window_opens, "RFC 9293 3.8.6.1", "the zero window opens: probing ends")                       \
  X(fin_acked_fin_wait_1, "RFC 9293 3.10.7.4, fifth", "our FIN is acknowledged: FIN_WAIT_2")       \
  X(fin_acked_closing, "RFC 9293 3.10.7.4, fifth", "our FIN is acknowledged: TIME_WAIT")           \
  X(fin_acked_last_ack, "RFC 9293 3.10.7.4, fifth", "our FIN is acknowledged: CLOSED")             \
  /* congestion/ */                                                                                \
  X(recovery_by_sack, "RFC 8985 6.2, step 5", "fast recovery: something sent earlier is missing")  \
  X(recovery_by_duplicates, "RFC 6582 3.2", "fast recovery: three duplicates, and no blocks")      \
  X(rack_ambiguous, "RFC 8985 6.2, step 2", "the ACK of a retransmission may be the original's")   \
  X(rack_reordering, "RFC 8985 6.2, step 3", "something came after what was sent later")           \
  X(rack_window_grows, "RFC 8985 6.2, step 4", "a D-SACK widens the reordering window")            \
  X(tail_new_text, "RFC 8985 7.4.2", "the probe was new text: nothing to answer for")              \
  X(tail_unnecessary, "RFC 8985 7.4.2", "the probe arrived twice: nothing was lost")               \
  X(tail_repaired, "RFC 8985 7.4.2", "the probe repaired a loss: cwnd answers for it")             \
  X(ecn_reduces, "RFC 3168 6.1.2", "ECE: the window is reduced, once a round trip")                \
  X(undo_by_stamp, "RFC 3522 3.2", "the echo is older than the retransmission: undone")            \
  X(undo_by_duplicates, "RFC 3708 3", "every retransmission arrived twice: undone")                \
  X(undo_by_original, "RFC 5682 3.1", "after a time-out an original arrives: undone")              \
  /* text.cc */                                                                                    \
  X(ack_at_once, "RFC 9293 3.8.6.3 SHLD-19", "every second segment, or a gap: ACK now")            \
  X(ack_delayed, "RFC 9293 3.8.6.3", "the ACK may wait")                                           \
  X(gap_filled, "RFC 9293 3.10.7.4, seventh", "held text follows on")                              \
  X(text_held, "RFC 9293 3.10.7.4 SHLD-31", "text out of order is kept")                           \
  X(text_not_held, "RFC 9293 3.10.7.4 SHLD-31", "no room to keep it")                              \
  X(dsack_said, "RFC 2883 4", "something arrived twice: a D-SACK")                                 \
  X(fin_established, "RFC 9293 3.10.7.4, eighth", "the FIN in ESTABLISHED: CLOSE_WAIT")            \
  X(fin_fin_wait_1, "RFC 9293 3.10.7.4, eighth", "the FIN in FIN_WAIT_1: CLOSING")                 \
  X(fin_before_ours, "RFC 9293 3.10.4", "the FIN before ours was sent: LAST_ACK")                  \
  X(fin_fin_wait_2, "RFC 9293 3.10.7.4, eighth", "the FIN in FIN_WAIT_2: TIME_WAIT")               \
  /* time_wait.cc */                                                                               \
  X(tw_rst_ignored, "RFC 1337 3, F1", "TIME_WAIT: an RST is ignored")                              \
  X(tw_rst_answers, "RFC 9293 3.10.7.3, first", "TIME_WAIT: the RST of a newcomer: it ends")       \
  X(tw_rst_taken, "RFC 9293 3.10.7.4, second", "TIME_WAIT: an RST at RCV.NXT, where it is taken")  \
  X(tw_rst_inside, "RFC 5961 3.2 (3)", "TIME_WAIT: an RST in the window: challenge")               \
  X(tw_rst_outside, "RFC 5961 3.2 (1)", "TIME_WAIT: an RST outside the window")                    \
  X(tw_syn_ack, "RFC 5961 4.2", "TIME_WAIT: a SYN-ACK opens nothing")                              \
  X(tw_syn_never, "RFC 5961 4.2", "TIME_WAIT: the policy reopens for no SYN")                      \
  X(tw_syn_by_sequence, "RFC 9293 MAY-2", "TIME_WAIT: by sequence alone, newer")                   \
  X(tw_syn_by_sequence_old, "RFC 9293 MAY-2", "TIME_WAIT: by sequence alone, not newer")           \
  X(tw_syn_first_stamp, "RFC 6191 2", "had none, the SYN has timestamps: accept")                  \
  X(tw_syn_plain_new, "RFC 6191 2", "had none, has none, SEQ after the last seen: accept")         \
  X(tw_syn_plain_old, "RFC 6191 2", "had none, has none, otherwise: refused")                      \
  X(tw_syn_new_stamp, "RFC 6191 2", "had timestamps, TSval newer: accept")                         \
  X(tw_syn_new_sequence, "RFC 6191 2", "TSval equal or none, SEQ after the last seen: accept")     \
  X(tw_syn_stamps_vanished, "RFC 6191 2", "its timestamps vanished: SEQ after the last seen")      \
  X(tw_syn_stamps_vanished_old, "RFC 6191 2", "its timestamps vanished, otherwise: refused")       \
  X(tw_syn_old, "RFC 6191 2", "had timestamps, anything else: refused")                            \
  X(tw_syn_acked, "RFC 5961 4.2", "TIME_WAIT: a refused SYN is answered with an ACK")              \
  X(tw_syn_silence, "RFC 6191 2", "TIME_WAIT: a refused SYN is dropped in silence")                \
  X(tw_stamp_missing, "RFC 7323 3.2", "TIME_WAIT: no timestamp where they were agreed")            \
  X(tw_stamp_old, "RFC 7323 5.3 R1", "TIME_WAIT: PAWS")                                            \
  X(tw_ack_missing, "RFC 9293 3.10.7.4, fifth", "TIME_WAIT: the ACK bit is off")                   \
  X(tw_ack_too_much, "RFC 5961 5.2", "TIME_WAIT: acknowledges what was never sent")                \
  X(tw_fin_again, "RFC 9293 3.10.7.4, eighth", "TIME_WAIT: the FIN again: ACK, 2MSL anew")         \
  X(tw_ack_in_place, "RFC 1337 2.2", "TIME_WAIT: a bare ACK in its place: silence")                \
  X(tw_segment_old, "RFC 9293 3.10.7.4, first", "TIME_WAIT: anything else: ACK")                   \
  /* user.cc */                                                                                    \
  X(close_nothing, "RFC 9293 3.10.4", "CLOSE of what is over")                                     \
  X(close_syn_sent, "RFC 9293 3.10.4", "CLOSE in SYN_SENT: CLOSED")                                \
  X(close_established, "RFC 9293 3.10.4", "CLOSE in ESTABLISHED: FIN_WAIT_1")                      \
  X(close_close_wait, "RFC 9293 3.10.4", "CLOSE in CLOSE_WAIT: LAST_ACK")                          \
  X(close_queued, "RFC 9293 3.10.4", "CLOSE in SYN_RECEIVED waits, a second one changes nothing")  \
  X(close_both_late, "RFC 9293 MAY-1", "FIN_WAIT_2 and now the user will not read either")         \
  X(fin_wait_2_bounded, "RFC 9293 3.10.4, MAY-1", "FIN_WAIT_2 with nobody reading has an end")     \
  X(abort_tells, "RFC 9293 3.10.5", "ABORT: the peer gets an RST")                                 \
  X(abort_silent, "RFC 9293 3.10.5", "ABORT in SYN_SENT, CLOSING, LAST_ACK: silence")              \
  X(room_worth_telling, "RFC 9293 3.8.6.2.2", "the window grew by a step that is worth an ACK")    \
  X(icmp_not_in_flight, "RFC 5927 4.1", "ICMP about what is not in flight")                        \
  X(icmp_soft, "RFC 9293 3.9.2.2, MUST-56", "a soft ICMP error changes nothing")                   \
  X(icmp_hard_soft, "RFC 5927 5.2", "a hard ICMP error on a synchronized connection")              \
  X(icmp_hard, "RFC 9293 3.9.2.2, SHLD-26", "a hard ICMP error ends the handshake")                \
  X(icmp_mtu, "RFC 1191 6.4", "fragmentation needed: smaller segments, sent again")                \
  X(icmp_mtu_unsaid, "RFC 1191 7.1", "an MTU of 0: the next plateau")                              \
  X(icmp_mtu_no_less, "RFC 1191 6.3", "an MTU that is no smaller changes nothing")                 \
  /* timers.cc */                                                                                  \
  X(fin_wait_2_retimed, "RFC 9293 3.10.4, MAY-1", "new settings: FIN_WAIT_2 ends when they say")   \
  X(keep_alive_retimed, "RFC 9293 MUST-27", "new settings: the next probe is when they say")       \
  X(wait_without_end, "RFC 9293 MUST-24", "new settings: neither an end nor a probe")              \
  X(timed_out, "RFC 9293 3.8.3, MUST-20 (b)", "R2: the connection ends")                           \
  X(probe_due, "RFC 9293 3.8.6.1", "the zero window is probed")                                    \
  X(probe_unanswered, "RFC 9293 3.8.6.1, MUST-37", "R2 probes without an answer")                  \
  X(probe_abandoned, "RFC 6429 3", "R2 probes, answered or not, where nobody waits")               \
  X(handshake_again, "RFC 9293 3.8.1", "the SYN or SYN-ACK goes again")                            \
  X(rack_late, "RFC 8985 6.2, step 5", "the reordering window is over")                            \
  X(tail_probe_due, "RFC 8985 7.3", "no ACK for two round trips: the tail is probed")              \
  X(text_again, "RFC 6298 (5.4)", "the oldest text goes again")                                    \
  X(r1_reached, "RFC 9293 3.8.3, MUST-20 (a)", "R1: the user is told")                             \
  X(fin_wait_2_over, "RFC 9293 3.10.4, MAY-1", "FIN_WAIT_2 has lasted long enough")                \
  X(keep_alive_early, "RFC 9293 3.8.4, MUST-26", "something was heard, or is on its way")          \
  X(keep_alive_probe, "RFC 9293 3.8.4", "a keep-alive probe")                                      \
  X(keep_alive_dead, "RFC 9293 3.8.4, MUST-29", "too many unanswered: the connection ends")        \
  X(delayed_ack_due, "RFC 9293 3.8.6.3, MUST-40", "the delayed ACK has waited long enough")
// clang-format on

/// A decision.
enum class Branch : std::uint8_t {
#define MAYFLY_X(name, clause, what) name,
  MAYFLY_BRANCHES(MAYFLY_X)
#undef MAYFLY_X
};

/// How many decisions there are.
inline constexpr std::size_t kBranchCount = 0
#define MAYFLY_X(name, clause, what) +1
    MAYFLY_BRANCHES(MAYFLY_X)
#undef MAYFLY_X
    ;

#ifdef MAYFLY_BRANCH_MARKS

/// What this thread has passed since it last cleared them.
inline thread_local std::bitset<kBranchCount> branches_passed;
inline void mark(Branch branch) noexcept { branches_passed.set(static_cast<std::size_t>(branch)); }

#else

constexpr void mark(Branch) noexcept {}

#endif

}  // namespace mayfly::tcp
