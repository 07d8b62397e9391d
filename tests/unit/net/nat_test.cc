// Hosts behind one address: what the server sees of them, and that their connections work.
#include "net/nat.h"

#include <gmock/gmock.h>

#include <set>

#include "support/shard_pair.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

using net::NatSettings;
using net::ShardHost;

constexpr Ipv4Address kServer{0xc612'0001}, kOutside{0xc612'0201};
constexpr Ipv4Address kFirst{0xc613'0101}, kLast{0xc613'0103};
constexpr std::uint16_t kSourcePort = 40'000;

/// Every host inside opens a connection from the same port.
struct HostsApp : PingApp {
  template <class S>
  void on_poll(S& shard, Instant) noexcept {
    for (; next <= kLast; ++next.host)
      if (shard.connect(FlowKey4::of(next, kSourcePort, kServer, 80), {}).error !=
          shard::ConnectError::none)
        ++refused;
  }
  Ipv4Address next = kFirst;
};

NatSettings nat_settings() {
  NatSettings settings;
  settings.inside = {kFirst, kLast, 15};
  settings.outside = kOutside;
  settings.inside_mac = {{2, 0, 0, 0, 0, 3}};
  settings.outside_mac = {{2, 0, 0, 0, 0, 4}};
  return settings;
}

shard::ShardConfig inside_config() {
  shard::ShardConfig config = shard_config("inside", kFirst.host, 2);
  config.interfaces[0].addresses = {{kFirst, kLast, 15}};
  return config;
}

struct World {
  explicit World(const NatSettings& nat_config = nat_settings(),
                 const net::WireSettings& inside_link = {})
      : nat(simulation, nat_config),
        server(std::move(*ShardHost<PongApp>::create(
            simulation, shard_config("server", kServer.host, 1), settings, server_app))),
        inside(std::move(*ShardHost<HostsApp>::create(simulation, inside_config(), settings,
                                                      inside_app, inside_link, 1))) {
    server->port().set_tap([this](std::span<const std::byte> frame, bool sent, Instant) {
      if (sent || load_be16(&frame[wire::ethernet_at::type]) != wire::ethertype::ipv4) return;
      const std::byte* const ip = &frame[wire::kEthernetHeaderSize];
      addresses.insert(load_be32(ip + wire::ipv4_at::source));
      ports.insert(load_be16(ip + wire::kIpv4HeaderSizeMin));
    });
  }

  net::Simulation simulation{1};
  shard::ShardSettings settings;
  PongApp server_app;
  HostsApp inside_app;
  net::Nat nat;
  std::unique_ptr<ShardHost<PongApp>> server;
  std::unique_ptr<ShardHost<HostsApp>> inside;
  std::set<std::uint32_t> addresses;  ///< that the server has seen
  std::set<std::uint16_t> ports;
};

TEST(Nat, HidesManyHostsBehindOneAddress) {
  World world;
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.inside_app.answered, 3u);
  EXPECT_EQ(world.server_app.opened, 3u);
  EXPECT_THAT(world.addresses, ::testing::ElementsAre(kOutside.host));
  EXPECT_THAT(world.ports, ::testing::ElementsAre(1'024, 1'025, 1'026));
}

TEST(Nat, KeepsAPortThatIsFree) {
  NatSettings settings = nat_settings();
  settings.keeps_ports = true;
  World world(settings);
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.inside_app.answered, 3u);
  EXPECT_THAT(world.ports, ::testing::ElementsAre(1'024, 1'025, kSourcePort));
}

TEST(Nat, KnowsWhoHasAPort) {
  World world;
  EXPECT_EQ(world.nat.inside_of(1'024), std::nullopt);
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.nat.inside_of(1'024), (net::Endpoint{kFirst, kSourcePort}));
}

TEST(Nat, HasNoMorePortsThanThereAre) {
  NatSettings settings = nat_settings();
  settings.first_port = 65'534;
  World world(settings);
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.inside_app.answered, 2u);
  EXPECT_GT(world.nat.dropped(), 0u);
}

// Three hosts and two ports: the third gets the port of the first that has closed.
TEST(Nat, GivesThePortOfAClosedConnectionToAnotherHost) {
  NatSettings settings = nat_settings();
  settings.last_port = settings.first_port + 1;
  settings.port_hold = 2_s;
  World world(settings);
  world.simulation.run_for(1_s);
  EXPECT_EQ(world.inside_app.answered, 2u);
  EXPECT_EQ(world.nat.holders_of(1'024).size(), 1u) << "held for 2 s";
  world.simulation.run_for(9_s);
  EXPECT_EQ(world.inside_app.answered, 3u);
  EXPECT_THAT(world.ports, ::testing::ElementsAre(1'024, 1'025));
  const auto holders = world.nat.holders_of(1'024);
  ASSERT_EQ(holders.size(), 2u);
  EXPECT_EQ(holders.back(), *world.nat.inside_of(1'024));
  EXPECT_NE(holders.front(), holders.back());
}

TEST(Nat, LeavesADamagedSegmentDamaged) {
  net::WireSettings bad;
  bad.faults.corrupt = 0.5;
  World world(nat_settings(), bad);
  world.simulation.run_for(60_s);
  const auto& drops = world.server->shard().stats().drops;
  EXPECT_GT(drops[static_cast<std::size_t>(Drop::tcp_checksum)].get(), 0u);
  EXPECT_EQ(world.inside_app.answered, 3u);
}

// What a middlebox does to timestamps is done on a wire.
TEST(Wire, BlanksTheTimestampsOfAllSegmentsButSyns) {
  net::WireSettings blanks;
  blanks.blanks_timestamps = true;
  World world(nat_settings(), blanks);
  world.simulation.run_for(10_s);
  const flow::ShardStats& stats = world.server->shard().stats();
  EXPECT_EQ(world.inside_app.answered, 3u);
  EXPECT_EQ(stats.timestamps_missing.get(), 3u) << "they were agreed on, and then missing";
  EXPECT_EQ(stats.drops[static_cast<std::size_t>(Drop::tcp_checksum)].get(), 0u);
}

TEST(Nat, DropsWhatNobodyInsideAskedFor) {
  World world;
  world.simulation.run_for(1_s);
  const auto before = world.nat.dropped();
  PingApp app;
  auto stranger = std::move(*ShardHost<PingApp>::create(
      world.simulation, shard_config("stranger", 0xc612'0105, 9), world.settings, app));
  const FlowKey4 key = FlowKey4::of({0xc612'0105}, 9'999, kOutside, 9'999);
  ASSERT_EQ(stranger->shard().connect(key, {}).error, shard::ConnectError::none);
  world.simulation.run_for(500_ms);  // less than it takes to a second SYN
  EXPECT_EQ(world.nat.dropped(), before + 1);
}

}  // namespace
}  // namespace mayfly::testing
