#include "load/load_app.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/prng.h"
#include "unit/load/load_lab.h"

namespace mayfly::testing {
namespace {

TEST(Request, NamesHostAndPath) {
  EXPECT_EQ(load::make_request({.address = {0xc6120001}, .port = 80, .path = "/a"}, false),
            "GET /a HTTP/1.1\r\nHost: 198.18.0.1\r\n\r\n");
  EXPECT_EQ(load::make_request({.address = {0xc6120001}, .port = 8080}, true),
            "GET / HTTP/1.1\r\nHost: 198.18.0.1:8080\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(load::make_request({.address = {0xc6120001}, .port = 8080, .host = "a.test"}, false),
            "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
}

TEST(Request, HasAnIpv6AddressInBrackets) {  // RFC 3986 3.2.2
  load::TargetSettings target;
  target.six = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});
  EXPECT_EQ(load::make_request(target, false), "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n");
}

const Ipv6Address kFirst6 = Ipv6Address::of({0x2001, 0xdb8, 1, 0, 0, 0, 0, 7});

ClientSettings settings6() {
  ClientSettings wanted = settings(Closer::client);
  wanted.target.address = {};
  wanted.target.six = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});
  wanted.sources.six = kFirst6;
  wanted.sources.first = wanted.sources.last = {kFirst6.low()};
  return wanted;
}

TEST(LoadApp, ConnectsOverIpv6IfTheTargetIsThere) {
  const ClientSettings wanted = settings6();
  const Lab lab(wanted);
  ASSERT_EQ(lab.shard.opened6.size(), 1u);
  EXPECT_EQ(lab.shard.opened6[0].local, kFirst6);
  EXPECT_EQ(lab.shard.opened6[0].remote, wanted.target.six);
  EXPECT_EQ(lab.shard.opened6[0].remote_port_host(), 80);
}

TEST(LoadApp, TellsTheShardWhichConnectionsCanBeExpectedNext) {
  ClientSettings wanted = settings(Closer::client);
  wanted.load.concurrency = 4;
  Lab lab(wanted);
  const auto expected = lab.shard.expected;
  ASSERT_EQ(expected.size(), 4u);
  for (int i = 0; i < 4; ++i) lab.shard.ends(CloseReason::refused);
  lab.shard.poll();
  ASSERT_EQ(lab.shard.opened.size(), 8u);
  EXPECT_TRUE(std::ranges::equal(expected, std::span(lab.shard.opened).last(4)));
}

TEST(LoadApp, TellsTheShardWhichConnectionsOverIpv6CanBeExpectedNext) {
  ClientSettings wanted = settings6();
  wanted.load.concurrency = 4;
  Lab lab(wanted);
  const auto expected = lab.shard.expected6;
  ASSERT_EQ(expected.size(), 4u);
  EXPECT_TRUE(lab.shard.expected.empty());
  for (int i = 0; i < 4; ++i) lab.shard.ends(CloseReason::refused);
  lab.shard.poll();
  ASSERT_EQ(lab.shard.opened6.size(), 8u);
  EXPECT_TRUE(std::ranges::equal(expected, std::span(lab.shard.opened6).last(4)));
}

TEST(ClientFirst, ClosesAfterTheAnswerAndCompletesWithTheServersFin) {
  Lab lab(Closer::client);
  lab.shard.answers_syn();
  EXPECT_EQ(lab.shard.flow().sent, "GET /x HTTP/1.1\r\nHost: mayfly.test\r\n\r\n");
  EXPECT_FALSE(lab.shard.flow().closed);
  lab.shard.says(kAnswer);
  EXPECT_TRUE(lab.shard.flow().closed_both);
  EXPECT_EQ(lab.counters().completed, 0U);
  lab.shard.closes();
  EXPECT_EQ(lab.counters().completed, 1U);
  EXPECT_EQ(lab.counters().failed_total(), 0U);
}

TEST(ClientFirst, FailsWhenTheServersFinNeverComes) {
  Lab lab(Closer::client);
  lab.shard.answers_syn();
  lab.shard.says(kAnswer);
  lab.shard.ends(CloseReason::fin_wait_2);
  EXPECT_EQ(lab.failed(Failure::timed_out), 1U);
  EXPECT_EQ(lab.counters().completed, 0U);
}

