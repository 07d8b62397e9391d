// What two views of an incarnation amount to.
#include "world/ledger.h"

#include <gtest/gtest.h>

#include <functional>

namespace mayfly::testing {
namespace {

using flow::CloseReason;
using world::Incarnation;
using world::LedgerRow;
using world::Parting;

constexpr std::uint32_t kRequest = 100, kAnswer = 200;

world::Book book_with(Parting parting) {
  const world::Traffic traffic{.connections = 10,
                               .request_min = kRequest,
                               .request_max = kRequest,
                               .answer_min = kAnswer,
                               .answer_max = kAnswer,
                               .parting = parting};
  world::Book book(1, std::span(&traffic, 1), false);
  book.add_tuple({.key = FlowKey4::of({0xc612'0101}, 10'000, {0xc612'0001}, 7), .server = 1});
  return book;
}

/// A connection that went well, but for what `happens` to it; what the ledger makes of it.
LedgerRow after(const std::function<void(Incarnation&)>& happens,
                Parting parting = Parting::server_first) {
  world::Book book = book_with(parting);
  Incarnation& i = book.begin(0, {});
  i.admission.on_syn({});
  i.admission.on_answer(true, {});
  for (world::EndView* const view : {&i.client, &i.server}) {
    view->opened = view->peer_closed = view->closed = view->ended = true;
    view->reason = CloseReason::done;
  }
  i.client.received = kAnswer;
  i.server.received = kRequest;
  happens(i);
  LedgerRow row;
  add_to(row, book);
  return row;
}

TEST(Ledger, CountsWhatWentWell) {
  const LedgerRow row = after([](Incarnation&) {});
  EXPECT_EQ(row.connections, 1u);
  EXPECT_EQ(row.completed, 1u);
  EXPECT_EQ(row.harms(), 0u);
}

TEST(Ledger, TellsAResetInLastAckFromAKill) {
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

void reset_by_server(Incarnation& i) {
  i.server.reason = CloseReason::aborted;
  i.server.closed = false;
  i.client.reason = CloseReason::reset;
  i.client.peer_closed = i.client.closed = false;
}

void reset_by_client(Incarnation& i) {
  i.client.reason = CloseReason::aborted;
  i.client.closed = false;
  i.server.reason = CloseReason::reset;
  i.server.peer_closed = i.server.closed = false;
}

TEST(Ledger, ForgivesAPlannedResetThatLosesNothing) {
  for (const LedgerRow& row : {after(reset_by_server, Parting::server_resets),
                               after(reset_by_client, Parting::client_resets)}) {
    EXPECT_EQ(row.completed, 1u);
    EXPECT_EQ(row.harms(), 0u);
  }
}

TEST(Ledger, BlamesAPlannedResetThatLosesText) {
  const auto lose = [](Incarnation& i) {
    reset_by_server(i);
    i.client.received = kAnswer - 1;
  };
  const LedgerRow row = after(lose, Parting::server_resets);
  EXPECT_EQ(row.completed, 0u);
  EXPECT_EQ(row.killed, 1u);
}

TEST(Ledger, BlamesAResetThatNobodyPlanned) {
  const LedgerRow row = after(reset_by_server, Parting::server_first);
  EXPECT_EQ(row.completed, 0u);
  EXPECT_EQ(row.killed, 1u);
}

TEST(Ledger, CountsEachTextThatWasAnothers) {
  const LedgerRow row = after([](Incarnation& i) { i.foreign = 3; });
  EXPECT_EQ(row.old_data, 3u);
  EXPECT_EQ(row.completed, 0u) << "it is not unharmed";
}

TEST(Ledger, FindsEndsThatNeverAgree) {
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

/// A client that gives up after 10 s.
LedgerRow handshake(const std::function<void(world::Admission&)>& at_server) {
  return after([&](Incarnation& i) {
    i.client = {.gave_up = true,
                .ended = true,
                .reason = CloseReason::aborted,
                .ended_at = Instant{} + 10_s};
    i.server = {};
    i.admission = {};
    at_server(i.admission);
  });
}

TEST(Ledger, CallsOnlySilenceABlackHole) {
  const auto silence = handshake([](auto& server) { server.on_syn({}); });
  EXPECT_EQ(silence.blackholed, 1u);
  const auto challenge = handshake([](auto& server) {
    server.on_syn({});
    server.on_answer(false, {});
  });
  EXPECT_EQ(challenge.harms(), 0u) << "a challenge is an answer";
  EXPECT_EQ(handshake([](auto&) {}).harms(), 0u) << "the network's fault";
  const auto full = handshake([](auto& server) { server.on_syn({}, false); });
  EXPECT_EQ(full.harms(), 0u) << "a full table is no black hole";
  EXPECT_EQ(full.kept_out, 1u);
}

TEST(Ledger, SaysForHowLongNewcomersWereKeptOut) {
  const LedgerRow row = handshake([](world::Admission& server) {
    for (const Duration at : {2_s, 3_s, 5_s, 9_s}) server.on_syn(Instant{} + at);
  });
  EXPECT_EQ(row.kept_out, 1u);
  EXPECT_EQ(row.syns_refused, 4u);
  EXPECT_EQ(row.kept_out_longest, 8_s);
  EXPECT_EQ(after([](Incarnation&) {}).kept_out, 0u);
}

TEST(Ledger, CountsAHandshakeThatFoundNoRoomAsKeptOut) {
  const LedgerRow row = after([](Incarnation& i) {
    i.client = {.opened = true, .ended = true, .reason = CloseReason::reset};
    i.client.ended_at = Instant{} + 5_s;
    i.server = {};
    i.admission.on_turned_back(Instant{} + 1_s);
  });
  EXPECT_EQ(row.kept_out, 1u);
  EXPECT_EQ(row.kept_out_longest, 5_s);
  EXPECT_EQ(row.harms(), 0u);
  EXPECT_EQ(row.completed, 0u);
}

TEST(Ledger, CountsConnectionsOfTheServerAlone) {
  world::Book book = book_with(Parting::server_first);
  book.begin(0, {});
  book.note({.what = world::Anomaly::What::unknown, .host = 1});
  book.note({.what = world::Anomaly::What::accepted_twice, .host = 1, .incarnation = 0});
  LedgerRow row;
  add_to(row, book);
  EXPECT_EQ(row.desynchronised, 2u);
}

}  // namespace
}  // namespace mayfly::testing
