// Shards on a simulated network: the same engine that drives a device, and a clock that jumps.
#include "net/simulation.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "support/shard_pair.h"

namespace mayfly::testing {
namespace {

using net::WireSettings;

/// A server that answers and a client that asks, with `link` between them.
struct World {
  explicit World(const WireSettings& link = {}, std::uint64_t seed = 1) : simulation(seed) {
    settings.time_wait.hold = 2_s;
    server = std::move(*net::ShardHost<PongApp>::create(
        simulation, shard_config("server", 0xc612'0001, 1), settings, server_app, link));
    client = std::move(*net::ShardHost<PingApp>::create(
        simulation, shard_config("client", 0xc612'0101, 2), settings, client_app));
  }
  bool quiet() const {
    return client_app.closed == client_app.to_open && server->shard().open_connections() == 0;
  }

  shard::ShardSettings settings;
  net::Simulation simulation;
  PongApp server_app;
  PingApp client_app;
  std::unique_ptr<net::ShardHost<PongApp>> server;
  std::unique_ptr<net::ShardHost<PingApp>> client;
};

WireSettings bad_link() {
  WireSettings link;
  link.faults = {.loss = 0.1,
                 .duplicate = 0.05,
                 .corrupt = 0.05,
                 .reorder = 0.1,
                 .delay = 10_ms,
                 .jitter = 5_ms};
  return link;
}

TEST(Simulation, CarriesAConnectionFromItsOpenToItsTimeWait) {
  World world;
  world.client_app.to_open = 1;
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.client_app.answered, 1u);
  EXPECT_EQ(world.client_app.last, flow::CloseReason::time_wait);
  EXPECT_EQ(world.server_app.last, flow::CloseReason::done);
  EXPECT_EQ(world.client->shard().time_wait_entries(), 1u);
  world.simulation.run_for(2_s);
  EXPECT_EQ(world.client->shard().time_wait_entries(), 0u);
}

TEST(Simulation, JumpsOverTimeInWhichNothingHappens) {
  World world;
  world.client_app.to_open = 1;
  world.simulation.run_for(10_s);
  const Instant day_ends = world.simulation.now() + 24_min * 60;
  unsigned steps = 0;
  while (world.simulation.step(day_ends)) ++steps;
  EXPECT_EQ(world.simulation.now(), day_ends);
  EXPECT_LT(steps, 10u);
}

struct CountingWatch final : net::HostWatch {
  void started(const flow::Connections&, const flow::TimeWaits&, const flow::ShardStats&) override {
    ++starts;
  }
  void polled(Instant) override { ++polls; }
  unsigned starts = 0, polls = 0;
};

TEST(Simulation, AHostThatCrashesIsSilentAndComesBackWithNothing) {
  World world;
  CountingWatch watch;
  world.server->watch(watch);
  EXPECT_EQ(watch.starts, 1u) << "it is told of the shard that there is";
  world.client_app.to_open = 1;
  world.simulation.run_for(1_s);
  ASSERT_EQ(world.client_app.answered, 1u);
  const unsigned polls = watch.polls;
  world.server->crash(world.simulation.now(), 10_s);
  world.simulation.ask_all();
  world.client_app.to_open = 2;  // when the client's TIME_WAIT ends it is polled
  world.simulation.run_for(9_s);
  EXPECT_FALSE(world.server->is_up());
  EXPECT_EQ(world.client_app.opened, 2u);
  EXPECT_EQ(world.client_app.answered, 1u);
  EXPECT_EQ(watch.polls, polls);
  world.simulation.run_for(60_s);
  EXPECT_TRUE(world.server->is_up());
  EXPECT_EQ(watch.starts, 2u);
  EXPECT_GT(watch.polls, polls);
  EXPECT_EQ(world.client_app.answered, 2u);
}

TEST(Simulation, AnIdleHostIsPolledNowAndThenIfItIsToBe) {
  World world;
  CountingWatch watch;
  world.server->watch(watch);
  world.simulation.run_for(10_s);
  EXPECT_LE(watch.polls, 1u);
  world.server->set_idle_heartbeat(100_ms);
  world.simulation.ask_all();
  world.simulation.run_for(1_s);
  EXPECT_GE(watch.polls, 10u);
}

TEST(Simulation, TakesAsLongAsTheLink) {
  WireSettings slow;
  slow.faults.delay = 100_ms;
  World world(slow);
  world.client_app.to_open = 1;
  const Instant start = world.simulation.now();
  ASSERT_TRUE(world.simulation.run_until([&] { return world.client_app.answered == 1; }, 10_s));
  // Two round trips: the handshake, the question. ARP is spared the delay.
  EXPECT_GE(world.simulation.now() - start, 400_ms);
  EXPECT_LE(world.simulation.now() - start, 405_ms);
}

TEST(Simulation, SaysThatTheTimeWasNotEnough) {
  World world;
  const Instant start = world.simulation.now();
  EXPECT_FALSE(world.simulation.run_until([] { return false; }, 5_s));
  EXPECT_EQ(world.simulation.now(), start + 5_s);
}

TEST(Simulation, EndsEveryConnectionWellOverABadLink) {
  World world(bad_link());
  world.client_app.to_open = 300;
  ASSERT_TRUE(world.simulation.run_until([&] { return world.quiet(); }, 200_s));
  EXPECT_EQ(world.client_app.answered, 300u);
  EXPECT_EQ(world.server_app.opened, 300u);
  EXPECT_GT(world.server->shard().stats().retransmitted.get(), 0u);
  EXPECT_GT(world.simulation.network().counts(world.server->port()).corrupted, 0u);
}

TEST(Simulation, FindsANeighbourAlthoughArpIsLost) {
  WireSettings link;
  link.faults.loss = 0.5;
  link.spares_arp = false;
  World world(link, 3);
  world.client_app.to_open = 1;
  ASSERT_TRUE(world.simulation.run_until([&] { return world.quiet(); }, 200_s));
  EXPECT_EQ(world.client_app.answered, 1u);
}

TEST(Simulation, RunsTheSameWayForTheSameSeed) {
  const auto run = [](std::uint64_t seed) {
    World world(bad_link(), seed);
    world.client_app.to_open = 50;
    world.simulation.run_until([&] { return world.quiet(); }, 200_s);
    return std::pair(world.simulation.now(), world.server->shard().stats().rx_packets.get());
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

// A server with a port in each of two networks, and a client in either.
struct TwoNetworks {
  TwoNetworks() {
    settings.time_wait.hold = 2_s;
    shard::ShardConfig config = shard_config("server", 0xc612'0001, 1);
    config.interfaces.push_back(config.interfaces[0]);
    config.interfaces[1].mac = {{2, 0, 0, 0, 0, 11}};
    server = std::move(*net::ShardHost<PongApp>::create_on(
        simulation, config, settings, server_app, std::array<net::Attachment, 2>{{{}, {{}, 1}}}));
    for (std::uint8_t n = 0; n < 2; ++n)
      clients[n] = std::move(*net::ShardHost<PingApp>::create(
          simulation, shard_config("client-" + std::to_string(n), 0xc612'0101, 2), settings,
          apps[n], {}, n));
  }

  shard::ShardSettings settings;
  net::Simulation simulation{1};
  PongApp server_app;
  std::array<PingApp, 2> apps;
  std::unique_ptr<net::ShardHost<PongApp>> server;
  std::array<std::unique_ptr<net::ShardHost<PingApp>>, 2> clients;
};

TEST(Simulation, AHostMayHaveAPortInEachOfTwoNetworks) {
  TwoNetworks world;
  world.apps[1].to_open = 3;
  world.simulation.ask_all();
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.apps[1].answered, 3u);
  EXPECT_EQ(world.server_app.opened, 3u);
}

TEST(Simulation, APortThatIsStuckSendsNothingUntilItTakesFramesAgain) {
  TwoNetworks world;
  world.server->port(0).stick(true);
  for (PingApp& app : world.apps) app.to_open = 1;
  world.simulation.ask_all();
  world.simulation.run_for(50_ms);
  EXPECT_EQ(world.apps[0].answered, 0u);
  EXPECT_EQ(world.apps[1].answered, 1u) << "the other one is not stuck";
  world.server->port(0).stick(false);
  world.simulation.ask_all();
  world.simulation.run_for(50_ms);
  EXPECT_EQ(world.apps[0].answered, 1u);
}

TEST(Simulation, ASlowCoreLetsFramesWait) {
  World world;
  world.server->set_pace({.frame = 100_ms});
  world.client_app.to_open = 1;
  world.simulation.ask_all();
  world.simulation.run_for(150_ms);
  EXPECT_EQ(world.client_app.answered, 0u)
      << "it works on the SYN and on the ARP request before it";
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.client_app.answered, 1u);
}

}  // namespace
}  // namespace mayfly::testing
