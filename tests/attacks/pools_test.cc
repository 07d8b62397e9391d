// Memory that all connections share, and a few connections that take as much of it as they can.
// Every honest visitor must be served all the same.
#include <gtest/gtest.h>

#include <string>

#include "service/services.h"
#include "support/shard_pair.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

service::ServerSettings settings_of(service::ServiceKind kind) {
  service::ServerSettings settings;
  settings.listen = {{.port = 80, .service = kind}};
  settings.http.routes = {{.path = "/", .body = "hello"}, {.path = "/big", .bytes = 1'000'000}};
  settings.close.first = shard::Closer::client;
  return settings;
}

template <service::ServiceKind kKind>
struct ServiceParts {
  service::ServerSettings settings = settings_of(kKind);
  service::Site site = *service::Site::load(settings.http);
};
template <service::ServiceKind kKind>
struct ServiceApp : ServiceParts<kKind>, service::Services {
  ServiceApp() : Services(ServiceParts<kKind>::settings, ServiceParts<kKind>::site) {}
};

/// Says its words at once. A greedy one reads nothing, an honest one closes when it has the answer.
struct Speaker : PingApp {
  template <class Conn>
  void on_open(Conn& c) noexcept {
    c.state().word[0] = honest ? 1 : 0;
    c.send(as_bytes(words));
  }
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    if (c.state().word[0] == 0) return 0;
    ++answered;
    c.close_both();
    return text.size();
  }
  std::string_view words;  // outlives the connections
  bool honest = false;
};

template <service::ServiceKind kKind>
struct Crowd : ShardPair<ServiceApp<kKind>, Speaker> {
  void greedy(unsigned count, std::string_view words) {
    speak(count, words, false);
    this->run_for(2_s);
  }
  /// How long `count` honest visitors wait until all of them are served; 60 s = not all are.
  Duration honest(unsigned count, std::string_view words) {
    speak(count, words, true);
    const Instant began = this->now;
    while (this->now - began < 60_s && this->client_app.answered < count) this->run_for(1_ms);
    return this->now - began;
  }

 private:
  void speak(unsigned count, std::string_view words, bool honest) {
    this->client_app.words = words;
    this->client_app.honest = honest;
    this->client_app.to_open += count;
    while (this->client_app.opened < this->client_app.to_open) this->run_for(100_us);
    this->run_for(5_ms);
  }
};

std::string pipelined(int requests) {
  std::string all;
  for (int i = 0; i < requests; ++i) all += "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
  return all;
}
constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(SendExtents, AreNotTakenAwayByPipelinersWhoReadNothing) {
  const std::string words = pipelined(64);
  Crowd<service::ServiceKind::http> crowd;  // 1,000 connections, 2,000 extents
  crowd.greedy(400, words);
  EXPECT_GT(crowd.server->stats().send_extents_denied.get(), 0u);
  EXPECT_LT(crowd.honest(300, kRequest), 1_s);
  EXPECT_EQ(crowd.server->open_connections(), 400u) << "nobody had to go";
}

TEST(SendChunks, AreNotTakenAwayByEchoClientsWhoReadNothing) {
  const std::string words(200'000, 'x');
  Crowd<service::ServiceKind::echo> crowd;  // 64 chunks
  crowd.greedy(5, words);
  EXPECT_LT(crowd.honest(100, "hello"), 1_s);
}

TEST(SendChunks, OfThoseWhoReadNothingGoToNewcomersWhenThereAreNoneLeft) {
  const std::string words(200'000, 'x');
  Crowd<service::ServiceKind::echo> crowd;  // 64 chunks
  crowd.greedy(200, words);
  EXPECT_LT(crowd.honest(50, "hello"), 5_s);
  EXPECT_GT(
      crowd.server->stats().closed[static_cast<std::size_t>(flow::CloseReason::evicted)].get(), 0u);
  EXPECT_GT(crowd.server->stats().send_chunks_denied.get(), 0u);
}

// If it went to whoever asks next, one whose turn to ask again is just before others' would wait
// for as long as they come.
TEST(SendChunks, OfOneWhoHasToGoGoToTheOneWhoAsked) {
  const std::string words(200'000, 'x');
  Crowd<service::ServiceKind::echo> crowd;  // 64 chunks
  crowd.greedy(200, words);
  EXPECT_LT(crowd.honest(1, "hello"), 10_ms) << "when it would have asked again";
}

TEST(ReceiveBuffers, WithNothingButTextOutOfOrderGoToThoseWhoNeedThem) {
  Wire wire;  // eight receive buffers
  std::deque<Peer> hoarders;
  for (std::uint16_t i = 0; i < 20; ++i) {
    hoarders.emplace_back(wire, static_cast<std::uint16_t>(20'000 + i)).opens();
    hoarders.back().sends(text("after a gap").at(100)).ignores();
  }
  EXPECT_EQ(wire.shard->connections().rx().used(), 8u);
  wire.after(300_ms);
  Peer visitor(wire);
  visitor.opens().sends(text("world").at(5));
  EXPECT_EQ(wire.stats().receive_buffers_reclaimed.get(), 1u);
  visitor.sends(text("hello").at(0));
  EXPECT_EQ(wire.app.heard, "helloworld");
  visitor.ignores();
  for (Peer& hoarder : hoarders) hoarder.ignores();
}

TEST(ReceiveBuffers, ThatWereTakenAwayCostTheTextToBeSentAgain) {
  Given given;
  given.config.sizes.receive_buffers = 1;
  Wire wire(given);
  Peer first(wire, 20'000), second(wire, 20'001);
  first.opens().sends(text("world").at(5)).ignores();
  wire.after(300_ms);
  second.opens().sends(text("late").at(5)).ignores();
  EXPECT_EQ(wire.stats().receive_buffers_reclaimed.get(), 1u);
  first.sends(text("hello").at(0)).ignores();
  EXPECT_EQ(wire.app.heard, "hello") << "what followed was forgotten";
  first.sends(text("world").at(5));
  EXPECT_EQ(wire.app.heard, "helloworld");
  first.ignores();
  second.ignores();
}

}  // namespace
}  // namespace mayfly::testing
