// More connections offered than one core can serve: what was begun is finished, and what is let in
// is as much as before. The core's time is modelled: each frame that it handles costs it so much,
// each that it drops unread a little; frames that find its port's queue full are lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/shard_pair.h"

namespace mayfly::testing {
namespace {

constexpr Duration kPoll = 1_us, kFrame = 10_us, kShed = 1_us;
constexpr std::size_t kQueue = 1'024;  // frames: 10 ms of work

/// Opens connections at a rate, whether they are answered or not, and closes first or not.
struct OpenLoop : PingApp {
  template <class S>
  void on_poll(S& shard, Instant now) noexcept {
    if (now < began) return;
    for (; began + Duration{static_cast<std::int64_t>(opened_now * 1'000'000 / rate)} <= now;
         ++opened_now) {
      const std::uint32_t n = serial++;
      const auto key =
          FlowKey4::of({0xc612'0101 + n / 60'000}, static_cast<std::uint16_t>(1'024 + n % 60'000),
                       {0xc612'0001}, 80);
      flow::AppState state{};
      state.word[0] = static_cast<std::uint64_t>(now.us);
      if (shard.connect(key, state).error != shard::ConnectError::none) ++refused;
    }
  }
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    ++answered;
    latencies.push_back(c.now() - Instant{static_cast<std::int64_t>(c.state().word[0])});
    if (closes_first) c.close_both();
    return text.size();
  }
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    c.close_both();
  }
  void offer(std::uint64_t a_second, Instant now) {
    rate = a_second;
    began = now;
    opened_now = 0;
  }

  std::uint64_t rate = 1, opened_now = 0;
  std::uint32_t serial = 0;
  Instant began = Instant::never();
  bool closes_first = true;
  std::vector<Duration> latencies;
};

/// Answers, and closes when the peer has, or at once.
struct Server : PongApp {
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    c.send(as_bytes("pong"));
    if (closes_first) c.close_both();
    return text.size();
  }
  bool closes_first = false;
};

class Overload : public ::testing::TestWithParam<bool> {
 protected:
  Overload() {
    MemPort::join(server_port_, client_port_);
    server_port_.queue = kQueue;
    server_app_.closes_first = GetParam();
    client_app_.closes_first = !GetParam();
    settings_.time_wait = {.hold = 100_ms, .capacity = 20'000};
    settings_.syn.half_open = 0;
    shard::ShardConfig at_server = shard_config("server", 0xc612'0001, 1);
    at_server.sizes.connections = 20'000;
    at_server.sizes.time_wait = 20'000;
    shard::ShardConfig at_client = shard_config("client", 0xc612'0101, 2);
    at_client.sizes.connections = 400'000;
    at_client.sizes.time_wait = 20'000;
    at_client.interfaces[0].addresses.clear();
    for (std::uint32_t i = 0; i < 16; ++i)
      at_client.interfaces[0].addresses.push_back({{0xc612'0101 + i}, {0xc612'0101 + i}, 15});
    MemPort* const ports[] = {&server_port_, &client_port_};
    server_ = std::move(*shard::Shard<MemPort, Server>::create(at_server, std::span(ports).first(1),
                                                               server_app_, settings_, now_));
    client_ = std::move(*shard::Shard<MemPort, OpenLoop>::create(
        at_client, std::span(ports).last(1), client_app_, settings_, now_));
  }

  void run_for(Duration span) {
    for (const Instant end = now_ + span; now_ < end; now_ = now_ + 50_us) {
      client_->poll(now_);
      while (server_time_ <= now_) server_time_ = server_time_ + poll_server();
    }
  }
  /// Connections answered a second, while so many are offered.
  double goodput(Duration span) {
    const unsigned before = client_app_.answered;
    run_for(span);
    return (client_app_.answered - before) / span.seconds();
  }
  std::uint64_t drops(Drop why) const {
    return server_->stats().drops[static_cast<std::size_t>(why)].get();
  }

  Instant now_{1'000'000}, server_time_{1'000'000};
  shard::ShardSettings settings_;
  MemPort server_port_, client_port_;
  Server server_app_;
  OpenLoop client_app_;
  std::unique_ptr<shard::Shard<MemPort, Server>> server_;
  std::unique_ptr<shard::Shard<MemPort, OpenLoop>> client_;

 private:
  Duration poll_server() {
    const flow::ShardStats& stats = server_->stats();
    const std::uint64_t frames = stats.rx_packets.get(), shed = drops(Drop::overload);
    server_->poll(server_time_);
    const std::uint64_t dropped = drops(Drop::overload) - shed;
    const std::uint64_t handled = stats.rx_packets.get() - frames - dropped;
    return kPoll + Duration{static_cast<std::int64_t>(handled) * kFrame.us +
                            static_cast<std::int64_t>(dropped) * kShed.us};
  }
};

TEST_P(Overload, LeavesTheGoodputWhereItWas) {
  // A connection is four frames to the server: 25,000/s at most, less what polls cost.
  client_app_.offer(20'000, now_);
  run_for(300_ms);
  const double below = goodput(500_ms);
  EXPECT_NEAR(below, 20'000, 500);

  client_app_.offer(50'000, now_);  // twice what it can serve
  client_app_.latencies.clear();
  for (int tenth = 1; tenth <= 20; ++tenth) {
    EXPECT_GT(goodput(100_ms), 0.9 * 24'000) << "in tenth " << tenth << " of a second";
  }
  std::sort(client_app_.latencies.begin(), client_app_.latencies.end());
  const std::size_t let_in = client_app_.latencies.size();
  EXPECT_LT(client_app_.latencies[let_in / 4], 25_ms) << "of those whose first SYN was let in";
  EXPECT_GT(drops(Drop::overload), 10'000u);
  EXPECT_LT(server_port_.overflowed, 8'000u)
      << "of 74,000 without the backlog, nearly all of them SYNs";

  client_app_.offer(10'000, now_);  // and half of it again, beside the SYNs that are sent again
  run_for(1_s);
  EXPECT_GT(goodput(500_ms), 10'000);
  const flow::ShardStats& stats = server_->stats();
  EXPECT_EQ(stats.rx_packets.get(),
            stats.rx_handled.get() + stats.rx_dropped() + stats.syn_backlog.get());
}

INSTANTIATE_TEST_SUITE_P(ClosesFirst, Overload, ::testing::Bool(),
                         [](const auto& closer) { return closer.param ? "Server" : "Client"; });

}  // namespace
}  // namespace mayfly::testing
