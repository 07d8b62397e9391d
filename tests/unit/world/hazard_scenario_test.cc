// The worlds of the hazard lab: what a policy's settings make of hosts and traffic.
#include "world/hazard_scenario.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using world::HazardKind;
using world::Parting;

world::EndPolicies policy_of(shard::Closer server, shard::Closer client, bool abort = false) {
  world::EndPolicies policy;
  policy.server.close = {.first = server, .grace = 70_ms, .abort = abort};
  policy.client.close.first = client;
  return policy;
}

Parting parting_of(const world::EndPolicies& policy) {
  return *hazard_scenario({}, policy, HazardKind::stamped).traffics.at(0).parting;
}

TEST(HazardScenario, TheCloseOrderIsThePolicys) {
  using enum shard::Closer;
  EXPECT_EQ(parting_of(policy_of(server, server)), Parting::server_first);
  EXPECT_EQ(parting_of(policy_of(client, client)), Parting::client_first);
  EXPECT_EQ(parting_of(policy_of(client, server)), Parting::server_first)
      << "two that wait for each other: the server's grace ends";
  EXPECT_EQ(parting_of(policy_of(server, server, true)), Parting::server_resets);
  EXPECT_EQ(parting_of(policy_of(client, reset)), Parting::client_resets);
  EXPECT_EQ(hazard_scenario({}, policy_of(client, client), HazardKind::nat).traffics[0].grace,
            70_ms);
}

TEST(HazardScenario, TableOfTheServerIsTheSameUnderEveryPolicy) {
  world::EndPolicies policy;
  const auto entries = [&](flow::TimeWaitPolicy::OnFull on_full) {
    policy.server.shard.time_wait.on_full = on_full;
    return hazard_scenario({.capacity = 16}, policy, HazardKind::stamped).hosts[0].sizes.time_wait;
  };
  EXPECT_EQ(entries(flow::TimeWaitPolicy::OnFull::evict_oldest), 16u);
  EXPECT_EQ(entries(flow::TimeWaitPolicy::OnFull::close), 16u);
  EXPECT_EQ(entries(flow::TimeWaitPolicy::OnFull::refuse), 16u);
  policy.server.shard.time_wait.capacity = 5;
  EXPECT_EQ(entries(flow::TimeWaitPolicy::OnFull::close), 16u) << "whatever the policy's own";
}

TEST(HazardScenario, ClientsWithoutTimestampsUploadToo) {
  world::HazardWorldSettings settings;
  settings.connections = 2'000;
  const world::Scenario s = hazard_scenario(settings, {}, HazardKind::unstamped);
  ASSERT_EQ(s.hosts.size(), 3u);
  EXPECT_EQ(s.traffics[0].connections + s.traffics[1].connections, 2'000u);
  EXPECT_EQ(s.traffics[1].request_min, 1'000'000u);
  EXPECT_FALSE(s.hosts[1].settings.tcp.timestamps || s.hosts[2].settings.tcp.timestamps);
  EXPECT_EQ(s.hosts[2].traffic, 1u);
}

TEST(HazardScenario, OnlyTheServersWireIsBad) {
  world::HazardWorldSettings settings;
  settings.link.loss = 0.01;
  for (const HazardKind kind : {HazardKind::stamped, HazardKind::nat}) {
    const world::Scenario s = hazard_scenario(settings, {}, kind);
    EXPECT_EQ(s.hosts[0].wire.faults.loss, 0.01);
    EXPECT_GT(s.hosts[0].wire.stray, 0);
    EXPECT_FALSE(s.hosts[1].wire.any());
    EXPECT_EQ(s.hosts[1].behind_nat, kind == HazardKind::nat);
    EXPECT_EQ(s.has(world::SimFault::nat), kind == HazardKind::nat);
    EXPECT_FALSE(s.keeps_promises);
  }
}

TEST(HazardScenario, ManyClientsUseNoFourTupleTwice) {
  world::HazardWorldSettings settings;
  settings.connections = 10'000;
  const world::Scenario s = hazard_scenario(settings, {}, HazardKind::many_clients);
  std::uint64_t tuples = 0;
  for (const world::HostPlan& host : s.hosts)
    if (!host.is_server) tuples += std::uint64_t{host.addresses} * host.ports;
  EXPECT_GE(tuples, 10'000u);
  EXPECT_TRUE(s.hosts.back().wire.blanks_timestamps);
  EXPECT_FALSE(s.hosts[1].wire.blanks_timestamps);
}

TEST(HazardScenario, ANatGivesItsPortsAgain) {
  const world::Scenario s = hazard_scenario({}, {}, HazardKind::nat_ports);
  EXPECT_EQ(s.nat.port_hold, 1_s);
  EXPECT_LT(s.nat.last_port - s.nat.first_port + 1, s.hosts[1].addresses * s.hosts[1].ports);
  EXPECT_EQ(hazard_scenario({}, {}, HazardKind::nat).nat.port_hold, Duration::max());
  EXPECT_EQ(hazard_scenario({}, {}, HazardKind::balancers).nat.port_hold, 1_s);
}

TEST(HazardScenario, AProxyHoldsWhatThePolicySaysForTheEndThatClosesFirst) {
  world::EndPolicies policy = policy_of(shard::Closer::server, shard::Closer::server);
  policy.server.shard.time_wait.hold = 7_s;
  policy.client.shard.time_wait.hold = 8_s;
  policy.client.shard.time_wait.reuse = 1;
  const world::Scenario s = hazard_scenario({}, policy, HazardKind::proxy);
  EXPECT_EQ(s.traffics[0].parting, Parting::client_first);
  const world::HostPlan& proxy = s.hosts.back();
  EXPECT_EQ(proxy.settings.time_wait.hold, 7_s);
  EXPECT_EQ(proxy.settings.time_wait.reuse, 1) << "only a client connects";
  EXPECT_TRUE(s.hosts[0].is_server && s.hosts[1].is_server);
  const world::Scenario reset = hazard_scenario(
      {}, policy_of(shard::Closer::server, shard::Closer::server, true), HazardKind::proxy);
  EXPECT_EQ(reset.traffics[0].parting, Parting::client_resets);
}

TEST(HazardScenario, ALossyNetworkIsWorse) {
  world::HazardWorldSettings settings;
  settings.link.loss = 0.01;
  EXPECT_DOUBLE_EQ(hazard_scenario(settings, {}, HazardKind::lossy).hosts[0].wire.faults.loss,
                   0.05);
}

}  // namespace
}  // namespace mayfly::testing
