#include "load/tuples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "load/plan.h"

namespace mayfly::testing {
namespace {

using load::ClientSettings;
using load::TuplePool;
using shard::Closer;

using Answer = TuplePool::Answer;
using Taking = TuplePool::Outcome;

constexpr load::TargetSettings target() { return {.address = {0xc6120001}, .port = 80}; }

load::SourceSettings sources(std::uint32_t addresses, std::uint16_t ports) {
  return {.first = {0xc6120101},
          .last = {0xc6120101 + addresses - 1},
          .port_first = 2'000,
          .port_last = static_cast<std::uint16_t>(2'000 + ports - 1)};
}

/// Takes a source that the stack accepts at once.
std::optional<std::uint32_t> take(TuplePool& pool) {
  std::optional<std::uint32_t> taken;
  pool.take([&](const FlowKey4&, std::uint32_t source) {
    taken = source;
    return Answer::accepted;
  });
  return taken;
}

std::vector<std::uint32_t> take_all(TuplePool& pool) {
  std::vector<std::uint32_t> taken;
  while (const auto source = take(pool)) taken.push_back(*source);
  return taken;
}

TEST(TuplePool, GivesEverySourceOnceBeforeAnyAgain) {
  for (const std::uint16_t ports : std::initializer_list<std::uint16_t>{1, 2, 3, 4, 60, 1'001}) {
    TuplePool pool(sources(3, ports), target(), {1, 2});
    const auto taken = take_all(pool);
    EXPECT_EQ(taken.size(), 3U * ports);
    EXPECT_EQ(std::set<std::uint32_t>(taken.begin(), taken.end()).size(), 3U * ports);
  }
}

TEST(TuplePool, NamesEachSourceByItsAddressAndPort) {
  TuplePool pool(sources(2, 10), target(), {1, 2});
  EXPECT_EQ(pool.key_of(0), FlowKey4::of({0xc6120101}, 2'000, {0xc6120001}, 80));
  EXPECT_EQ(pool.key_of(19), FlowKey4::of({0xc6120102}, 2'009, {0xc6120001}, 80));
}

TEST(TuplePool, HidesItsOrderFromWhoDoesNotKnowTheSecret) {
  TuplePool one(sources(1, 1'000), target(), {1, 2}), other(sources(1, 1'000), target(), {3, 4});
  EXPECT_NE(take_all(one), take_all(other));
}

TEST(TuplePool, TriesTheLongestIdleSourceFirst) {
  TuplePool pool(sources(1, 4), target(), {1, 2});
  take_all(pool);
  for (const std::uint32_t source : {2U, 0U, 3U}) pool.release(source, TuplePool::After::rest);
  EXPECT_EQ(take_all(pool), (std::vector<std::uint32_t>{2, 0, 3}));
}

TEST(TuplePool, PrefersSourcesThatOweNoRest) {
  TuplePool pool(sources(1, 4), target(), {1, 2});
  take_all(pool);
  pool.release(1, TuplePool::After::rest);
  pool.release(2, TuplePool::After::ready);
  EXPECT_EQ(take_all(pool), (std::vector<std::uint32_t>{2, 1}));
}

TEST(TuplePool, SkipsAHeldSourceAndKeepsItForLater) {
  TuplePool pool(sources(1, 3), target(), {1, 2});
  take_all(pool);
  for (const std::uint32_t source : {0U, 1U, 2U}) pool.release(source, TuplePool::After::rest);
  std::uint32_t taken = 99;
  const auto outcome = pool.take([&](const FlowKey4&, std::uint32_t source) {
    taken = source;
    return source == 0 ? Answer::held : Answer::accepted;
  });
  EXPECT_EQ(outcome, Taking::taken);
  EXPECT_EQ(taken, 1U);
  EXPECT_EQ(take_all(pool), (std::vector<std::uint32_t>{0, 2}));
}

TEST(TuplePool, SaysThatItIsExhaustedAfterABoundedNumberOfProbes) {
  TuplePool pool(sources(1, 1'000), target(), {1, 2});
  for (const std::uint32_t source : take_all(pool)) pool.release(source, TuplePool::After::rest);
  std::uint32_t probes = 0;
  const auto outcome = pool.take([&](const FlowKey4&, std::uint32_t) {
    ++probes;
    return Answer::held;
  });
  EXPECT_EQ(outcome, Taking::exhausted);
  EXPECT_EQ(probes, TuplePool::kProbes);
  EXPECT_EQ(take_all(pool).size(), 1'000U);
}

TEST(TuplePool, LosesNoSourceWhenTheStackIsFull) {
  TuplePool pool(sources(1, 5), target(), {1, 2});
  const auto full = [](const FlowKey4&, std::uint32_t) { return Answer::refused; };
  EXPECT_EQ(pool.take(full), Taking::refused);
  const auto all = take_all(pool);
  EXPECT_EQ(all.size(), 5U);
  for (const std::uint32_t source : all) pool.release(source, TuplePool::After::ready);
  EXPECT_EQ(pool.take(full), Taking::refused);
  EXPECT_EQ(take_all(pool).size(), 5U);
}

TEST(TuplePool, ComesBackToFreshSourcesThatWereHeldAtFirst) {
  TuplePool pool(sources(1, 20), target(), {1, 2});
  const auto held = [](const FlowKey4&, std::uint32_t) { return Answer::held; };
  EXPECT_EQ(pool.take(held), Taking::later);
  EXPECT_EQ(take_all(pool).size(), 20U);
}

bool odd_port(const void*, const FlowKey4& key) noexcept { return key.local_port_host() % 2 == 1; }
bool even_port(const void*, const FlowKey4& key) noexcept { return key.local_port_host() % 2 == 0; }
bool no_flow(const void*, const FlowKey4&) noexcept { return false; }

TEST(TuplePool, UsesOnlyTheFlowsOfItsCore) {
  TuplePool odd(sources(2, 500), target(), {1, 2}, {odd_port, nullptr});
  TuplePool even(sources(2, 500), target(), {1, 2}, {even_port, nullptr});
  std::set<std::uint32_t> all;
  for (const std::uint32_t source : take_all(odd)) {
    EXPECT_EQ(odd.key_of(source).local_port_host() % 2, 1);
    all.insert(source);
  }
  EXPECT_EQ(all.size(), 500U);
  for (const std::uint32_t source : take_all(even)) all.insert(source);
  EXPECT_EQ(all.size(), 1'000U);
}

TEST(TuplePool, LooksForItsFlowsInBoundedSteps) {
  TuplePool pool(sources(1, 200), target(), {1, 2}, {no_flow, nullptr});
  const auto never = [](const FlowKey4&, std::uint32_t) -> Answer {
    ADD_FAILURE() << "offered another core's flow";
    return Answer::held;
  };
  for (std::uint32_t skipped = 0; skipped + TuplePool::kSkips <= 200; skipped += TuplePool::kSkips)
    EXPECT_EQ(pool.take(never), Taking::later);
  EXPECT_EQ(pool.take(never), Taking::exhausted);
}

ClientSettings plan_settings(double rate, Closer first) {
  ClientSettings settings;
  settings.sources = {.first = {0xc6120101}, .last = {0xc6120101}};
  settings.load.rate = rate;
  settings.load.duration = 30_s;
  settings.close.first = first;
  settings.shard.time_wait.hold = 60_s;
  return settings;
}

TEST(TuplePlan, ShowsTheArithmetic) {
  const auto plan = plan_tuples(plan_settings(10'000, Closer::client));
  EXPECT_EQ(
      arithmetic_of(plan),
      "64,512 ports x 1 address = 64,512 sources; held 60 s each: at most 1,075 connections/s; "
      "offered 10,000/s");
}

TEST(TuplePlan, WarnsOfARateThatTheSourcesDoNotAllowAndSaysWhenTheyRunOut) {
  const std::string warning = warning_of(plan_tuples(plan_settings(10'000, Closer::client)));
  EXPECT_NE(warning.find("too few sources"), std::string::npos) << warning;
  EXPECT_NE(warning.find("run out after 6.5 s"), std::string::npos) << warning;
}

TEST(TuplePlan, SaysWhenTheRunIsTooShortToRunOut) {
  const std::string warning = warning_of(plan_tuples(plan_settings(2'000, Closer::client)));
  EXPECT_NE(warning.find("this run ends before"), std::string::npos) << warning;
}

TEST(TuplePlan, FindsTheEndOfTheSourcesBehindASlowRamp) {
  ClientSettings settings = plan_settings(1'200, Closer::client);
  settings.load.duration = 1'000_s;
  settings.load.ramp = 300_s;
  const auto plan = plan_tuples(settings);
  ASSERT_LT(plan.lasts, 1'000_s);
  EXPECT_GT(plan.lasts, 240_s);  // at 1,075/s and more for a whole hold
}

TEST(TuplePlan, IsSilentWhenTheSourcesSuffice) {
  EXPECT_EQ(warning_of(plan_tuples(plan_settings(1'000, Closer::client))), "");
}

TEST(TuplePlan, IsSilentWhenTheServerHoldsTheTimeWait) {
  EXPECT_EQ(warning_of(plan_tuples(plan_settings(10'000, Closer::server))), "");
  EXPECT_EQ(warning_of(plan_tuples(plan_settings(10'000, Closer::reset))), "");
}

TEST(TuplePlan, CountsWithTheReuseDelayWhenSourcesAreReused) {
  ClientSettings settings = plan_settings(10'000, Closer::client);
  settings.shard.time_wait.reuse = 1;
  EXPECT_EQ(warning_of(plan_tuples(settings)), "");
  EXPECT_EQ(plan_tuples(settings).hold, 1_s);
  settings.shard.tcp.timestamps = false;
  EXPECT_EQ(plan_tuples(settings).hold, 60_s);
}

TEST(TuplePlan, WarnsOfMoreConcurrencyThanSources) {
  ClientSettings settings = plan_settings(0, Closer::server);
  settings.load.concurrency = 100'000;
  EXPECT_NE(warning_of(plan_tuples(settings)).find("100,000 at once"), std::string::npos);
}

TEST(TuplePool, KnowsAnIpv6TupleByItsLast32BitsAndAsksForTheWholeOne) {
  const Ipv6Address first = Ipv6Address::of({0x2001, 0xdb8, 1, 0, 0, 0, 0, 0});
  const Ipv6Address server = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});
  const load::SourceSettings all{
      .first = {0}, .last = {0xffff}, .six = first, .port_first = 2'000, .port_last = 2'000};
  load::TargetSettings to = target();
  to.address = {};
  to.six = server;
  const load::FlowFilter odd_ones{
      nullptr, nullptr, [](const void*, const FlowKey6& key) noexcept {
        EXPECT_TRUE(key.local.shares_prefix(Ipv6Address::of({0x2001, 0xdb8, 1}), 112));
        EXPECT_EQ(key.remote, Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}));
        return key.local.low() % 2 == 1;
      }};
  TuplePool pool(all, to, {1, 2}, odd_ones);
  EXPECT_EQ(pool.sources(), 65'536u);
  EXPECT_EQ(load::six_of(pool.key_of(65'535), first, server),
            FlowKey6::of(first.with_low(0xffff), 2'000, server, 80));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*take(pool) % 2, 1u);
}

}  // namespace
}  // namespace mayfly::testing
