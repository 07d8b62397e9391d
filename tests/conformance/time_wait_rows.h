// RFC 6191 section 2 as a table: what the previous incarnation was, what the SYN is, and what then.
// Each row is judged alone (time_wait_rules_test.cc) and acted out by a whole shard
// (time_wait_acts_test.cc).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <string>

#include "tcp/time_wait.h"

namespace mayfly::tcp {

inline void PrintTo(TimeWaitAction action, std::ostream* out) {
  static constexpr const char* kNames[] = {"drop", "ack", "restart_and_ack", "reopen", "kill"};
  *out << kNames[static_cast<int>(action)];
}
inline void PrintTo(TimeWaitRules::Reopen reopen, std::ostream* out) {
  static constexpr const char* kNames[] = {"rfc6191", "sequence", "off"};
  *out << kNames[static_cast<int>(reopen)];
}
inline void PrintTo(TimeWaitRules::RefuseSyn refuse, std::ostream* out) {
  *out << (refuse == TimeWaitRules::RefuseSyn::ack ? "ack" : "drop");
}
inline void PrintTo(TimeWaitRules::OnRst rst, std::ostream* out) {
  static constexpr const char* kNames[] = {"ignore", "accept", "challenged"};
  *out << kNames[static_cast<int>(rst)];
}

}  // namespace mayfly::tcp

namespace mayfly::testing {

/// What becomes of a SYN.
enum class Then : std::uint8_t {
  accept,  ///< a new incarnation begins
  refuse,  ///< "silently drop the incoming SYN segment, thus leaving the previous incarnation of
           ///< the connection in the TIME-WAIT state"; or drop it, and an ACK says where the old
           ///< one is (RFC 5961 4.2): the peer, if it is alive and wants in, answers with an RST
           ///< and tries anew
};

struct SynRow {
  const char* what;
  bool had_timestamps;                      ///< the previous incarnation
  std::optional<std::int32_t> stamp_ahead;  ///< TSval - the last seen; none = no option
  std::int32_t seq_ahead;                   ///< SEG.SEQ - RCV.NXT, which is one after the FIN
  Then by_rfc6191, by_sequence;             ///< by Reopen::off always `refuse`

  Then then(tcp::TimeWaitRules::Reopen reopen) const {
    switch (reopen) {
      case tcp::TimeWaitRules::Reopen::rfc6191: return by_rfc6191;
      case tcp::TimeWaitRules::Reopen::sequence: return by_sequence;
      case tcp::TimeWaitRules::Reopen::off: break;
    }
    return Then::refuse;
  }
};

inline constexpr std::int32_t kHalf =
    std::numeric_limits<std::int32_t>::max();  // the farthest ahead
inline constexpr std::int32_t kOpposite =
    std::numeric_limits<std::int32_t>::min();  // neither ahead nor behind
inline constexpr std::optional<std::int32_t> kNoStamp = std::nullopt;

// clang-format off
inline constexpr auto kSynRows = [] {
  using enum Then;
  // "The last sequence number seen" is the FIN's, so that RCV.NXT itself is already greater.
  return std::to_array<SynRow>({
  // what                                        had    TSval      SEQ        rfc6191    sequence
  {"TSval greater, SEQ greater",                 true,  1,         1,         accept,    accept},
  {"TSval greater, SEQ equal to RCV.NXT",        true,  1,         0,         accept,    accept},
  {"TSval greater, SEQ the FIN's",               true,  1,         -1,        accept,    refuse},
  {"TSval greater, SEQ far behind",              true,  1,         -kHalf,    accept,    refuse},
  {"TSval as far ahead as can be, SEQ behind",   true,  kHalf,     -1,        accept,    refuse},
  {"TSval equal, SEQ greater",                   true,  0,         1,         accept,    accept},
  {"TSval equal, SEQ equal to RCV.NXT",          true,  0,         0,         accept,    accept},
  {"TSval equal, SEQ as far ahead as can be",    true,  0,         kHalf,     accept,    accept},
  {"TSval equal, SEQ the FIN's",                 true,  0,         -1,        refuse,    refuse},
  {"TSval equal, SEQ half the space away",       true,  0,         kOpposite, refuse,    refuse},
  {"TSval less, SEQ greater",                    true,  -1,        1,         refuse,    accept},
  {"TSval less, SEQ less",                       true,  -1,        -1,        refuse,    refuse},
  {"TSval as far behind as can be, SEQ greater", true,  -kHalf,    1,         refuse,    accept},
  {"TSval half the space away, SEQ greater",     true,  kOpposite, 1,         refuse,    accept},
  {"none where there were some, SEQ greater",    true,  kNoStamp,  1,         accept,    accept},
  {"none where there were some, SEQ RCV.NXT",    true,  kNoStamp,  0,         accept,    accept},
  {"none where there were some, SEQ the FIN's",  true,  kNoStamp,  -1,        refuse,    refuse},
  {"none where there were some, SEQ opposite",   true,  kNoStamp,  kOpposite, refuse,    refuse},
  {"some where there were none, SEQ greater",    false, 1,         1,         accept,    accept},
  {"some where there were none, SEQ less",       false, 1,         -1,        accept,    refuse},
  {"some where there were none, SEQ opposite",   false, -1,        kOpposite, accept,    refuse},
  {"none as before, SEQ greater",                false, kNoStamp,  1,         accept,    accept},
  {"none as before, SEQ equal to RCV.NXT",       false, kNoStamp,  0,         accept,    accept},
  {"none as before, SEQ as far ahead as can be", false, kNoStamp,  kHalf,     accept,    accept},
  {"none as before, SEQ the FIN's",              false, kNoStamp,  -1,        refuse,    refuse},
  {"none as before, SEQ half the space away",    false, kNoStamp,  kOpposite, refuse,    refuse},
  });
}();
// clang-format on

inline constexpr tcp::TimeWaitRules::Reopen kReopens[] = {tcp::TimeWaitRules::Reopen::rfc6191,
                                                          tcp::TimeWaitRules::Reopen::sequence,
                                                          tcp::TimeWaitRules::Reopen::off};
inline constexpr tcp::TimeWaitRules::RefuseSyn kRefuseSyns[] = {
    tcp::TimeWaitRules::RefuseSyn::ack, tcp::TimeWaitRules::RefuseSyn::drop};
inline constexpr tcp::TimeWaitRules::OnRst kOnRsts[] = {tcp::TimeWaitRules::OnRst::ignore,
                                                        tcp::TimeWaitRules::OnRst::accept,
                                                        tcp::TimeWaitRules::OnRst::challenged};

}  // namespace mayfly::testing
