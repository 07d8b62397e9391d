// All of the state table, situation by situation.
#pragma once

#include "after_fin.h"
#include "before_synchronized.h"
#include "receiving.h"
#include "syn_received.h"
#include "time_wait.h"

namespace mayfly::testing::rows {

// clang-format off
inline constexpr std::array<Table, kSituationCount> kTables = {{
  {Situation::closed, "CLOSED",
    {kClosed}},
  {Situation::listen, "LISTEN",
    {kListen}},
  {Situation::syn_sent, "SYN_SENT",
    {kSynSent}},
  {Situation::syn_received, "SYN_RECEIVED",
    {kEveryState, kSynReceived, kSynReceivedPassive}},
  {Situation::syn_received_active, "SYN_RECEIVED_active",
    {kEveryState, kSynReceived, kSynReceivedActive}},
  {Situation::established, "ESTABLISHED",
    {kEveryState, kOnceSynchronized, kEstablished}},
  {Situation::fin_wait_1, "FIN_WAIT_1",
    {kEveryState, kOnceSynchronized, kFinWait1}},
  {Situation::fin_wait_2, "FIN_WAIT_2",
    {kEveryState, kOnceSynchronized, kFinWait2}},
  {Situation::close_wait, "CLOSE_WAIT",
    {kEveryState, kOnceSynchronized, kAfterFin, kCloseWait}},
  {Situation::closing, "CLOSING",
    {kEveryState, kOnceSynchronized, kAfterFin, kClosing}},
  {Situation::last_ack, "LAST_ACK",
    {kEveryState, kOnceSynchronized, kAfterFin, kLastAck}},
  {Situation::time_wait, "TIME_WAIT",
    {kTimeWait, kTimeWaitStamped, kTimeWaitNoRst, kTimeWaitAcks}},
  {Situation::time_wait_lenient, "TIME_WAIT_lenient",
    {kTimeWait, kTimeWaitPlain, kTimeWaitLenient}},
  {Situation::time_wait_sequence, "TIME_WAIT_by_sequence",
    {kTimeWait, kTimeWaitPlain, kTimeWaitSequence}},
  {Situation::time_wait_answered, "TIME_WAIT_after_a_SYN",
    {kTimeWait, kTimeWaitStamped, kTimeWaitAfterSyn, kTimeWaitAcks}},
  {Situation::time_wait_silent, "TIME_WAIT_silent",
    {kTimeWait, kTimeWaitStamped, kTimeWaitNoRst, kTimeWaitSilent}},
}};
// clang-format on

}  // namespace mayfly::testing::rows
