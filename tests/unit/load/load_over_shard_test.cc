// The generator over the real stack: two shards on a wire in memory, with virtual time.
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>
#include <string_view>

#include "load/load_app.h"
#include "load/report.h"
#include "support/shard_pair.h"

namespace mayfly::testing {
namespace {

using load::ClientSettings;
using load::LoadCounters;
using shard::Closer;

/// The flow tables' memory comes from DPDK.
class EalEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    std::array<const char*, 9> arguments{
        "unit_load",      "--no-huge", "--no-shconf", "--no-pci",
        "--no-telemetry", "-m",        "64",          "--log-level=lib.eal:error",
        nullptr};
    const int count = static_cast<int>(arguments.size()) - 1;
    ASSERT_GE(rte_eal_init(count, const_cast<char**>(arguments.data())), 0);
  }
  void TearDown() override { rte_eal_cleanup(); }
};
const auto* const kEal = ::testing::AddGlobalTestEnvironment(new EalEnvironment);

/// Answers each request, and closes as HTTP has it.
struct WebApp : shard::AppBase {
  using AppBase::on_drain, AppBase::finished;
  using AppBase::on_poll, AppBase::next_due, AppBase::on_settings, AppBase::stop;
  bool listens(std::uint16_t port) const noexcept { return port == 80; }
  template <class Conn>
  void on_open(Conn&) noexcept {}
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    const std::string_view request(reinterpret_cast<const char*>(text.data()), text.size());
    c.send(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    if (request.find("Connection: close") != std::string_view::npos) c.close();
    return text.size();
  }
  template <class Conn>
  void on_sent(Conn&) noexcept {}
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    c.close();
  }
  template <class Conn>
  void on_wake(Conn&) noexcept {}
  template <class Conn>
  void on_closed(Conn&, flow::CloseReason) noexcept {}
};

ClientSettings settings(Closer first) {
  ClientSettings s;
  s.target = {.address = {0xc6120001}};
  s.sources = {
      .first = {0xc6120101}, .last = {0xc6120101}, .port_first = 2'000, .port_last = 2'999};
  s.load.rate = 500;
  s.load.duration = 3_s;
  s.load.timeout = 2_s;
  s.close.first = first;
  s.shard.time_wait.hold = 1_s;
  return s;
}

ClientSettings wanted;  // what the next Generator is made with
struct Generator : load::LoadApp {
  Generator() : LoadApp(wanted, {}, {1, 2}) {}
};

load::CoreReport run(const ClientSettings& with) {
  wanted = with;
  shard::ShardSettings stack;
  stack.time_wait.hold = with.shard.time_wait.hold;
  ShardPair<WebApp, Generator> pair;
  pair.server_uses(stack);
  pair.client_uses(stack, wanted.close);
  for (int i = 0; i < 100 && !pair.client_app.finished(pair.now); ++i) pair.run_for(100_ms);
  EXPECT_TRUE(pair.client_app.finished(pair.now));
  pair.client->abort_all(pair.now);
  pair.run_for(1_ms);
  return {0, pair.client_app.results(pair.now), pair.client->stats()};
}

