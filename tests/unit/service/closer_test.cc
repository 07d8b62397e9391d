// Who closes, when, and what is counted.
#include <gtest/gtest.h>

#include <string>

#include "http_fixture.h"

namespace mayfly::testing {
namespace {

using service::Ending;
using shard::Closer;

service::ServerSettings aborting(Closer first) {
  service::ServerSettings settings = small_settings(first);
  settings.close.abort = true;
  return settings;
}

TEST(ServerFirst, TheFinRidesOnTheAnswer) {
  Server server(Closer::server);
  Client client(server.services);
  client.send(get("/"));
  EXPECT_TRUE(client.saw_fin()) << "closed before a byte of the answer left";
  EXPECT_EQ(read_replies(client)[0].field("connection"), "close");
  client.shut();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(server.closes(Ending::server_first), 1u);
}

TEST(ServerFirst, WaitsForALongAnswerToBeQueued) {
  Server server(Closer::server);
  Client client(server.services, 80, {.runs = 1});
  client.send(get("/big"));
  EXPECT_TRUE(client.is_open());
  EXPECT_EQ(read_replies(client)[0].body.size(), kBigBytes);
  EXPECT_TRUE(client.saw_fin());
}

// RFC 9112 9.6: an RST would destroy what the client has not read yet.
TEST(ServerFirst, TextDuringTheAnswerIsDroppedAndTheAnswerArrives) {
  for (const std::string& more : {std::string("\r\n"), get("/"), std::string(100'000, 'x')}) {
    Server server(Closer::server);
    Client client(server.services);
    client.send(get("/big"));
    std::string got = client.read_some(20'000);
    client.send(more);
    EXPECT_FALSE(client.is_deaf());
    EXPECT_EQ(client.held_back(), 0u);
    got += client.read();
    const auto replies = parse_replies(got);
    ASSERT_TRUE(replies && replies->size() == 1);
    EXPECT_EQ(replies->front().body, pattern_text(kBigBytes));
    client.send(more);
    client.shut();
    EXPECT_TRUE(client.has_ended());
    EXPECT_EQ(server.closes(Ending::server_first), 1u);
  }
}

TEST(ServerFirst, LingersFromTheAnswersArrivalOn) {
  service::ServerSettings settings = small_settings(Closer::server);
  settings.close.linger = 3_s;
  Server server(settings);
  Client client(server.services);
  client.send(get("/"));
  client.after(20_s);
  EXPECT_FALSE(client.is_deaf()) << "the answer is still under way";
  read_replies(client);
  client.after(2'999_ms);
  EXPECT_FALSE(client.is_deaf());
  client.after(1_ms);
  EXPECT_TRUE(client.is_deaf());
}

TEST(ServerFirst, WithoutALingerItIsDeafAtOnce) {
  service::ServerSettings settings = small_settings(Closer::server);
  settings.close.linger = {};
  Server server(settings);
  Client client(server.services);
  client.send(get("/"));
  EXPECT_TRUE(client.is_deaf());
}

TEST(ServerFirst, AClientWhoseFinCameFirstIsCountedAsSuch) {
  Server server(Closer::server);
  Client client(server.services);
  client.send(get("/"));
  client.end(flow::CloseReason::done);
  EXPECT_EQ(server.closes(Ending::client_first), 1u);
  EXPECT_EQ(server.closes(Ending::server_first), 0u);
}

TEST(ClientFirst, ClosesAsSoonAsTheClientHas) {
  Server server(Closer::client);
  Client client(server.services);
  ask(client, get("/"));
  EXPECT_TRUE(client.is_open());
  client.shut();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(server.closes(Ending::client_first), 1u);
}

TEST(ClientFirst, AClientThatAskedForTheEndHasTheGraceToCloseFirst) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/", "Connection: close\r\n")).field("connection"), "close");
  client.after(199_ms);
  EXPECT_TRUE(client.is_open());
  client.shut();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(server.closes(Ending::client_first), 1u);
}

TEST(ClientFirst, AClientThatWaitsForTheServersFinGetsItWhenTheGraceEnds) {
  Server server(Closer::client);
  Client client(server.services);
  ask(client, get("/", "Connection: close\r\n"));
  client.after(200_ms);
  EXPECT_TRUE(client.saw_fin());
  client.send(get("/"));
  EXPECT_FALSE(client.is_deaf());
  client.shut();
  EXPECT_EQ(server.closes(Ending::grace_ended), 1u);
  EXPECT_EQ(server.closes(Ending::server_first), 0u);
}

TEST(ClientFirst, TheGraceRunsFromTheAnswersArrival) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/big", "Connection: close\r\n"));
  client.after(10_s);
  EXPECT_TRUE(client.is_open());
  EXPECT_EQ(client.read().size() / kBigBytes, 1u);
  client.after(199_ms);
  EXPECT_TRUE(client.is_open());
  client.after(1_ms);
  EXPECT_TRUE(client.saw_fin());
}

TEST(ClientFirst, WhatFollowsTheLastRequestIsDropped) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/", "Connection: close\r\n") + get("/"));
  EXPECT_EQ(read_replies(client).size(), 1u);
  client.send(get("/"));
  EXPECT_EQ(client.read(), "");
  EXPECT_EQ(client.held_back(), 0u);
}

TEST(ClientFirst, AnIdleConnectionLivesForTheKeepAliveTimeout) {
  Server server(Closer::client);
  Client client(server.services);
  ask(client, get("/"));
  client.after(14_s);
  ask(client, get("/"));
  client.after(14'999_ms);
  EXPECT_TRUE(client.is_open());
  client.after(1_ms);
  EXPECT_TRUE(client.saw_fin());
  EXPECT_EQ(client.read(), "") << "it is closed without a word";
  client.shut();
  EXPECT_EQ(server.closes(Ending::keep_alive_timeout), 1u);
}

TEST(Abort, ResetsOnceTheAnswerIsAcknowledged) {
  Server server(aborting(Closer::server));
  Client client(server.services);
  client.send(get("/"));
  EXPECT_FALSE(client.saw_rst());
  client.read_some(10);
  EXPECT_FALSE(client.saw_rst());
  client.read();
  EXPECT_TRUE(client.saw_rst());
  EXPECT_EQ(server.closes(Ending::aborted), 1u);
}

TEST(Abort, ResetsAHalfClosedClientAfterItsAnswer) {
  Server server(aborting(Closer::client));
  Client client(server.services);
  client.send(get("/"));
  client.shut();
  EXPECT_FALSE(client.saw_rst());
  EXPECT_EQ(read_replies(client).size(), 1u);
  EXPECT_TRUE(client.saw_rst());
}

TEST(Drain, ClosesAnIdleConnectionAtOnce) {
  Server server(Closer::client);
  Client client(server.services);
  ask(client, get("/"));
  client.drain();
  EXPECT_TRUE(client.saw_fin());
  EXPECT_EQ(client.read(), "");
  client.send(get("/"));  // it crossed the FIN
  EXPECT_FALSE(client.is_deaf());
  client.shut();
  EXPECT_EQ(server.closes(Ending::server_first), 1u);
}

TEST(Drain, LeavesTheLastAnswerOfAnIdleConnectionToArrive) {
  for (const bool abort : {false, true}) {
    service::ServerSettings settings = small_settings(Closer::client);
    settings.close.abort = abort;
    Server server(settings);
    Client client(server.services);
    client.send(get("/big"));
    client.drain();
    EXPECT_FALSE(client.saw_rst());
    EXPECT_EQ(read_replies(client)[0].body, pattern_text(kBigBytes));
    EXPECT_EQ(client.saw_rst(), abort);
  }
}

TEST(Drain, AnswersARequestThatIsHalfReadOrYetToCome) {
  for (const Closer first : {Closer::server, Closer::client}) {
    Server server(first);
    Client silent(server.services), half(server.services);
    half.send("GET / HTTP/1.1\r\n");
    server.services.stop(Instant{});
    for (Client* client : {&silent, &half}) {
      client->drain();
      EXPECT_TRUE(client->is_open());
    }
    half.send("Host: m\r\n\r\n");
    silent.send(get("/"));
    for (Client* client : {&silent, &half}) {
      const auto replies = read_replies(*client);
      ASSERT_EQ(replies.size(), 1u);
      EXPECT_EQ(replies[0].status, 200);
      EXPECT_EQ(replies[0].field("connection"), "close");
    }
  }
}

TEST(RequestTimeout, AnswersASilentClientWith408) {
  Server server(Closer::server);
  Client client(server.services);
  client.after(9'999_ms);
  EXPECT_TRUE(client.is_open());
  client.after(1_ms);
  EXPECT_EQ(read_replies(client)[0].status, 408);
  EXPECT_TRUE(client.saw_fin());
  client.shut();
  EXPECT_EQ(server.closes(Ending::request_timeout), 1u);
}

TEST(RequestTimeout, IsNotPutOffByDribbling) {
  Server server(Closer::client);
  Client client(server.services);
  const std::string request = get("/", "X: " + std::string(100, 'x') + "\r\n");
  for (int i = 0; i < 10; ++i) {
    client.send(request.substr(i, 1));
    client.after(1_s);
  }
  EXPECT_EQ(read_replies(client)[0].status, 408);
  EXPECT_EQ(server.services.http().parsers_used(), 0u);
}

TEST(RequestTimeout, RunsFromTheFirstByteOfALaterRequest) {
  Server server(Closer::client);
  Client client(server.services);
  ask(client, get("/"));
  client.after(14_s);
  client.send("GET ");
  client.after(9'999_ms);
  EXPECT_EQ(client.read(), "");
  client.after(1_ms);
  EXPECT_EQ(read_replies(client)[0].status, 408);
}

TEST(RequestTimeout, CoversTheBody) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  client.read();
  client.after(10_s);
  EXPECT_EQ(read_replies(client)[0].status, 408);
}

TEST(SlowReader, IsResetAfterAMinuteInWhichItTookNextToNothing) {
  for (const Closer first : {Closer::server, Closer::client}) {
    for (const char* field : {"", "Connection: close\r\n"}) {
      Server server(first);
      Client client(server.services, 80, {.runs = 3});
      client.send(get("/big", field));
      for (int i = 0; i < 5; ++i) {
        client.after(59_s);
        EXPECT_FALSE(client.saw_rst());
        EXPECT_EQ(client.read_some(service::ClosePolicy::kStallLeast).size(),
                  service::ClosePolicy::kStallLeast);
      }
      // Too little does not put it off.
      client.after(59_s);
      EXPECT_EQ(client.read_some(1).size(), 1u);
      client.after(1_s);
      EXPECT_TRUE(client.saw_rst());
      EXPECT_EQ(server.closes(Ending::stalled), 1u);
    }
  }
}

TEST(SlowReader, IsResetWhileItsAnswerWaitsForRoom) {
  Server server(Closer::client);
  Client client(server.services, 80, {.runs = 1});
  client.send(get("/big"));
  client.after(60_s);
  EXPECT_TRUE(client.saw_rst());
}

TEST(FullPools, AnAnswerGoesOutWhenThereIsMemoryAgain) {
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{7}}) {
    Server server(Closer::client);
    Client client(server.services, port, {.runs = 0});
    client.send(get("/"));
    client.after(5_s);
    EXPECT_EQ(client.read(), "");
    client.set_room({});
    client.after(service::ClosePolicy::kRetry);
    EXPECT_FALSE(client.read().empty());
    EXPECT_TRUE(client.is_open());
  }
}

TEST(Endings, AResetByThePeerIsALostConnection) {
  Server server(Closer::client);
  Client client(server.services);
  client.send("GET /");
  client.end(flow::CloseReason::reset);
  EXPECT_EQ(server.closes(Ending::lost), 1u);
  EXPECT_EQ(server.services.http().parsers_used(), 0u);
}

TEST(Echo, SendsEverythingBackAsFarAsThereIsRoom) {
  Server server(Closer::server);
  Client client(server.services, 7, {.runs = 8, .copied_bytes = 1'000});
  std::string sent;
  for (int i = 0; i < 5'000; ++i) sent += static_cast<char>('a' + i % 26);
  client.send(sent);
  EXPECT_EQ(client.unsent(), 1'000u);
  EXPECT_EQ(client.held_back(), 4'000u);
  client.shut();
  EXPECT_EQ(client.read(), sent);
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(server.closes(Ending::client_first), 1u);
}

TEST(Echo, ResetsAClientThatNeverReads) {
  Server server(Closer::server);
  Client client(server.services, 7);
  client.send("x");
  client.after(60_s);
  EXPECT_TRUE(client.saw_rst());
  EXPECT_EQ(server.closes(Ending::stalled), 1u);
}

TEST(Echo, KeepsAnIdleConnection) {
  Server server(Closer::server);
  Client client(server.services, 7);
  client.send("x");
  EXPECT_EQ(client.read(), "x");
  client.after(Duration::from_s(86'400));
  client.send("y");
  EXPECT_EQ(client.read(), "y");
}

TEST(Discard, TakesEverythingAndSaysNothing) {
  Server server(Closer::server);
  Client client(server.services, 9);
  client.send(std::string(100'000, 'x'));
  EXPECT_EQ(client.held_back(), 0u);
  EXPECT_EQ(client.read(), "");
  client.shut();
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(server.counters().discarded.get(), 100'000u);
}

/// The policy changes while `server` runs.
void change(Server& server, const shard::CloseSettings& to) {
  server.services.on_settings({.close = to});
}

TEST(AChangeOfPolicy, HoldsForTheNextAnswerOfAnOpenConnection) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/")).field("connection"), "");
  const shard::CloseSettings server_first{.first = Closer::server};
  change(server, server_first);
  EXPECT_EQ(ask(client, get("/")).field("connection"), "close");
  EXPECT_TRUE(client.saw_fin());
  client.shut();
  EXPECT_EQ(server.closes(Ending::server_first), 1u);
}

TEST(AChangeOfPolicy, LeavesAConnectionThatHasTheGraceToIt) {
  Server server(Closer::client);
  Client client(server.services);
  ask(client, get("/", "Connection: close\r\n"));
  const shard::CloseSettings abortive{.first = Closer::server, .abort = true};
  change(server, abortive);
  client.after(199_ms);
  EXPECT_TRUE(client.is_open());
  client.shut();
  EXPECT_EQ(server.closes(Ending::client_first), 1u);
  EXPECT_EQ(server.closes(Ending::aborted), 0u);
}

TEST(AChangeOfPolicy, LeavesAConnectionThatWasToBeResetToIt) {
  Server server(aborting(Closer::server));
  Client client(server.services);
  client.send(get("/"));
  const shard::CloseSettings server_first{.first = Closer::server};
  change(server, server_first);
  read_replies(client);
  EXPECT_TRUE(client.has_ended());
  EXPECT_EQ(server.closes(Ending::aborted), 1u);
}

}  // namespace
}  // namespace mayfly::testing