TEST(ServerFirst, AsksTheServerToCloseAndWaitsForItsFin) {
  Lab lab(Closer::server);
  lab.shard.answers_syn();
  EXPECT_EQ(lab.shard.flow().sent,
            "GET /x HTTP/1.1\r\nHost: mayfly.test\r\nConnection: close\r\n\r\n");
  lab.shard.says(kAnswer);
  EXPECT_FALSE(lab.shard.flow().closed);
  lab.shard.closes();
  EXPECT_EQ(lab.counters().completed, 1U);
}

TEST(ServerFirst, FailsWhenTheServerDoesNotClose) {
  Lab lab(Closer::server);
  lab.shard.answers_syn();
  lab.shard.says(kAnswer);
  lab.app.stop({1'999'999});
  lab.shard.poll({1'999'999});
  EXPECT_EQ(lab.counters().failed_total(), 0U);
  lab.shard.poll({2'000'000});
  EXPECT_EQ(lab.failed(Failure::timed_out), 1U);
}

TEST(ResetFirst, AbortsAfterTheAnswer) {
  Lab lab(Closer::reset);
  lab.shard.answers_syn();
  lab.shard.says(kAnswer);
  EXPECT_TRUE(lab.shard.flows.empty());
  EXPECT_EQ(lab.counters().completed, 1U);
}

TEST(ResetFirst, FailsWhenTheAnswerIsCutShort) {
  Lab lab(Closer::reset);
  lab.shard.answers_syn();
  lab.shard.says(kAnswer.substr(0, 20));
  lab.shard.closes();
  EXPECT_EQ(lab.failed(Failure::short_body), 1U);
}

TEST(SeveralRequests, AreSentOneAfterTheOtherAndOnlyTheLastAsksForTheClose) {
  Lab lab(Closer::server, 3);
  const std::string keep = make_request(lab.wanted.target, false);
  const std::string last = make_request(lab.wanted.target, true);
  lab.shard.answers_syn();
  EXPECT_EQ(lab.shard.flow().sent, keep);
  lab.shard.says(kAnswer);
  EXPECT_EQ(lab.shard.flow().sent, keep + keep);
  lab.shard.says(kAnswer);
  EXPECT_EQ(lab.shard.flow().sent, keep + keep + last);
  lab.shard.says(kAnswer);
  lab.shard.closes();
  EXPECT_EQ(lab.counters().completed, 1U);
  EXPECT_EQ(lab.counters().responses, 3U);
  EXPECT_EQ(lab.app.results(lab.shard.now).latency.count(), 1U);
}

