// Pages of a list of connections, over two cores.
#include "run/connection_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using Json = nlohmann::ordered_json;
using Query = admin::Actions::Query;
using ::testing::HasSubstr;

/// Two cores, each with its connections and an entry.
class ConnectionListTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kConnections = 5;

  ConnectionListTest() {
    static int made = 0;
    for (std::uint32_t core = 0; core < 2; ++core) {
      auto connections = flow::Connections::create("listed" + std::to_string(made++), sizes_,
                                                   secret_, HugePages::never, now_);
      EXPECT_TRUE(connections);
      connections_.push_back(std::move(*connections));
      connections_.back().set_clock(now_, tcp_);
      auto memory = flow::TimeWaitMemory::create(4, HugePages::never);
      EXPECT_TRUE(memory);
      time_waits_.push_back(
          std::make_unique<flow::TimeWaits>(std::move(*memory), secret_, policy_, stats_, now_));
      for (std::uint32_t n = 0; n < kConnections; ++n) open(core, n);
      tcp::Connection ended;
      ended.state = tcp::State::time_wait;
      const FlowKey4 tuple = key(core, 4'000);
      EXPECT_TRUE(time_waits_.back()->enter(tuple, secret_.hash(tuple), ended, now_));
    }
    now_ = now_ + 2_s;
  }
  static FlowKey4 key(std::uint32_t core, std::uint32_t n) {
    return FlowKey4::of({0xc612'0001}, 80, {0xc612'0101 + core},
                        static_cast<std::uint16_t>(1'024 + n));
  }
  void open(std::uint32_t core, std::uint32_t n) {
    const FlowKey4 tuple = key(core, n);
    flow::ConnectionBlock* b = connections_[core].open(tuple, secret_.hash(tuple), 0);
    ASSERT_NE(b, nullptr);
    open_active(b->tcp, Seq{1'000}, 0, tcp_, now_);
    b->tcp.state = tcp::State::established;
    b->tcp.srtt_us = 2'500;
  }
  run::ListedCores cores() {
    return {2,
            [this](std::size_t core, flow::Listing& listing, auto) {
              if (core == mute_) return false;
              while (!listing.step(connections_[core], *time_waits_[core], now_)) {
              }
              return true;
            },
            [this] { return now_; }};
  }
  Json list(const Query& query = {}) {
    const auto page = run::list_connections(cores(), query);
    EXPECT_TRUE(page) << page.error().what;
    return *page;
  }
  std::string refused(const Query& query) {
    const auto page = run::list_connections(cores(), query);
    EXPECT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::usage);
    return page.error().what;
  }

  flow::ShardSizes sizes_{.connections = 8, .time_wait = 1, .chunks = 4, .receive_buffers = 2};
  flow::FlowSecret secret_{tcp::Secret{1, 2}};
  tcp::TcpSettings tcp_;
  flow::TimeWaitPolicy policy_{.hold = 60_s, .capacity = 4};
  flow::ShardStats stats_;
  Instant now_ = Instant{} + 1_s;
  std::vector<flow::Connections> connections_;
  std::vector<std::unique_ptr<flow::TimeWaits>> time_waits_;
  std::size_t mute_ = 99;
};

TEST_F(ConnectionListTest, HasConnectionsAndEntriesOfAllCores) {
  const Json page = list();
  EXPECT_EQ(page["connections"].size(), 2 * kConnections + 2);
  EXPECT_TRUE(page["next"].is_null());
  EXPECT_EQ(page["connections"][0], (Json{{"core", 0},
                                          {"state", "ESTABLISHED"},
                                          {"local", "198.18.0.1:80"},
                                          {"peer", "198.18.1.1:1024"},
                                          {"age_s", 2.0},
                                          {"rtt_ms", 2.5},
                                          {"rto_ms", 1000.0},
                                          {"cwnd", page["connections"][0]["cwnd"]},
                                          {"send_queue", 0},
                                          {"receive_queue", 0},
                                          {"retransmitted", 0}}));
  EXPECT_EQ(page["connections"][kConnections]["state"], "TIME-WAIT");
  EXPECT_EQ(page["connections"][kConnections]["left_s"], 58.0);
}

TEST_F(ConnectionListTest, GoesOnPageByPageWithoutShowingOneTwice) {
  std::set<std::string> peers;
  std::size_t shown = 0;
  Query query{{"limit", "3"}};
  for (int pages = 0; pages < 10; ++pages) {
    const Json page = list(query);
    EXPECT_LE(page["connections"].size(), 3u);
    for (const Json& one : page["connections"]) peers.insert(one["peer"]);
    shown += page["connections"].size();
    if (page["next"].is_null()) break;
    query = {{"limit", "3"}, {"cursor", page["next"]}};
  }
  EXPECT_EQ(shown, 2 * kConnections + 2);
  EXPECT_EQ(peers.size(), shown);
}

TEST_F(ConnectionListTest, IsFiltered) {
  EXPECT_EQ(list({{"state", "time_wait"}})["connections"].size(), 2u);
  EXPECT_EQ(list({{"state", "estab,fin-wait-1"}})["connections"].size(), 2 * kConnections);
  EXPECT_EQ(list({{"state", "SYNCHRONIZED"}})["connections"].size(), 2 * kConnections + 2);
  EXPECT_EQ(list({{"peer", "198.18.1.2"}})["connections"].size(), kConnections + 1);
  EXPECT_EQ(list({{"peer", "198.18.1.0/24"}, {"port", "1025"}})["connections"].size(), 2u);
  EXPECT_EQ(list({{"peer", "0.0.0.0/0"}, {"port", "80"}})["connections"].size(),
            2 * kConnections + 2);
}

TEST_F(ConnectionListTest, RefusesAWrongQueryInWords) {
  EXPECT_THAT(refused({{"state", "sleeping"}}), HasSubstr("no state \"sleeping\""));
  EXPECT_THAT(refused({{"peer", "198.18.1.1/24"}}), HasSubstr("peer=198.18.1.1/24"));
  EXPECT_THAT(refused({{"port", "70000"}}), HasSubstr("no port"));
  EXPECT_THAT(refused({{"limit", "0"}}), HasSubstr("1 to 512"));
  EXPECT_THAT(refused({{"colour", "red"}}), HasSubstr("no parameter \"colour\""));
  for (const char* cursor : {"", "1", "1.0.c", "1.0.x.0", "-1.0.c.0", "1.0.c.0.0", "a.0.c.0"})
    EXPECT_THAT(refused({{"cursor", cursor}}), HasSubstr("the cursor is none")) << cursor;
  for (const char* cursor : {"9000000.0.c.0", "3000000.2.c.0"})
    EXPECT_THAT(refused({{"cursor", cursor}}), HasSubstr("begin again")) << cursor;
}

TEST_F(ConnectionListTest, OfACoreThatDoesNotAnswerIsAnErrorNotAShortList) {
  mute_ = 1;
  const auto page = run::list_connections(cores(), {});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::failed);
  EXPECT_THAT(page.error().what, HasSubstr("core 1"));
}

TEST_F(ConnectionListTest, BearsAnyCursor) {
  Prng prng(7);
  for (int time = 0; time < 2'000; ++time) {
    const std::string cursor = std::to_string(now_.us - 1) + "." + std::to_string(prng.below(2)) +
                               (prng.below(2) == 0 ? ".c." : ".t.") +
                               std::to_string(static_cast<std::uint32_t>(prng.next()));
    EXPECT_LE(list({{"cursor", cursor}})["connections"].size(), 2 * kConnections + 2);
  }
}

}  // namespace
}  // namespace mayfly::testing
