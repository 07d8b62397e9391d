// What the generator tells of connections that failed, and what it does about them.
#include <gtest/gtest.h>

#include <string>

#include "unit/load/load_lab.h"

namespace mayfly::testing {
namespace {

TEST(CausesOfFailure, HaveACauseByTheStateInWhichTheyCame) {
  using tcp::State;
  const std::pair<State, Cause> kCases[] = {
      {State::established, Cause::reset_in_established},
      {State::close_wait, Cause::reset_in_close_wait},
      {State::fin_wait_1, Cause::reset_in_fin_wait_1},
      {State::fin_wait_2, Cause::reset_in_fin_wait_2},
      {State::closing, Cause::reset_in_closing},
      {State::last_ack, Cause::reset_in_last_ack},
  };
  for (const auto& [state, cause] : kCases) {
    Lab lab(Closer::client);
    lab.shard.answers_syn();
    lab.shard.flow().last_state = state;
    lab.shard.ends(CloseReason::reset);
    EXPECT_EQ(lab.caused_by(cause), 1U) << name_of(cause);
  }
}

TEST(CausesOfFailure, ThatTookTooLongHaveACauseByWhatWasMissing) {
  const auto cause_after = [](auto&& steps) {
    Lab lab(Closer::client);
    steps(lab);
    lab.app.stop(lab.shard.now);
    lab.shard.poll({2'000'000});
    lab.shard.poll({2'000'001});
    EXPECT_EQ(lab.failed(Failure::timed_out), 1U);
    for (std::size_t i = 0; i < load::kCauseCount; ++i)
      if (lab.counters().causes[i] > 0) return static_cast<Cause>(i);
    return Cause::open_at_end;
  };
  EXPECT_EQ(cause_after([](Lab&) {}), Cause::syn_unanswered);
  EXPECT_EQ(cause_after([](Lab& lab) { lab.shard.flow().challenged = true; }), Cause::challenged);
  EXPECT_EQ(cause_after([](Lab& lab) { lab.shard.silent = {0xc6120001}; }), Cause::no_arp_answer);
  EXPECT_EQ(cause_after([](Lab& lab) { lab.shard.answers_syn(); }), Cause::no_answer);
  EXPECT_EQ(cause_after([](Lab& lab) {
              lab.shard.answers_syn();
              lab.shard.says(kAnswer);
            }),
            Cause::no_fin);
}

TEST(CausesOfFailure, NameTheNeighbourThatAnswersNoArpOnceThatIsKnown) {
  ClientSettings s = settings(Closer::client);
  s.load.timeout = 100_ms;
  Lab lab(s);
  for (std::int64_t ms = 100; ms <= 1'000; ms += 100) lab.shard.poll({ms * 1'000});
  EXPECT_EQ(lab.caused_by(Cause::syn_unanswered), 10U) << "an ARP request may yet be answered";
  lab.shard.silent = {0xc6120001};
  lab.shard.poll({1'000'001});
  EXPECT_EQ(lab.caused_by(Cause::syn_unanswered), 0U);
  EXPECT_EQ(lab.caused_by(Cause::no_arp_answer), 10U);
  EXPECT_EQ(lab.results().silent.four, Ipv4Address{0xc6120001});
}

TEST(CausesOfFailure, AtTheEndTellAnUnansweredSynFromAConnection) {
  ClientSettings s = settings(Closer::client);
  s.load.concurrency = 2;
  Lab lab(s);
  lab.shard.answers_syn(lab.first_id());
  lab.app.stop(lab.shard.now);
  lab.shard.abort_all();
  EXPECT_EQ(lab.failed(Failure::aborted_at_end), 2U);
  EXPECT_EQ(lab.caused_by(Cause::open_at_end), 1U);
  EXPECT_EQ(lab.caused_by(Cause::syn_unanswered_at_end), 1U);
}

TEST(CausesOfFailure, ByStatusSayWhich) {
  for (const std::uint16_t status : {std::uint16_t{301}, std::uint16_t{503}}) {
    Lab lab(Closer::client);
    lab.shard.answers_syn();
    lab.shard.says("HTTP/1.1 " + std::to_string(status) + " Sorry\r\n");
    EXPECT_EQ(lab.results().statuses.of(status), 1U);
    EXPECT_EQ(lab.caused_by(Cause::status), 1U);
  }
}

TEST(CausesOfFailure, CountAsAtLeastWhatTheyWaited) {
  ClientSettings s = settings(Closer::client);
  s.load.concurrency = 2;
  Lab lab(s);
  lab.shard.now = {1'000};
  lab.shard.answers_syn(lab.first_id());
  lab.shard.says(kAnswer, lab.first_id());
  lab.app.stop({1'000});
  lab.shard.poll({2'000'000});
  EXPECT_EQ(lab.results().latency.percentile(50), 1'000U);
  EXPECT_EQ(lab.results().latency.max(), 2'000'000U);
  EXPECT_EQ(lab.results().connect_latency.max(), 2'000'000U);
  EXPECT_EQ(lab.results().request_latency.max(), 0U) << "the other one never asked";
}

TEST(Latency, OfRequestsIsMeasuredForEachOfThem) {
  Lab lab(Closer::client, 3);
  lab.shard.now = {500};
  lab.shard.answers_syn();
  for (const std::int64_t took : {100, 300, 200}) {
    lab.shard.now = lab.shard.now + Duration{took};
    lab.shard.says(kAnswer);
  }
  const load::LoadResults& r = lab.results();
  EXPECT_EQ(r.request_latency.count(), 3U);
  EXPECT_EQ(*r.request_latency.max() / 10, 30U);
  EXPECT_EQ(*r.request_latency.percentile(50) / 10, 20U);
  EXPECT_EQ(r.latency.max(), 1'100U) << "the connection's, from its start";
}

TEST(Challenges, AreCountedOnceForASourcePair) {
  ClientSettings s = settings(Closer::server);
  s.sources.port_last = 2'000;  // one source
  Lab lab(s);
  for (int i = 0; i < 3; ++i) {
    lab.shard.flow().challenged = true;
    lab.shard.answers_syn();
    lab.shard.says(kAnswer);
    lab.shard.closes();
    lab.shard.poll();
  }
  EXPECT_EQ(lab.counters().completed, 3U);
  EXPECT_EQ(lab.counters().challenged_sources, 1U);
}

TEST(ARefusingTarget, IsTriedOneAtATimeWithGrowingPauses) {
  ClientSettings s = settings(Closer::server);
  s.load.concurrency = 100;
  s.load.duration = 10_s;
  Lab lab(s);
  for (std::int64_t us = 0; us <= 10'000'000; us += 500) {
    lab.shard.poll({us});
    while (!lab.shard.flows.empty()) lab.shard.ends(CloseReason::refused);
  }
  EXPECT_LT(lab.counters().opened, 100U + 110U);
  EXPECT_GT(lab.counters().opened, 100U + 90U) << "it still looks ten times a second";
}

TEST(ARefusingTarget, IsLoadedAtOnceWhenItAcceptsAgain) {
  ClientSettings s = settings(Closer::server);
  s.load.concurrency = 20;
  Lab lab(s);
  while (!lab.shard.flows.empty()) lab.shard.ends(CloseReason::refused);
  lab.shard.poll({200'000});
  ASSERT_EQ(lab.counters().open, 1U) << "one at a time";
  lab.shard.answers_syn();
  lab.shard.poll({300'001});
  EXPECT_EQ(lab.counters().open, 20U);
}

TEST(ARefusingTarget, ThatRefusesNowAndThenIsNotSpared) {
  ClientSettings s = settings(Closer::server);
  s.load.concurrency = 10;
  Lab lab(s);
  for (int i = 0; i < 100; ++i) {
    lab.shard.ends(CloseReason::refused, lab.first_id());
    lab.shard.answers_syn();
    lab.shard.poll({i});
    ASSERT_EQ(lab.counters().open, 10U);
  }
}

TEST(ARefusingTarget, GetsTheWholeRateOfAnOpenLoop) {
  ClientSettings s = settings(Closer::client);
  s.load.concurrency = 0;
  s.load.rate = 1'000;
  s.load.duration = 1_s;
  Lab lab(s);
  for (std::int64_t ms = 0; ms < 1'000; ++ms) {
    lab.shard.poll({ms * 1'000});
    while (!lab.shard.flows.empty()) lab.shard.ends(CloseReason::refused);
  }
  EXPECT_EQ(lab.counters().opened, 1'000U);
}

TEST(Latency, HoldsTheStartsThatItCouldNotMakeInItsLatency) {
  ClientSettings s = settings(Closer::client);
  s.load.concurrency = 0;
  s.load.rate = 1'000;
  s.load.duration = 1_s;
  s.sources.port_last = 2'000;  // one source
  Lab lab(s);
  lab.shard.now = {100};
  lab.shard.answers_syn();
  lab.shard.says(kAnswer);
  EXPECT_EQ(lab.results().latency.percentile(99), 100U);
  lab.shard.poll({99'500});
  EXPECT_EQ(lab.counters().opened + lab.counters().port_exhausted + lab.counters().behind, 100U);
  EXPECT_EQ(lab.results().latency.count(), 100U) << "all that was offered";
  EXPECT_GT(*lab.results().latency.percentile(99), 30'000U);
}

}  // namespace
}  // namespace mayfly::testing
