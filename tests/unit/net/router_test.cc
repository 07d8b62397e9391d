// A router before three servers of one address: where a flow goes, and when it moves.
#include "net/router.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "net/family.h"
#include "support/shard_pair.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

constexpr Ipv4Address kShared{0xc612'00c8};
constexpr MacAddress kRouterMac{{2, 0, 0, 0, 0, 99}};
constexpr std::size_t kServerCount = 3;

MacAddress server_mac(std::size_t n) { return {{2, 0, 0, 0, 1, static_cast<std::uint8_t>(n)}}; }

/// Opens a connection from each of its ports, and again when it is asked to.
struct Opener : PingApp {
  static constexpr std::uint16_t kPorts = 40;
  template <class S>
  void on_poll(S& shard, Instant) noexcept {
    for (; next < kPorts; ++next)
      (void)shard.connect(
          FlowKey4::of({0xc612'0101}, static_cast<std::uint16_t>(base + next), kShared, 80), {});
  }
  Instant next_due() const noexcept { return next < kPorts ? Instant{} : Instant::never(); }
  std::uint16_t base = 40'000, next = kPorts;
};

struct Behind {
  Behind() : router(simulation, router_settings()) {
    for (std::size_t n = 0; n < kServerCount; ++n) {
      shard::ShardConfig config = shard_config("server-" + std::to_string(n), 0xc612'0001, 0);
      config.interfaces[0].mac = server_mac(n);
      const Ipv4Address own{0xc612'0001 + static_cast<std::uint32_t>(n)};
      config.interfaces[0].addresses = {{own, own, 15}, {kShared, kShared, 32, false}};
      servers.push_back(
          std::move(*net::ShardHost<PongApp>::create(simulation, config, settings, apps[n])));
    }
    client = std::move(*net::ShardHost<Opener>::create(
        simulation, shard_config("client", 0xc612'0101, 2), settings, opener));
  }
  static net::RouterSettings router_settings() {
    net::RouterSettings s{.service = kShared, .ipv6 = false, .mac = kRouterMac, .servers = {}};
    for (std::size_t n = 0; n < kServerCount; ++n) s.servers.push_back(server_mac(n));
    return s;
  }
  /// Opens a connection from each port; how many each server has accepted since.
  std::array<unsigned, kServerCount> opens() {
    std::array<unsigned, kServerCount> accepted{};
    for (std::size_t n = 0; n < kServerCount; ++n) accepted[n] = 0 - apps[n].opened;
    opener.next = 0;
    simulation.ask_all();
    simulation.run_for(1_s);
    opener.base = static_cast<std::uint16_t>(opener.base + Opener::kPorts);
    for (std::size_t n = 0; n < kServerCount; ++n) accepted[n] += apps[n].opened;
    return accepted;
  }

  net::Simulation simulation{1};
  shard::ShardSettings settings;
  net::Router router;
  std::array<PongApp, kServerCount> apps;
  Opener opener;
  std::vector<std::unique_ptr<net::ShardHost<PongApp>>> servers;
  std::unique_ptr<net::ShardHost<Opener>> client;
};

TEST(Router, SpreadsFlowsOverTheServersAndAFlowStaysWhereItIs) {
  Behind world;
  const auto accepted = world.opens();
  EXPECT_EQ(accepted[0] + accepted[1] + accepted[2], Opener::kPorts);
  for (const unsigned each : accepted) EXPECT_GT(each, 4u);
  EXPECT_EQ(world.opener.answered, Opener::kPorts) << "whole connections";
}

TEST(Router, GivesNothingToAServerThatIsWithdrawnUntilItIsAnnounced) {
  Behind world;
  world.router.set_present(1, false);
  EXPECT_EQ(world.opens()[1], 0u);
  world.router.set_present(1, true);
  EXPECT_GT(world.opens()[1], 4u);
}

TEST(Router, KeepsTheLastServer) {
  Behind world;
  for (const std::size_t server : {0, 1, 2}) world.router.set_present(server, false);
  EXPECT_EQ(world.opens()[2], Opener::kPorts);
}

// Without each other's help servers reset what is moved to them.
TEST(Router, MovesFlowsThatAreUnderWayWhenItSprays) {
  Behind world;
  world.router.spray(true);
  world.opens();
  EXPECT_LT(world.opener.answered, Opener::kPorts);
  world.router.spray(false);
  world.opener.answered = 0;
  world.opens();
  EXPECT_EQ(world.opener.answered, Opener::kPorts);
}

}  // namespace
}  // namespace mayfly::testing
