// What a row of the state table says. The table is the product of situations, kinds of segment and
// places in the window; a row covers a part of it, sets of kinds and places, in which the same is
// to happen by the same clauses. Each combination is covered by exactly one row.
//
// In every situation both ends use timestamps, each SYN has an MSS, and what our end has sent last
// is not acknowledged yet where the state lets something be outstanding.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>

#include "tcp/branches.h"
#include "tcp/state.h"
#include "tcp/tcp.h"

namespace mayfly::testing {

/// The eleven states; two of them have rules that depend on more than the state.
enum class Situation : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,         ///< from LISTEN
  syn_received_active,  ///< from SYN_SENT: the SYNs have crossed
  established,          ///< with 10 octets on their way
  fin_wait_1,
  fin_wait_2,
  close_wait,  ///< with 10 octets on their way
  closing,
  last_ack,
  time_wait,           ///< under the default policy
  time_wait_lenient,   ///< no timestamps, and RST is taken
  time_wait_sequence,  ///< no timestamps, reopened by sequence alone
  time_wait_answered,  ///< under the default policy, a second after a SYN was answered with an ACK
  time_wait_silent,    ///< by the letter of RFC 6191 and RFC 1337 F1
};
inline constexpr std::size_t kSituationCount = 16;

/// The kinds of segment, as sets. Text is 10 octets; SEG.ACK is SND.NXT and TSval is TS.Recent
/// where nothing else is said.
using Kinds = std::uint32_t;
namespace on {
// clang-format off
inline constexpr Kinds
    none = 1u << 0,             ///< no control bit at all, empty
    syn = 1u << 1,
    syn_ack = 1u << 2,
    syn_old_stamp = 1u << 3,    ///< SYN, TSval older than TS.Recent
    syn_unstamped = 1u << 4,    ///< SYN without timestamps
    ack = 1u << 5,              ///< empty
    ack_again = 1u << 6,        ///< empty, SEG.ACK = SND.UNA
    ack_old_stamp = 1u << 7,    ///< empty, TSval older than TS.Recent
    data = 1u << 8,
    data_urgent = 1u << 9,      ///< URG, the pointer inside the text
    data_again = 1u << 10,      ///< SEG.ACK = SND.UNA
    data_old_ack = 1u << 11,    ///< SEG.ACK = SND.UNA - 1
    data_ack_above = 1u << 12,  ///< SEG.ACK = SND.NXT + 1
    data_ack_below = 1u << 13,  ///< SEG.ACK = SND.UNA - MAX.SND.WND - 1
    data_no_ack = 1u << 14,     ///< no ACK bit
    data_old_stamp = 1u << 15,  ///< TSval older than TS.Recent
    data_unstamped = 1u << 16,  ///< no timestamps
    fin = 1u << 17,             ///< no text
    fin_again = 1u << 18,       ///< no text, SEG.ACK = SND.UNA
    data_fin = 1u << 19,
    rst = 1u << 20,             ///< no timestamps, no ACK bit
    rst_ack = 1u << 21,
    rst_old_stamp = 1u << 22;   ///< TSval older than TS.Recent
// clang-format on
inline constexpr std::size_t kCount = 23;
inline constexpr Kinds any = (1u << kCount) - 1, any_syn = syn | syn_old_stamp | syn_unstamped,
                       any_rst = rst | rst_ack | rst_old_stamp;
}  // namespace on
inline constexpr std::array<const char*, on::kCount> kKindNames = {"none",
                                                                   "syn",
                                                                   "syn_ack",
                                                                   "syn_old_stamp",
                                                                   "syn_unstamped",
                                                                   "ack",
                                                                   "ack_again",
                                                                   "ack_old_stamp",
                                                                   "data",
                                                                   "data_urgent",
                                                                   "data_again",
                                                                   "data_old_ack",
                                                                   "data_ack_above",
                                                                   "data_ack_below",
                                                                   "data_no_ack",
                                                                   "data_old_stamp",
                                                                   "data_unstamped",
                                                                   "fin",
                                                                   "fin_again",
                                                                   "data_fin",
                                                                   "rst",
                                                                   "rst_ack",
                                                                   "rst_old_stamp"};

/// SEG.SEQ, as sets of places. SEG.LEN counts SYN and FIN.
using Places = std::uint8_t;
namespace at {
inline constexpr Places long_ago = 1u << 0,  ///< RCV.NXT - 1000
    just_before = 1u << 1,                   ///< ends at RCV.NXT; if empty, RCV.NXT - 1
    across = 1u << 2,                        ///< RCV.NXT - 1: text goes on beyond RCV.NXT
    left = 1u << 3,                          ///< RCV.NXT
    inside = 1u << 4,                        ///< RCV.NXT + 1
    right = 1u << 5,                         ///< the last octet of the window
    beyond = 1u << 6,                        ///< RCV.NXT + RCV.WND
    shut = 1u << 7;                          ///< RCV.NXT, and RCV.WND is zero
inline constexpr std::size_t kCount = 8;
inline constexpr Places any = 0xff, before = long_ago | just_before, ahead = inside | right;
}  // namespace at
inline constexpr std::array<const char*, at::kCount> kPlaceNames = {
    "long_ago", "just_before", "across", "left", "inside", "right", "beyond", "shut"};

/// What goes back at once.
enum class We : std::uint8_t {
  nothing,
  ack,        ///< <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, as text and FIN demand it
  challenge,  ///< the same, counted among those that are limited in rate (RFC 5961 7)
  ack_later,  ///< delayed (RFC 9293 3.8.6.3)
  syn_ack,
  rst,       ///< reset_for(segment)
  rst_syn,   ///< the same, and the SYN again
  ack_anew,  ///< TIME_WAIT: ACK, and 2MSL begins anew
};

/// What becomes of the text.
enum class Text : std::uint8_t {
  no_text,
  taken,  ///< what of it lies at RCV.NXT and beyond, inside the window
  held,   ///< out of order: what of it lies inside the window
};

/// The decisions that a row is to pass through; others may be on the way.
struct Passing {
  std::array<tcp::Branch, 4> branch{};
  std::uint8_t count = 0;

  constexpr Passing(std::initializer_list<tcp::Branch> branches) {
    for (const tcp::Branch b : branches) branch.at(count++) = b;
  }
  constexpr std::span<const tcp::Branch> all() const { return {branch.data(), count}; }
};

struct Row {
  Kinds kinds;
  Places places;
  Passing by;                       ///< and so, through branches.h, the clauses
  std::optional<tcp::State> after;  ///< none = as before. SYN_RECEIVED in LISTEN and TIME_WAIT: a
                                    ///< new incarnation may begin
  We we;
  Text text;
  std::uint16_t events;
  Drop drop;
};

/// The rows of a situation: what it shares with others, and its own.
struct Table {
  Situation situation;
  const char* name;
  std::array<std::span<const Row>, 4> parts;
};

/// So that rows are short.
namespace rows {
using enum tcp::Branch;
using enum Drop;
using enum tcp::State;
using enum Text;
using enum We;
inline constexpr std::uint16_t quiet = 0, opened = tcp::event::established,
                               acked = tcp::event::acked, got_fin = tcp::event::peer_fin,
                               was_reset = tcp::event::reset, was_refused = tcp::event::refused,
                               ended = tcp::event::closed, to_hold = tcp::event::time_wait,
                               urgent = tcp::event::urgent, challenged = tcp::event::challenged;
inline constexpr std::optional<tcp::State> stays = std::nullopt;
}  // namespace rows

}  // namespace mayfly::testing
