// One core with two ports: what happens on one of them is no matter of the other's.
#include <gtest/gtest.h>

#include "support/shard_pair.h"

namespace mayfly::testing {
namespace {

constexpr Ipv4Address kServerA{0xc612'0001}, kServerB{0xc614'0001};  // 198.18.0.1, 198.20.0.1
constexpr Ipv4Address kClientA{0xc612'0101}, kClientB{0xc614'0101};

/// Opens `to_open` connections, one a poll; asks at `ask_at`, or at once if that is over.
struct AskApp : PingApp {
  AskApp(Ipv4Address from, Ipv4Address to) : own(from), target(to) {}
  template <class S>
  void on_poll(S& shard, Instant) noexcept {
    if (opened == to_open) return;
    ++opened;
    const auto key = FlowKey4::of(own, static_cast<std::uint16_t>(20'000 + opened), target, 80);
    if (shard.connect(key, {}).error != shard::ConnectError::none) ++refused;
  }
  template <class Conn>
  void on_open(Conn& c) noexcept {
    ++established;
    if (c.now() < ask_at) return c.wake_at(ask_at);
    c.send(as_bytes("ping"));
  }
  template <class Conn>
  void on_wake(Conn& c) noexcept {
    c.send(as_bytes("ping"));
  }
  Ipv4Address own, target;
  Instant ask_at{};
  unsigned established = 0;
};

/// Answers like PongApp, but resets a connection that asked for nothing for `patience`.
struct ImpatientApp : PongApp {
  template <class Conn>
  void on_open(Conn& c) noexcept {
    c.wake_at(c.now() + patience);
  }
  template <class Conn>
  void on_wake(Conn& c) noexcept {
    c.abort();
  }
  Duration patience = 5_s;
};

template <class ServerApp = PongApp>
class TwoPorts {
 public:
  explicit TwoPorts(const shard::ShardSettings& server_settings = {}) : settings(server_settings) {
    MemPort::join(server_a, client_a);
    MemPort::join(server_b, client_b);
    shard::ShardConfig config = shard_config("two", kServerA.host, 1);
    link::Interface second = config.interfaces[0];
    second.mac = {{2, 0, 0, 0, 0, 3}};
    second.addresses = {{kServerB, kServerB, 16}};
    config.interfaces.push_back(second);
    config.interfaces[0].addresses = {{kServerA, kServerA, 16}};
    MemPort* const server_ports[] = {&server_a, &server_b};
    server = std::move(
        *shard::Shard<MemPort, ServerApp>::create(config, server_ports, server_app, settings, now));
    a = client("a", kClientA, 2, client_a, app_a);
    b = client("b", kClientB, 4, client_b, app_b);
  }

  void run_for(Duration span, Duration step = 100_us) {
    for (const Instant end = now + span; now < end; now = now + step) {
      a->poll(now);
      b->poll(now);
      server->poll(now);
    }
  }
  std::uint64_t drops(Drop why) const {
    return server->stats().drops[static_cast<std::size_t>(why)].get();
  }
  std::uint64_t ends(flow::CloseReason why) const {
    return server->stats().closed[static_cast<std::size_t>(why)].get();
  }

  Instant now{1'000'000};
  shard::ShardSettings settings, client_settings;
  MemPort server_a, server_b, client_a, client_b;
  ServerApp server_app;
  AskApp app_a{kClientA, kServerA}, app_b{kClientB, kServerB};
  std::unique_ptr<shard::Shard<MemPort, ServerApp>> server;
  std::unique_ptr<shard::Shard<MemPort, AskApp>> a, b;

 private:
  std::unique_ptr<shard::Shard<MemPort, AskApp>> client(const char* name, Ipv4Address address,
                                                        std::uint8_t station, MemPort& port,
                                                        AskApp& app) {
    shard::ShardConfig config = shard_config(name, address.host, station);
    config.interfaces[0].addresses = {{address, address, 16}};
    MemPort* const ports[] = {&port};
    return std::move(
        *shard::Shard<MemPort, AskApp>::create(config, ports, app, client_settings, now));
  }
};

/// 500 clients of port A ask at the moment when its device stops taking frames.
template <class Ports>
void stop_port_a(Ports& ports) {
  ports.app_a.ask_at = ports.now + 1_s;
  ports.app_a.to_open = 500;
  ports.app_b.to_open = 5;
  ports.run_for(500_ms);
  ASSERT_EQ(ports.app_a.established, 500u);
  ASSERT_EQ(ports.app_b.answered, 5u);
  ports.server_a.room = 0;
  ports.run_for(600_ms);
}

TEST(TwoPorts, OneThatTakesNoFramesDoesNotSilenceTheOther) {
  TwoPorts ports;
  stop_port_a(ports);
  for (int i = 0; i < 20; ++i) {
    const unsigned before = ports.app_b.answered;
    ++ports.app_b.to_open;
    ports.run_for(1_ms);
    EXPECT_EQ(ports.app_b.answered, before + 1) << "connection " << i;
  }
}

TEST(TwoPorts, R2EndsTheConnectionsOfOneThatTakesNoFrames) {
  shard::ShardSettings settings;
  settings.tcp.retries = 4;
  TwoPorts ports(settings);
  stop_port_a(ports);
  ports.run_for(30_s, 1_ms);
  EXPECT_EQ(ports.server->open_connections(), 0u);
  EXPECT_EQ(ports.ends(flow::CloseReason::timed_out), 500u);
  EXPECT_GE(ports.drops(Drop::link_stalled), 500u);
}

TEST(TwoPorts, TheAppsTimeOutsHoldOnOneThatTakesNoFrames) {
  TwoPorts<ImpatientApp> ports;
  stop_port_a(ports);
  ports.run_for(5_s, 1_ms);
  EXPECT_EQ(ports.server->open_connections(), 0u);
  EXPECT_EQ(ports.ends(flow::CloseReason::aborted), 500u);
}

TEST(TwoPorts, OneThatTakesFramesAgainGoesOnWhereItStopped) {
  TwoPorts ports;
  stop_port_a(ports);
  ports.run_for(2_s, 1_ms);
  EXPECT_LT(ports.app_a.answered, 500u);
  ports.server_a.room = 1'000'000;
  ports.run_for(4_s, 1_ms);
  EXPECT_EQ(ports.app_a.answered, 500u);
  const std::uint64_t lost = ports.drops(Drop::link_stalled);
  ports.app_a.to_open += 100;
  ports.run_for(1_s, 1_ms);
  EXPECT_EQ(ports.app_a.answered, 600u);
  EXPECT_EQ(ports.drops(Drop::link_stalled), lost);
}

TEST(TwoPorts, OneThatTakesOneFrameAPollDoesNotSlowTheOther) {
  TwoPorts ports;
  ports.app_a.ask_at = ports.now + 1_s;
  ports.app_a.to_open = 900;
  ports.run_for(900_ms);
  ports.server_a.room = 1;
  ports.run_for(101_ms);
  ports.app_b.to_open = 20;
  ports.run_for(4_ms);
  EXPECT_EQ(ports.app_b.answered, 20u);
  EXPECT_LT(ports.app_a.answered, 900u);
  ports.run_for(2_s);
  EXPECT_EQ(ports.app_a.answered, 900u);
  EXPECT_EQ(ports.drops(Drop::link_stalled), 0u);  // slow is not stalled
}

}  // namespace
}  // namespace mayfly::testing
