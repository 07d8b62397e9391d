// Peers that hold connections and do little with them: against the HTTP service, whole stacks on
// both sides.
#include <gtest/gtest.h>

#include <functional>

#include "service/services.h"
#include "support/shard_pair.h"

namespace mayfly::testing {
namespace {

using service::ClosePolicy;

service::ServerSettings web_settings() {
  service::ServerSettings settings;
  settings.listen = {{.port = 80, .service = service::ServiceKind::http}};
  settings.http.routes = {{.path = "/big", .bytes = 1'000'000}};
  settings.close.first = shard::Closer::client;
  return settings;
}

struct WebParts {
  service::ServerSettings settings = web_settings();
  service::Site site = *service::Site::load(settings.http);
};
struct WebApp : WebParts, service::Services {
  WebApp() : Services(WebParts::settings, WebParts::site) {}
};

/// Opens connections as PingApp does; then it dawdles.
struct Dawdler : PingApp {
  template <class Conn>
  void on_open(Conn& c) noexcept {
    if (first_words.empty()) return;
    c.send(as_bytes(first_words));
    if (then_each.us > 0) c.wake_at(c.now() + then_each);
  }
  template <class Conn>
  void on_wake(Conn& c) noexcept {
    if (sips.us > 0) return;  // what waits is handed over once more
    c.send(as_bytes("x"));
    c.wake_at(c.now() + then_each);
  }
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    if (sips.us == 0) return reads ? text.size() : 0;
    // All sip at the same time, and whatever is sent to them again meanwhile waits.
    const std::int64_t since = c.now().us % sips.us;
    c.wake_at(c.now() + sips - Duration{since});
    return since < kPoll.us ? std::min<std::size_t>(text.size(), kSip) : 0;
  }
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    if (closes) c.close();
  }

  std::string_view first_words;
  static constexpr std::size_t kSip = 100;  ///< octets read at a time, if it sips
  static constexpr Duration kPoll = 5_ms;
  Duration then_each{}, sips{};
  bool reads = true, closes = true;
};

class SlowPeers : public ::testing::Test {
 protected:
  static constexpr unsigned kPeers = 100;

  void open() {
    pair.client_app.to_open = kPeers;
    while (pair.client_app.opened < kPeers) pair.run_for(100_us);
    run_for(10_ms);
    ASSERT_EQ(pair.server->open_connections(), kPeers);
  }
  void run_for(Duration span) {
    for (const Instant end = pair.now + span; pair.now < end;
         pair.now = pair.now + Dawdler::kPoll) {
      pair.client->poll(pair.now);
      pair.server->poll(pair.now);
    }
  }

  ShardPair<WebApp, Dawdler> pair;
};

TEST_F(SlowPeers, ThatSayNothingAreLeftAfterTheRequestTimeout) {
  open();
  run_for(9_s);
  EXPECT_EQ(pair.server->open_connections(), kPeers);
  run_for(2_s);
  EXPECT_EQ(pair.server->open_connections(), 0u);
}

TEST_F(SlowPeers, ThatSpeakOneOctetASecondAreLeftAtTheSameTime) {  // slowloris
  pair.client_app.first_words = "GET /big HTTP/1.1\r\nHost: x\r\nX-Slow: ";
  pair.client_app.then_each = 1_s;
  open();
  run_for(11_s);
  EXPECT_EQ(pair.server->open_connections(), 0u);
}

TEST_F(SlowPeers, ThatDoNotReadTheirAnswerAreReset) {  // a window of zero, and probes answered
  pair.client_app.first_words = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
  pair.client_app.reads = false;
  open();
  run_for(ClosePolicy::kStallMax + 5_s);
  EXPECT_EQ(pair.server->open_connections(), 0u);
  EXPECT_EQ(pair.server_app.counters().closes_by(service::Ending::stalled).get(), kPeers);
  EXPECT_EQ(pair.server->connections().tx().extents.used(), 0u);
}

TEST_F(SlowPeers, ThatSipTheirAnswerAreResetAsWell) {  // slow read: 100 octets every 20 s
  shard::ShardSettings narrow = pair.settings;
  narrow.tcp.receive_window = 2 * Dawdler::kSip;
  pair.client_uses(narrow);
  pair.client_app.first_words = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
  pair.client_app.sips = 20_s;
  open();
  run_for(ClosePolicy::kStallMax / 2);
  EXPECT_EQ(pair.server->open_connections(), kPeers);
  run_for(ClosePolicy::kStallMax);
  EXPECT_EQ(pair.server->open_connections(), 0u);
  EXPECT_EQ(pair.server_app.counters().closes_by(service::Ending::stalled).get(), kPeers);
}

TEST_F(SlowPeers, ThatNeverCloseAreLeftAfterTheHoldOfFinWait2) {
  pair.client_app.closes = false;
  open();
  run_for(15_s);
  EXPECT_EQ(pair.server->open_connections(), kPeers) << "FIN_WAIT_2";
  run_for(pair.settings.tcp.fin_wait_2_hold);
  EXPECT_EQ(pair.server->open_connections(), 0u);
}

TEST_F(SlowPeers, DoNotKeepOthersOut) {
  pair.client_app.first_words = "GET /big HTTP/1.1\r\n";
  open();
  pair.client_app.first_words = "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::uint64_t before = pair.server_app.counters().responses_2xx.get();
  pair.client_app.to_open += 10;
  while (pair.client_app.opened < pair.client_app.to_open) pair.run_for(100_us);
  run_for(1_s);
  EXPECT_EQ(pair.server_app.counters().responses_2xx.get(), before + 10);
}

}  // namespace
}  // namespace mayfly::testing