TEST(LoadOverShard, CompletesEveryConnectionWhoeverClosesFirst) {
  for (const Closer first : {Closer::client, Closer::server, Closer::reset}) {
    ClientSettings s = settings(first);
    s.load.requests_per_connection = 2;
    const load::CoreReport report = run(s);
    const LoadCounters& c = report.results.counters;
    EXPECT_EQ(c.opened, 1'500U);
    EXPECT_EQ(c.completed, 1'500U);
    EXPECT_EQ(c.responses, 3'000U);
    EXPECT_EQ(c.failed_total(), 0U);
    EXPECT_EQ(report.stack.retransmitted.get(), 0U);
    EXPECT_EQ(report.stack.time_wait_peak.get() > 0, first == Closer::client);
  }
}

TEST(LoadOverShard, OpensNoMoreThanTheSourcesAllowWhileTheirTimeWaitLasts) {
  ClientSettings s = settings(Closer::client);
  s.sources.port_last = 2'099;  // 100 sources, held 1 s each: 100 a second
  const load::CoreReport report = run(s);
  const LoadCounters& c = report.results.counters;
  EXPECT_EQ(c.offered, 1'500U);
  EXPECT_EQ(c.completed + c.port_exhausted, 1'500U);
  EXPECT_GE(c.completed, 290U);
  EXPECT_LE(c.completed, 300U);
  EXPECT_EQ(report.stack.time_wait_peak.get(), 100U);
  EXPECT_EQ(c.failed_total(), 0U);
}

TEST(LoadOverShard, IsNotHinderedByTheSourcesWhenTheServerHoldsTheTimeWait) {
  ClientSettings s = settings(Closer::server);
  s.sources.port_last = 2'099;
  EXPECT_EQ(run(s).results.counters.completed, 1'500U);
}

/// What a server that holds for a minute met: 300 connections from 10 sources.
struct Reopened {
  std::uint64_t by_timestamp = 0, after_reset = 0;
};
Reopened from_ten_sources(std::uint32_t hosts) {
  wanted = settings(Closer::server);
  wanted.sources.port_last = 2'009;
  wanted.sources.hosts = hosts;
  wanted.load.connections = 300;
  ShardPair<WebApp, Generator> pair;
  pair.server_uses({});
  pair.client_uses({}, wanted.close);
  for (int i = 0; i < 50 && !pair.client_app.finished(pair.now); ++i) pair.run_for(100_ms);
  EXPECT_EQ(pair.client_app.results(pair.now).counters.completed, 300U);
  const flow::ShardStats& stats = pair.server->stats();
  return {stats.time_wait_reopened_timestamp.get(), stats.time_wait_killed_after_syn.get()};
}

TEST(LoadOverShard, HostsBehindOneAddressHaveClocksAndNumbersOfTheirOwn) {
  const Reopened one = from_ten_sources(1);
  EXPECT_EQ(one.by_timestamp, 290U);
  EXPECT_EQ(one.after_reset, 0U);
  const Reopened many = from_ten_sources(24);
  EXPECT_GT(many.by_timestamp, 50U) << "newer stamps";
  EXPECT_GT(many.after_reset, 50U) << "older ones";
}

TEST(LoadOverShard, LeavesNoTimeWaitBehindThatItTakesOver) {
  wanted = settings(Closer::server);
  wanted.load.connections = 900;
  shard::ShardSettings server, client;
  server.time_wait.hold = client.time_wait.hold = 60_s;
  server.time_wait.rules.rst = tcp::TimeWaitRules::OnRst::accept;
  client.time_wait.hand_over = true;
  ShardPair<WebApp, Generator> pair;
  pair.server_uses(server);
  pair.client_uses(client, wanted.close);
  for (int i = 0; i < 50 && !pair.client_app.finished(pair.now); ++i) pair.run_for(100_ms);
  EXPECT_EQ(pair.client_app.results(pair.now).counters.completed, 900U);
  EXPECT_EQ(pair.server->stats().time_wait_opened.get(), 900U);
  EXPECT_EQ(pair.server->stats().time_wait_killed.get(), 900U);
  EXPECT_EQ(pair.server->time_wait_entries(), 0U);
  EXPECT_EQ(pair.client->time_wait_entries(), 900U);
}

TEST(LoadOverShard, KeepsTheWantedConcurrency) {
  ClientSettings s = settings(Closer::reset);
  s.load.rate = 0;
  s.load.concurrency = 20;
  s.load.connections = 1'000;
  const LoadCounters c = run(s).results.counters;
  EXPECT_EQ(c.offered, 1'000U);
  EXPECT_EQ(c.completed, 1'000U);
}

TEST(LoadOverShard, FailsConnectionsToAPortWithoutAListener) {
  ClientSettings s = settings(Closer::client);
  s.target.port = 81;
  const LoadCounters c = run(s).results.counters;
  EXPECT_EQ(c.completed, 0U);
  EXPECT_EQ(c.failures(load::Failure::refused), 1'500U);
}

TEST(LoadOverShard, FailsConnectionsToAnAddressWhereNobodyIs) {
  ClientSettings s = settings(Closer::client);
  s.target.address = {0xc6120002};
  s.load.connections = 10;
  const LoadCounters c = run(s).results.counters;
  EXPECT_EQ(c.completed, 0U);
  EXPECT_EQ(c.failed_total(), 10U);
  EXPECT_EQ(c.open, 0U);
}

}  // namespace
}  // namespace mayfly::testing
