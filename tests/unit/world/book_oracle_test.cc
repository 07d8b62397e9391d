// What the simulator reads in the book: violations where a promise was made, harm where none was.
#include "world/book_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using ::testing::HasSubstr;
using What = world::Anomaly::What;

constexpr Instant kNow = Instant{} + 500_s;

/// A server, a client and one incarnation that ended well.
struct OneConnection {
  explicit OneConnection(bool keeps_promises = true) : scenario(make(keeps_promises)) {
    book.add_tuple({.key = FlowKey4::of({0xc612'1201}, 10'000, {0xc612'0001}, 7), .client = 1});
    world::Incarnation& i = book.begin(0, {});
    for (world::EndView* const view : {&i.client, &i.server}) {
      book.opened(*view);
      book.end(i, *view, Instant{} + 100_s);
    }
  }
  static world::Scenario make(bool keeps_promises) {
    world::Scenario s;
    s.faults = s.faults.with(world::SimFault::loss);
    s.keeps_promises = keeps_promises;
    s.traffics = {{.connections = 1, .parting = world::Parting::client_first}};
    s.hosts = {{.name = "server-1", .is_server = true}, {.name = "client-1", .number = 1}};
    for (world::HostPlan& host : s.hosts) host.settings.syn.half_open = 0;
    return s;
  }
  std::string found() const {
    return judge.found() ? judge.violation().oracle + ": " + judge.violation().what : "";
  }
  std::string after(What what, std::uint32_t incarnation = 0) {
    book.note({kNow, what, 0, incarnation});
    oracle.look();
    return found();
  }
  std::string at_end(std::uint32_t anew = kNoIndex) {
    oracle.look_at_end(anew, kNow);
    return found();
  }

  world::Scenario scenario;
  world::Judge judge;
  world::Book book{1, scenario.traffics, false};
  world::BookOracle oracle{scenario, book, judge};
};

TEST(BookOracle, FindsNothingWhereAllWentWell) {
  OneConnection f;
  f.oracle.look();
  EXPECT_EQ(f.at_end(0), "");
}

TEST(BookOracle, HoldsForeignTextAgainstAPromise) {
  EXPECT_THAT(OneConnection().after(What::foreign_text), HasSubstr("bytes: server-1: octets"));
  EXPECT_THAT(OneConnection().after(What::early_fin), HasSubstr("bytes: server-1: the peer's FIN"));
  EXPECT_EQ(OneConnection(false).after(What::foreign_text), "");
  OneConnection disorderly;
  disorderly.book[0].promised = false;
  EXPECT_EQ(disorderly.after(What::foreign_text), "");
}

TEST(BookOracle, AcceptsAConnectionTwiceByCookieAlone) {
  EXPECT_THAT(OneConnection().after(What::accepted_twice), HasSubstr("accepted: server-1"));
  OneConnection cookies;
  cookies.scenario.hosts[0].settings.syn.half_open = 1;
  EXPECT_EQ(cookies.after(What::accepted_twice), "");
  EXPECT_THAT(OneConnection(false).after(What::unknown, kNoIndex), HasSubstr("that nobody opened"));
}

// Seed 1726: the ISS of the second was the SND.NXT - 1 that the client's TIME_WAIT acknowledges.
TEST(BookOracle, ForgivesADuplicateSynThatMeetsTheClientsTimeWait) {
  OneConnection f;
  f.book[0].client.reason = flow::CloseReason::time_wait;
  EXPECT_EQ(f.after(What::accepted_twice), "");
  f.book[0].server.reason = flow::CloseReason::aborted;
  EXPECT_THAT(f.after(What::accepted_twice), HasSubstr("accepted: server-1"));
}

// Seed 1795977083273: the server aborted, and a duplicate SYN came a microsecond later.
TEST(BookOracle, ForgivesADuplicateSynInTheInstantOfAnAbort) {
  OneConnection f;
  f.book[0].server.reason = flow::CloseReason::aborted;
  f.book[0].server.ended_at = kNow - 1_ms;
  EXPECT_EQ(f.after(What::accepted_twice), "");
  f.book[0].server.ended_at = kNow - 2_s;
  EXPECT_THAT(f.after(What::accepted_twice), HasSubstr("accepted: server-1"));
}

TEST(BookOracle, WantsWhatIsBegunAfterTheNetworkHealedToEndWell) {
  const auto broken = [](std::uint32_t anew) {
    OneConnection f(false);
    f.book[0].server.reason = flow::CloseReason::timed_out;
    return f.at_end(anew);
  };
  EXPECT_THAT(broken(0), HasSubstr("completion: it ended"));
  EXPECT_EQ(broken(1), "") << "begun before";
}

// Seed 1795945154861: a handshake that waited for room was given up because few may wait.
TEST(BookOracle, LetsAServerGiveUpAHandshakeThatWaitsForRoom) {
  OneConnection f(false);
  auto& policy = f.scenario.hosts[0].settings.time_wait;
  policy.on_full = flow::TimeWaitPolicy::OnFull::refuse;
  f.book[0].client.reason = flow::CloseReason::reset;
  f.book[0].server = {};
  EXPECT_EQ(f.at_end(0), "");
  policy.on_full = flow::TimeWaitPolicy::OnFull::evict_oldest;
  EXPECT_THAT(f.at_end(0), HasSubstr("completion: it ended"));
}

TEST(BookOracle, LetsAClientGiveUpAHandshakeThatWaitsForRoom) {
  OneConnection f(false);
  auto& policy = f.scenario.hosts[0].settings.time_wait;
  policy.on_full = flow::TimeWaitPolicy::OnFull::refuse;
  f.book[0].client.reason = flow::CloseReason::timed_out;
  EXPECT_EQ(f.at_end(0), "");
  policy.on_full = flow::TimeWaitPolicy::OnFull::evict_oldest;
  EXPECT_THAT(f.at_end(0), HasSubstr("completion: it ended"));
}

TEST(BookOracle, WantsNobodyResetWhileTimeWaitIsHeld) {
  OneConnection f;
  world::EndView& client = f.book[0].client;
  world::EndView& server = f.book[0].server;
  client.reason = flow::CloseReason::reset;
  server.reason = flow::CloseReason::time_wait;
  client.ended_at = server.ended_at + f.scenario.hosts[0].settings.time_wait.hold;
  EXPECT_EQ(f.at_end(), "") << "it asked for too long";
  client.ended_at.us -= 1;
  EXPECT_THAT(f.at_end(), HasSubstr("reset: the client was reset"));
}

// RFC 9112 9.6: a server does not discard text for ever.
TEST(BookOracle, LetsAServerThatHasLingeredResetItsClient) {
  OneConnection f;
  f.book[0].client.reason = f.book[0].server.reason = flow::CloseReason::reset;
  f.book[0].server.lingered = true;
  EXPECT_EQ(f.at_end(), "") << "the client has had its answer";
  f.book[0].server.lingered = false;
  EXPECT_THAT(f.at_end(), HasSubstr("reset: the "));
}

}  // namespace
}  // namespace mayfly::testing
