#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http_fixture.h"

namespace mayfly::testing {
namespace {

using shard::Closer;

static_assert(shard::App<service::Services, FakeConn>);

TEST(Http, AnswersGetWithTheRoutesBody) {
  Server server(Closer::client);
  Client client(server.services);
  const Reply reply = ask(client, get("/"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, kHello);
  EXPECT_EQ(reply.field("content-length"), "14");
  EXPECT_EQ(reply.field("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.field("server"), "mayfly");
  EXPECT_TRUE(client.is_open());
  EXPECT_EQ(server.counters().slow_requests.get(), 0u);
}

TEST(Http, AnswersHeadWithTheSameHeadAndNoBody) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/"));
  const std::string whole = client.read();
  client.send("HEAD / HTTP/1.1\r\nHost: mayfly\r\n\r\n");
  EXPECT_EQ(client.read() + std::string(kHello), whole);
  client.send("HEAD /big HTTP/1.1\r\nHost: mayfly\r\n\r\n");
  const std::string big = client.read();
  EXPECT_NE(big.find("Content-Length: 1000000\r\n"), big.npos);
  EXPECT_TRUE(big.ends_with("\r\n\r\n"));
}

TEST(Http, GeneratesTheDocumentedPattern) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/small")).body, pattern_text(100));
  const Reply big = ask(client, get("/big"));
  EXPECT_EQ(big.body, pattern_text(kBigBytes));
  EXPECT_EQ(big.field("content-type"), "application/octet-stream");
}

TEST(Http, SendsAnEmptyBody) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/empty")).field("content-length"), "0");
}

TEST(Http, KeepsAnHttp11ConnectionUnlessToldOtherwise) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/")).field("connection"), "");
  EXPECT_EQ(ask(client, get("/", "Connection: Keep-Alive\r\n")).field("connection"), "");
  EXPECT_EQ(ask(client, get("/", "Connection: Close\r\n")).field("connection"), "close");
}

TEST(Http, KeepsAnHttp10ConnectionOnlyIfAsked) {
  Server server(Closer::client);
  Client client(server.services);
  const Reply kept = ask(client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.field("connection"), "keep-alive");
  EXPECT_EQ(ask(client, "GET / HTTP/1.0\r\n\r\n").field("connection"), "close");
  client.after(200_ms);
  EXPECT_TRUE(client.saw_fin());
}

TEST(Http, ClosesAfterTheLastRequestOfTheLimit) {
  service::ServerSettings settings = small_settings(Closer::client);
  settings.http.keep_alive_requests = 2;
  Server server(settings);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/")).field("connection"), "");
  EXPECT_EQ(ask(client, get("/")).field("connection"), "close");
}

TEST(Http, KeepsNoConnectionWhileItDrains) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/")).field("connection"), "");
  server.services.stop(Instant{});
  EXPECT_EQ(ask(client, get("/")).field("connection"), "close");
}

TEST(Http, AnswersPipelinedRequestsInOrder) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/") + get("/small") + "HEAD /big HTTP/1.1\r\nHost: m\r\n\r\n" + get("/none"));
  const std::vector<Reply> replies = read_replies(client);
  ASSERT_EQ(replies.size(), 4u);
  EXPECT_EQ(replies[0].body, kHello);
  EXPECT_EQ(replies[1].body, pattern_text(100));
  EXPECT_EQ(replies[2].field("content-length"), "1000000");
  EXPECT_EQ(replies[3].status, 404);
}

TEST(Http, StopsReadingRequestsWhileTheQueueIsFull) {
  Server server(Closer::client);
  Client client(server.services, 80, {.runs = 3});
  std::string requests;
  for (int i = 0; i < 10; ++i) requests += get("/big");
  client.send(requests);
  EXPECT_EQ(client.unsent() / kBigBytes, 1u) << "one whole answer, and the head of the next";
  EXPECT_GT(client.held_back(), 7 * get("/big").size());
  const std::vector<Reply> replies = read_replies(client);
  ASSERT_EQ(replies.size(), 10u);
  for (const Reply& reply : replies) EXPECT_EQ(reply.body, pattern_text(kBigBytes));
  EXPECT_EQ(client.held_back(), 0u);
}

TEST(Http, LooksOnlyAtThePath) {
  Server server(Closer::client);
  Client client(server.services);
  for (const char* target :
       {"/?a=/b", "/a%20b", "/%61%20b?x", "/x/../small", "/./small", "//../small", "/../../small",
        "/%2e%2E/small", "http://mayfly", "http://mayfly/?q", "HTTP://other.example:8080/small"}) {
    EXPECT_EQ(ask(client, get(target)).status, 200) << target;
  }
}

TEST(Http, SkipsTheBodiesOfRequests) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/", "Content-Length: 5\r\n") + "12345" + get("/small"));
  EXPECT_EQ(read_replies(client).size(), 2u);
  client.send(get("/", "Transfer-Encoding: chunked\r\n") +
              "5;ext=\"x\"\r\n12345\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n" + get("/small"));
  const std::vector<Reply> replies = read_replies(client);
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[1].body, pattern_text(100));
}

