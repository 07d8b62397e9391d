// The book of the hazard lab: whose text it is, and what two views of an incarnation amount to.
#include "lab/hazard_ledger.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace mayfly::testing {
namespace {

std::vector<std::byte> text_of(std::uint64_t tag, std::size_t length) {
  std::vector<std::byte> text(length);
  write_text_of(tag, text);
  return text;
}

TEST(IncarnationText, IsKnownFromAnyOffset) {
  constexpr std::uint64_t kTag = 0x0123'4567'89ab'cdef;
  const auto text = text_of(kTag, 100);
  for (std::size_t offset = 0; offset < 20; ++offset)
    for (const std::size_t length : {0u, 1u, 7u, 8u, 9u, 80u})
      EXPECT_TRUE(is_text_of(kTag, offset, std::span(text).subspan(offset, length)))
          << length << " octets from " << offset;
}

TEST(IncarnationText, DiffersInEachOctetThatIsNotItsOwn) {
  constexpr std::uint64_t kTag = 0x0123'4567'89ab'cdef;
  for (std::size_t at = 0; at < 20; ++at) {
    auto text = text_of(kTag, 20);
    text[at] ^= std::byte{1};
    EXPECT_FALSE(is_text_of(kTag, 0, text)) << at;
  }
}

constexpr std::uint32_t kRequest = 100, kAnswer = 200;

/// A connection that went well, but for what `happens` to it; what the book makes of it.
LedgerRow after(const std::function<void(Incarnation&)>& happens) {
  HazardLedger ledger(1);
  Incarnation& i = ledger[ledger.begin(kRequest, kAnswer)];
  i.syn_arrived = i.answered = true;
  for (EndView* const view : {&i.client, &i.server}) {
    view->opened = view->peer_closed = view->closed = view->ended = true;
    view->reason = CloseReason::done;
  }
  i.client.received = kAnswer;
  i.server.received = kRequest;
  happens(i);
  LedgerRow row;
  ledger.add_to(row);
  return row;
}

TEST(HazardLedger, CountsWhatWentWell) {
  const LedgerRow row = after([](Incarnation&) {});
  EXPECT_EQ(row.connections, 1u);
  EXPECT_EQ(row.completed, 1u);
  EXPECT_EQ(row.harms(), 0u);
}

TEST(HazardLedger, TellsAResetInLastAckFromAKill) {
  const LedgerRow last_ack = after([](Incarnation& i) { i.client.reason = CloseReason::reset; });
  EXPECT_EQ(last_ack.reset_in_last_ack, 1u);
  EXPECT_EQ(last_ack.killed, 0u);
  const LedgerRow killed = after([](Incarnation& i) {
    i.client.reason = CloseReason::reset;
    i.client.peer_closed = false;
  });
  EXPECT_EQ(killed.reset_in_last_ack, 0u);
  EXPECT_EQ(killed.killed, 1u);
}

void abort_by_server(Incarnation& i) {
  i.server.reason = CloseReason::aborted;
  i.server.aborted = true;
  i.client.reason = CloseReason::reset;
  i.client.peer_closed = i.client.closed = false;
}

TEST(HazardLedger, ForgivesAnAbortThatLosesNothing) {
  const LedgerRow row = after(abort_by_server);
  EXPECT_EQ(row.completed, 1u);
  EXPECT_EQ(row.harms(), 0u);
}

TEST(HazardLedger, BlamesAnAbortThatLosesText) {
  const LedgerRow row = after([](Incarnation& i) {
    abort_by_server(i);
    i.client.received = kAnswer - 1;
  });
  EXPECT_EQ(row.completed, 0u);
  EXPECT_EQ(row.killed, 1u);
}

TEST(HazardLedger, CountsEachTextThatWasAnothers) {
  const LedgerRow row = after([](Incarnation& i) { i.old_data = 3; });
  EXPECT_EQ(row.old_data, 3u);
  EXPECT_EQ(row.completed, 0u) << "it is not unharmed";
}

TEST(HazardLedger, FindsEndsThatNeverAgree) {
  for (const auto reason : {CloseReason::timed_out, CloseReason::fin_wait_2}) {
    const LedgerRow row = after([&](Incarnation& i) { i.server.reason = reason; });
    EXPECT_EQ(row.desynchronised, 1u);
  }
  const LedgerRow waited = after([](Incarnation& i) {
    i.client.gave_up = true;
    i.client.reason = CloseReason::aborted;
    i.server.reason = CloseReason::reset;
    i.server.peer_closed = false;
  });
  EXPECT_EQ(waited.desynchronised, 1u) << "once, although the server was reset by it";
  EXPECT_EQ(waited.killed, 0u);
}

LedgerRow handshake(bool arrived, bool answered) {
  return after([&](Incarnation& i) {
    i.client = {.gave_up = true, .ended = true, .reason = CloseReason::aborted};
    i.server = {};
    i.syn_arrived = arrived;
    i.answered = answered;
  });
}

TEST(HazardLedger, CallsOnlySilenceABlackHole) {
  EXPECT_EQ(handshake(true, false).blackholed, 1u);
  EXPECT_EQ(handshake(true, true).harms(), 0u) << "a challenge is an answer";
  EXPECT_EQ(handshake(false, false).harms(), 0u) << "the network's fault";
}

TEST(HazardLedger, KnowsStrangersAndGhosts) {
  HazardLedger ledger(1);
  ledger.count_stranger();
  ledger.count_ghost();
  LedgerRow row;
  ledger.add_to(row);
  EXPECT_EQ(row.old_data, 1u);
  EXPECT_EQ(row.desynchronised, 1u);
}

TEST(HazardLedger, FindsAnIncarnationByItsTag) {
  HazardLedger ledger(1);
  const std::uint32_t first = ledger.begin(1, 1), second = ledger.begin(1, 1);
  EXPECT_EQ(ledger.find(ledger[first].tag), first);
  EXPECT_EQ(ledger.find(ledger[second].tag), second);
  EXPECT_EQ(ledger.find(~ledger[first].tag), kNoIndex);
}

}  // namespace
}  // namespace mayfly::testing