TEST(SeveralRequests, FailWhenTheServerWillTakeNoMore) {
  Lab lab(Closer::client, 2);
  lab.shard.answers_syn();
  lab.shard.says("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(lab.failed(Failure::short_body), 1U);
}

TEST(Answers, WithoutALengthEndWithTheConnection) {
  for (const Closer first : {Closer::client, Closer::server, Closer::reset}) {
    Lab lab(first);
    lab.shard.answers_syn();
    lab.shard.says("HTTP/1.1 200 OK\r\n\r\nhello");
    EXPECT_EQ(lab.counters().responses, 0U);
    lab.shard.closes();
    EXPECT_EQ(lab.counters().completed, 1U);
    EXPECT_TRUE(lab.shard.flows.empty());
  }
}

TEST(Answers, ThatAreWrongEndTheConnectionWithARst) {
  const auto failure_of = [](std::string_view text) {
    Lab lab(Closer::client);
    lab.shard.answers_syn();
    lab.shard.says(text);
    EXPECT_TRUE(lab.shard.flows.empty());
    EXPECT_EQ(lab.counters().failed_total(), 1U);
    for (std::size_t i = 0; i < load::kFailureCount; ++i)
      if (lab.counters().failures(static_cast<Failure>(i)) > 0) return static_cast<Failure>(i);
    return Failure::none;
  };
  EXPECT_EQ(failure_of("HTTP/1.1 503 Busy\r\n"), Failure::bad_status);
  EXPECT_EQ(failure_of("gopher"), Failure::malformed_response);
  EXPECT_EQ(failure_of(std::string(kAnswer) + "x"), Failure::malformed_response);
}

TEST(Answers, MayNotGoOnAfterTheirEnd) {
  Lab lab(Closer::server);
  lab.shard.answers_syn();
  lab.shard.says(kAnswer);
  lab.shard.says("x");
  EXPECT_EQ(lab.failed(Failure::malformed_response), 1U);
}

TEST(Answers, AreTheSameInAnyPieces) {
  constexpr std::uint64_t kSeed = 99;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Prng random(kSeed);
  Lab lab(Closer::client, 2);
  for (std::uint64_t n = 1; n <= 500; ++n) {
    lab.shard.poll();
    lab.shard.answers_syn();
    for (int answer = 0; answer < 2; ++answer) {
      for (std::string_view left = kAnswer; !left.empty();) {
        const std::size_t piece = 1 + random.below(left.size());
        lab.shard.says(left.substr(0, piece));
        left.remove_prefix(piece);
      }
    }
    lab.shard.closes();
    ASSERT_EQ(lab.counters().completed, n);
  }
  EXPECT_EQ(lab.shard.texts_not_taken, 0U);
}

TEST(Failures, AreNamedAfterHowTheConnectionEnded) {
  const std::pair<CloseReason, Failure> kCases[] = {
      {CloseReason::refused, Failure::refused},
      {CloseReason::reset, Failure::reset},
      {CloseReason::timed_out, Failure::timed_out},
      {CloseReason::unreachable, Failure::unreachable},
      {CloseReason::aborted, Failure::aborted_at_end},
  };
  for (const auto& [why, failure] : kCases) {
    Lab lab(Closer::client);
    lab.shard.ends(why);
    EXPECT_EQ(lab.failed(failure), 1U) << name_of(failure);
    EXPECT_EQ(lab.counters().failed_total(), 1U);
    EXPECT_EQ(lab.counters().open, 0U);
  }
}

TEST(Failures, IncludeAServerThatResetsAfterItsAnswer) {
  Lab lab(Closer::server);
  lab.shard.answers_syn();
  lab.shard.says(kAnswer);
  lab.shard.ends(CloseReason::reset);
  EXPECT_EQ(lab.failed(Failure::reset), 1U);
  EXPECT_EQ(lab.counters().completed, 0U);
}

TEST(Failures, IncludeAHandshakeThatTakesLongerThanTheTimeout) {
  Lab lab(Closer::client);
  lab.app.stop({1});
  lab.shard.poll({1'999'999});
  EXPECT_EQ(lab.counters().open, 1U);
  lab.shard.poll({2'000'000});
  EXPECT_EQ(lab.failed(Failure::timed_out), 1U);
  EXPECT_EQ(lab.counters().open, 0U);
}

TEST(Failures, IncludeAStackWithoutRoomToSend) {
  Lab lab(Closer::client);
  lab.shard.room_to_send = false;
  lab.shard.answers_syn();
  EXPECT_EQ(lab.failed(Failure::table_full), 1U);
}

TEST(ClosedLoopRun, KeepsTheWantedNumberOpenAndPausesWhenTheTableIsFull) {
  ClientSettings s = settings(Closer::client);
  s.load.concurrency = 10;
  Lab lab(s);
  EXPECT_EQ(lab.counters().open, 10U);
  lab.shard.capacity = 9;
  lab.shard.ends(CloseReason::refused);
  lab.shard.poll({100});
  lab.shard.poll({200});
  EXPECT_EQ(lab.failed(Failure::table_full), 1U);
  lab.shard.poll({1'100});
  EXPECT_EQ(lab.failed(Failure::table_full), 2U);
  lab.shard.capacity = 10;
  lab.shard.poll({2'100});
  EXPECT_EQ(lab.counters().open, 10U);
  EXPECT_EQ(lab.counters().opened, 11U);
}

ClientSettings open_loop(double rate) {
  ClientSettings s = settings(Closer::client);
  s.load.concurrency = 0;
  s.load.rate = rate;
  s.load.duration = 1_s;
  return s;
}

TEST(OpenLoopRun, MeasuresLatencyFromTheIntendedStart) {
  Lab lab(open_loop(10));
  lab.shard.flows.clear();
  lab.shard.poll({130'000});  // 30 ms late for the second start
  lab.shard.now = {135'000};
  lab.shard.answers_syn();
  lab.shard.now = {140'000};
  lab.shard.says(kAnswer);
  const load::LoadResults& r = lab.app.results(lab.shard.now);
  EXPECT_EQ(r.connect_latency.max(), 5'000U);
  EXPECT_EQ(r.latency.max(), 40'000U);
}

TEST(OpenLoopRun, CatchesUpInBoundedSteps) {
  Lab lab(open_loop(1'000'000));
  const auto before = lab.counters().opened;
  lab.shard.poll({500});
  EXPECT_EQ(lab.counters().opened - before,
            static_cast<std::uint64_t>(load::LoadApp::kStartsPerPoll));
  EXPECT_EQ(lab.counters().behind, 500U - before - load::LoadApp::kStartsPerPoll);
}

TEST(OpenLoopRun, BeginsLittleWhileFramesWait) {
  Lab lab(open_loop(1'000'000));
  const auto before = lab.counters().opened;
  lab.shard.has_frames = true;
  lab.shard.poll({500});
  EXPECT_EQ(lab.counters().opened - before,
            static_cast<std::uint64_t>(load::LoadApp::kStartsWhileFramesWait));
}

TEST(OpenLoopRun, CountsTheStartsThatFoundNoFreeSource) {
  ClientSettings s = open_loop(1'000);
  s.sources.port_last = 2'099;  // 100 sources
  Lab lab(s);
  for (std::int64_t ms = 0; ms < 1'000; ++ms) {
    lab.shard.poll({ms * 1'000});
    if (lab.shard.flows.empty()) continue;
    lab.shard.answers_syn();
    lab.shard.says(kAnswer);
    lab.shard.closes();
  }
  EXPECT_EQ(lab.counters().completed, 100U);
  EXPECT_EQ(lab.counters().port_exhausted, 900U);
  EXPECT_EQ(lab.counters().offered, 1'000U);
  EXPECT_EQ(lab.counters().failed_total(), 0U);
  EXPECT_LE(lab.shard.connects, 100 + 900 * load::TuplePool::kProbes);
}

TEST(OpenLoopRun, UsesASourceAgainOnceItsTimeWaitHasEnded) {
  ClientSettings s = open_loop(10);
  s.load.duration = 100_s;
  s.sources.port_last = 2'000;  // one source
  Lab lab(s);
  lab.shard.answers_syn();
  lab.shard.says(kAnswer);
  lab.shard.closes();
  lab.shard.poll({59'999'999});
  EXPECT_EQ(lab.counters().opened, 1U);
  lab.shard.poll({60'000'000});
  EXPECT_EQ(lab.counters().opened, 2U);
}

TEST(EndOfRun, WaitsForOpenConnectionsAndCountsTheRestAsAborted) {
  Lab lab(open_loop(2));
  lab.shard.poll({500'000});
  lab.shard.answers_syn(lab.first_id());
  lab.shard.poll({1'000'000});
  EXPECT_FALSE(lab.app.finished({1'000'000}));
  lab.shard.says(kAnswer, lab.first_id());
  lab.shard.closes(lab.first_id());
  EXPECT_FALSE(lab.app.finished({1'000'000}));
  EXPECT_FALSE(lab.app.finished({2'999'999}));
  EXPECT_TRUE(lab.app.finished({3'000'000}));  // load.timeout after the end
  lab.shard.abort_all();
  EXPECT_EQ(lab.failed(Failure::aborted_at_end), 1U);
  EXPECT_EQ(lab.counters().completed, 1U);
  EXPECT_EQ(lab.app.results({3'000'000}).ran, 1_s);
}

TEST(EndOfRun, ByNumberLastsUntilTheLastConnectionHasEnded) {
  ClientSettings s = open_loop(1'000);
  s.load.connections = 1;
  s.load.duration = Duration{};
  Lab lab(s);
  EXPECT_FALSE(lab.app.finished({0}));
  lab.shard.now = {30'000};
  lab.shard.ends(CloseReason::refused);
  lab.shard.poll({40'000});
  EXPECT_TRUE(lab.app.finished({40'000}));
  EXPECT_EQ(lab.app.results({90'000}).ran, 30_ms);
}

TEST(Exchange, HandsACopyToTheReaderAtTheNextPoll) {
  Lab lab(Closer::client);
  load::ResultsExchange& exchange = lab.app.exchange();
  EXPECT_EQ(exchange.answer(), nullptr);
  exchange.ask();
  EXPECT_EQ(exchange.answer(), nullptr);
  lab.shard.poll({100});
  ASSERT_NE(exchange.answer(), nullptr);
  EXPECT_EQ(exchange.answer()->counters.opened, 1U);
  EXPECT_EQ(exchange.answer()->ran, 100_us);
}

TEST(AChangeOfPolicy, LeavesAConnectionThatHasAskedToWhatItPlanned) {
  Lab lab(Closer::server);
  lab.shard.answers_syn();
  const shard::CloseSettings client_first{.first = Closer::client};
  lab.app.on_settings(client_first);
  lab.shard.poll({1'000});
  lab.shard.says(kAnswer);
  EXPECT_FALSE(lab.shard.flow().closed) << "the server was asked to close";
  lab.shard.closes();
  EXPECT_EQ(lab.counters().completed, 1U);
}

TEST(AChangeOfPolicy, HoldsForTheNextRequest) {
  Lab lab(Closer::server);
  const shard::CloseSettings client_first{.first = Closer::client};
  lab.app.on_settings(client_first);
  lab.shard.poll({1'000});
  lab.shard.answers_syn();
  EXPECT_EQ(lab.shard.flow().sent, "GET /x HTTP/1.1\r\nHost: mayfly.test\r\n\r\n");
  lab.shard.says(kAnswer);
  EXPECT_TRUE(lab.shard.flow().closed_both);
  lab.shard.closes();
  EXPECT_EQ(lab.counters().completed, 1U);
}

TEST(AChangeOfPolicy, AResetIsPlannedOnlyWhereItWasAskedFor) {
  Lab lab(Closer::server);
  const shard::CloseSettings aborting{.first = Closer::server, .abort = true};
  lab.shard.answers_syn();
  lab.app.on_settings(aborting);
  lab.shard.poll({1'000});
  lab.shard.says(kAnswer);
  lab.shard.ends(CloseReason::reset);
  EXPECT_EQ(lab.failed(Failure::reset), 1U);
}

TEST(AStartAtAGivenTime, IsWaitedForWhileTheNextHopIsLookedFor) {
  ClientSettings wanted = settings(Closer::client);
  wanted.load.begin_at = {5'000'000};
  Lab lab(wanted);
  lab.shard.poll({4'999'999});
  EXPECT_EQ(lab.counters().opened, 0U);
  EXPECT_EQ(lab.shard.looked_for, 1);
  EXPECT_FALSE(lab.app.finished({4'999'999}));
  lab.shard.poll({5'000'700});
  EXPECT_EQ(lab.counters().opened, 1U);
  EXPECT_EQ(lab.results().ran, 700_us) << "it is measured from the intended time";
}

TEST(AStartAtAGivenTime, IsGivenUpByAStop) {
  ClientSettings wanted = settings(Closer::client);
  wanted.load.begin_at = {5'000'000};
  Lab lab(wanted);
  lab.app.stop({1'000});
  lab.shard.poll({2'000});
  lab.shard.poll({3'000});
  EXPECT_EQ(lab.counters().opened, 0U);
  EXPECT_TRUE(lab.app.finished({3'000}));
}

TEST(AStartAtAGivenTime, IsAtOnceIfThatTimeIsOver) {
  ClientSettings wanted = settings(Closer::client);
  wanted.load.begin_at = {-5};
  Lab lab(wanted);
  EXPECT_EQ(lab.counters().opened, 1U);
  EXPECT_EQ(lab.shard.looked_for, 0);
}

}  // namespace
}  // namespace mayfly::testing