TEST(Http, AsksForABodyThatIsHeldBack) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/", "Expect: 100-Continue\r\nContent-Length: 3\r\n"));
  EXPECT_EQ(client.read(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(ask(client, "abc").body, kHello);
}

TEST(Http, DoesNotAskForABodyInHttp10OrWhenThereIsNone) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/", "Expect: 100-continue\r\n")).status, 200);
  client.send("GET / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(client.read(), "");
  EXPECT_EQ(ask(client, "x").status, 200);
}

TEST(Http, AnswersAClientThatHalfCloses) {
  Server server(Closer::client);
  Client client(server.services, 80, {.runs = 1});
  client.send(get("/big"));
  client.shut();
  const std::vector<Reply> replies = read_replies(client);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].body, pattern_text(kBigBytes));
  EXPECT_TRUE(client.saw_fin());
  EXPECT_EQ(server.closes(service::Ending::client_first), 1u);
}

TEST(Http, AnswersAllThatWasPipelinedBeforeAHalfClose) {
  Server server(Closer::client);
  Client client(server.services, 80, {.runs = 1});
  client.send(get("/") + get("/small") + get("/"));
  client.shut();
  EXPECT_EQ(read_replies(client).size(), 3u);
  EXPECT_TRUE(client.has_ended());
}

TEST(Http, IgnoresEmptyLinesAheadOfARequest) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, "\r\n\r\n" + get("/")).status, 200);
}

TEST(Http, ServesAHigherMinorVersionAsHttp11) {
  Server server(Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, "GET / HTTP/1.7\r\nHost: m\r\n\r\n").status, 200);
  EXPECT_TRUE(client.is_open());
}

/// Clients that have sent half a request, as many as there are parsers.
std::vector<std::unique_ptr<Client>> half_readers(Server& server, std::string_view half) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < service::Parsers::kHeldMax; ++i) {
    clients.push_back(std::make_unique<Client>(server.services));
    clients.back()->send(half);
  }
  return clients;
}

TEST(Parsers, AWholeRequestTakesNone) {
  Server server(Closer::client);
  const auto slow = half_readers(server, "GET /");
  for (const std::string& request :
       {get("/"), get("/?a=b"), get("/", "Content-Length: 3\r\n") + "abc",
        get("/", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n"}) {
    Client client(server.services);
    EXPECT_EQ(ask(client, request).status, 200) << request;
  }
  Client lost(server.services);
  EXPECT_EQ(ask(lost, get("/none")).status, 404);
  EXPECT_EQ(server.counters().parsers_reclaimed.get(), 0u);
}

TEST(Parsers, ThatHaveBeenIdleLongestGoToNewRequests) {
  Server server(Closer::client);
  const auto slow = half_readers(server, "GET /small HT");
  slow[0]->send("TP/1.1\r\n");  // so the second one is idle longest
  Client late(server.services);
  late.send("GET /");
  EXPECT_EQ(server.counters().parsers_reclaimed.get(), 1u);
  EXPECT_EQ(server.services.http().parsers_used(), service::Parsers::kHeldMax);
  EXPECT_EQ(ask(late, " HTTP/1.1\r\nHost: m\r\n\r\n").status, 200);
  EXPECT_EQ(ask(*slow[0], "Host: m\r\n\r\n").body, pattern_text(100));
  EXPECT_EQ(ask(*slow[1], "TP/1.1\r\n").status, 503);
  slow[1]->after(200_ms);
  EXPECT_TRUE(slow[1]->saw_fin());
  EXPECT_EQ(server.counters().parsers_exhausted.get(), 1u);
  EXPECT_EQ(ask(*slow[2], "TP/1.1\r\nHost: m\r\n\r\n").status, 200);
}

TEST(Parsers, OneThatWasLostIsNotGivenBackByItsFormerOwner) {
  Server server(Closer::client);
  auto slow = half_readers(server, "GET /");
  Client late(server.services);
  late.send("GET /");
  slow[0].reset();
  EXPECT_EQ(server.services.http().parsers_used(), service::Parsers::kHeldMax);
  slow[1]->after(10_s);
  EXPECT_EQ(read_replies(*slow[1])[0].status, 408);
  EXPECT_EQ(server.services.http().parsers_used(), service::Parsers::kHeldMax - 1);
  EXPECT_EQ(ask(late, " HTTP/1.1\r\nHost: m\r\n\r\n").status, 200);
}

TEST(Parsers, OfAHeadThatWasLostIsAnsweredWithoutContent) {
  Server server(Closer::client);
  const auto slow = half_readers(server, "HEAD / HTTP/1.1\r\n");
  Client late(server.services);
  late.send("GET /");
  slow[0]->send("Host: m\r\n\r\n");
  const std::string answer = slow[0]->read();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\n")) << answer;
}

TEST(Http, CountsRequestsResponsesAndBytes) {
  Server server(Closer::client);
  Client client(server.services);
  client.send(get("/") + get("/big") + get("/none"));
  const std::string all = client.read();
  EXPECT_EQ(server.counters().requests.get(), 3u);
  EXPECT_EQ(server.counters().responses_2xx.get(), 2u);
  EXPECT_EQ(server.counters().responses_4xx.get(), 1u);
  EXPECT_EQ(server.counters().bytes_out.get(), all.size());
}

}  // namespace
}  // namespace mayfly::testing
