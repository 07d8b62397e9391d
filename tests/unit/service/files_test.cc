// What clients get of files: validators, parts, types, and the Date of every answer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "http_fixture.h"
#include "service/media_types.h"

namespace mayfly::testing {
namespace {

namespace fs = std::filesystem;

/// A server of one folder: a.txt (10 octets), large.bin (100,000), empty.txt.
class Files : public ::testing::Test {
 protected:
  Files() {
    std::string name = (fs::temp_directory_path() / "mayfly-files-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    write("a.txt", "0123456789");
    write("large.bin", pattern_text(100'000));
    write("empty.txt", "");
    settings_.http.routes.push_back({.path = "/files/", .folder = root_.string()});
  }
  ~Files() override { fs::remove_all(root_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(root_ / name, std::ios::binary) << text;
  }

  fs::path root_;
  service::ServerSettings settings_ = small_settings(shard::Closer::client);
};

TEST_F(Files, HaveValidators) {
  Server server(settings_);
  Client client(server.services);
  const Reply reply = ask(client, get("/files/a.txt"));
  EXPECT_EQ(reply.field("accept-ranges"), "bytes");
  EXPECT_EQ(reply.field("etag").size(), service::kEntityTagBytes);
  EXPECT_TRUE(service::parse_http_date(reply.field("last-modified")).has_value());
  EXPECT_NE(ask(client, get("/files/large.bin")).field("etag"), reply.field("etag"));
  write("b.txt", "0123456789");
  Server again(settings_);
  Client other(again.services);
  EXPECT_EQ(ask(other, get("/files/b.txt")).field("etag"), reply.field("etag"))
      << "the tag is that of the octets";
}

TEST_F(Files, ThatTheClientHasAreNotSentAgain) {  // RFC 9110 15.4.5
  Server server(settings_);
  Client client(server.services);
  const Reply whole = ask(client, get("/files/a.txt"));
  for (const std::string& field : {"If-None-Match: " + whole.field("etag"),
                                   "If-Modified-Since: " + whole.field("last-modified")}) {
    for (const std::string method : {"GET", "HEAD"}) {
      client.send(method + " /files/a.txt HTTP/1.1\r\nHost: m\r\n" + field + "\r\n\r\n");
      const std::string text = client.read();
      EXPECT_TRUE(text.starts_with("HTTP/1.1 304 Not Modified\r\n")) << text;
      EXPECT_TRUE(text.ends_with("\r\n\r\n")) << text;
      EXPECT_NE(text.find("ETag: " + whole.field("etag")), text.npos);
      EXPECT_EQ(text.find("Content-Length"), text.npos);
    }
  }
  EXPECT_TRUE(client.is_open());
  EXPECT_EQ(ask(client, get("/files/a.txt", "If-None-Match: \"other\"\r\n")).body, "0123456789");
  EXPECT_EQ(ask(client, get("/", "If-None-Match: *\r\nRange: bytes=0-1\r\n")).body, kHello)
      << "a body has no validators";
  EXPECT_EQ(ask(client, get("/files/a.txt", "If-Match: \"other\"\r\n")).status, 412);
}

TEST_F(Files, AreSentInParts) {  // RFC 9110 15.3.7
  Server server(settings_);
  Client client(server.services);
  Reply part = ask(client, get("/files/a.txt", "Range: bytes=2-4\r\n"));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.field("content-range"), "bytes 2-4/10");
  EXPECT_EQ(part.field("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(part.field("etag"), ask(client, get("/files/a.txt")).field("etag"));
  part = ask(client, get("/files/large.bin", "Range: bytes=50000-\r\nConnection: close\r\n"));
  EXPECT_EQ(part.body, pattern_text(100'000).substr(50'000));
  EXPECT_EQ(part.field("content-range"), "bytes 50000-99999/100000");
  EXPECT_EQ(part.field("connection"), "close");
}

TEST_F(Files, ThatLackThePartSaySo) {  // RFC 9110 15.5.17
  Server server(settings_);
  Client client(server.services);
  const Reply none = ask(client, get("/files/a.txt", "Range: bytes=10-\r\n"));
  EXPECT_EQ(none.status, 416);
  EXPECT_EQ(none.field("content-range"), "bytes */10");
  EXPECT_EQ(none.body, "");
  EXPECT_TRUE(client.is_open());
  EXPECT_EQ(ask(client, get("/files/empty.txt", "Range: bytes=0-\r\n")).status, 416);
  EXPECT_EQ(ask(client, get("/files/a.txt", "Range: bytes=0-1,3-4\r\n")).body, "0123456789");
  EXPECT_EQ(ask(client, get("/files/a.txt", "Range: bytes=0-1\r\nRange: bytes=3-4\r\n")).status,
            200);
}

TEST_F(Files, WaitForRoomInParts) {
  Server server(settings_);
  for (std::size_t runs = 0; runs <= 3; ++runs) {
    Client client(server.services, 80, {.runs = runs});
    client.send(get("/files/large.bin", "Range: bytes=1-50000\r\n"));
    std::string got = client.read();
    client.set_room({});
    client.after(service::ClosePolicy::kRetry);
    got += client.read();
    const auto replies = parse_replies(got);
    ASSERT_TRUE(replies && replies->size() == 1) << got.substr(0, 300);
    EXPECT_EQ(replies->front().body, pattern_text(100'000).substr(1, 50'000));
  }
  Client lost(server.services, 80, {.runs = 0});
  lost.send(get("/files/large.bin", "Range: bytes=1-50000\r\n"));
  EXPECT_EQ(server.services.http().parts_used(), 1u);
  lost.end(flow::CloseReason::reset);
  EXPECT_EQ(server.services.http().parts_used(), 0u);
}

TEST_F(Files, AreSentWholeIfTooManyPartsWait) {
  Server server(settings_);
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint32_t i = 0; i < service::PartialAnswers::kMax; ++i) {
    clients.push_back(std::make_unique<Client>(server.services, 80, FakeRoom{.runs = 0}));
    clients.back()->send(get("/files/a.txt", "Range: bytes=1-2\r\n"));
  }
  Client late(server.services);
  EXPECT_EQ(ask(late, get("/files/a.txt", "Range: bytes=1-2\r\n")).status, 200);
}

TEST_F(Files, AreThoseOfTheLastReadingForNewAnswersAlone) {
  Server server(settings_);
  server.site.set_time(1'000'000'000);
  Client old(server.services), idle(server.services), half(server.services);
  const std::string request = get("/files/large.bin");
  ask(idle, request);
  half.send("POST /files/a.txt HTTP/1.1\r\nHost: m\r\nContent-Length: 1\r\n");
  old.send(request);
  std::string got = old.read_some(1'000);
  write("large.bin", std::string(50'000, 'n'));
  fs::remove(root_ / "a.txt");
  const service::Site again = *server.site.reload(server.settings.http, 1);
  server.reload(again);
  const auto& http = server.services.http();
  EXPECT_EQ(http.connections_of_site(0), 2u);
  EXPECT_EQ(ask(idle, request).body, std::string(50'000, 'n'));
  EXPECT_EQ(http.connections_of_site(0), 1u);
  old.send(request);  // behind an answer of the old site: of the same
  got += old.read();
  const auto replies = parse_replies(got);
  ASSERT_TRUE(replies && replies->size() == 2);
  EXPECT_EQ(replies->at(0).body, pattern_text(100'000));
  EXPECT_EQ(replies->at(1).body, pattern_text(100'000));
  EXPECT_EQ(ask(old, request).body, std::string(50'000, 'n'));
  EXPECT_EQ(http.connections_of_site(0), 0u);
  EXPECT_EQ(ask(half, "\r\nx").status, 404);
  Client fresh(server.services);
  server.site.set_time(1'000'000'001);
  EXPECT_EQ(ask(fresh, request).field("date"), "Sun, 09 Sep 2001 01:46:41 GMT");
  EXPECT_EQ(http.connections_of_site(1), 4u);
  fresh.end(flow::CloseReason::reset);
  EXPECT_EQ(http.connections_of_site(1), 3u);
}

TEST_F(Files, ThatAreGoneWhileTheBodyOfARequestComesAreNotFound) {
  Server server(settings_);
  Client client(server.services);
  client.send(get("/files/a.txt", "Content-Length: 1\r\n"));
  fs::remove(root_ / "a.txt");
  const service::Site again = *server.site.reload(server.settings.http, 1);
  server.reload(again);
  EXPECT_EQ(ask(client, "x").status, 404);
}

TEST(Date, IsTheTimeThatTheSiteWasTold) {
  Server server(shard::Closer::client);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/")).field("date"), "") << "without a clock there is none";
  server.site.set_time(784'111'777);
  EXPECT_EQ(ask(client, get("/")).field("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
  server.site.set_time(784'111'778);
  EXPECT_EQ(ask(client, get("/big")).field("date"), "Sun, 06 Nov 1994 08:49:38 GMT");
  client.send(get("/", "Expect: 100-continue\r\nContent-Length: 1\r\n"));
  EXPECT_EQ(client.read(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(ask(client, "x").field("date"), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(ask(client, get("/none")).field("date"), "Sun, 06 Nov 1994 08:49:38 GMT");
}

TEST(Date, OfAnAnswerThatIsQueuedStaysAsItWas) {
  Server server(shard::Closer::client);
  server.site.set_time(1'000'000'000);
  Client client(server.services);
  client.send(get("/"));
  for (int i = 1; i < 1'000; ++i) server.site.set_time(1'000'000'000 + i);
  EXPECT_EQ(read_replies(client)[0].field("date"), "Sun, 09 Sep 2001 01:46:40 GMT");
}

TEST(MediaTypes, AreThoseOfTheFileAndTheBuiltInOnes) {
  std::string name = (fs::temp_directory_path() / "mayfly-types-XXXXXX").string();
  const fs::path root = ::mkdtemp(name.data());
  std::ofstream(root / "mime.types") << "# a comment\n"
                                     << "application/x-tar\ttar  TGZ # more\n"
                                     << "text/x-c c h\n"
                                     << "nonsense foo\n"
                                     << "application/nothing\n"
                                     << "image/x-other png\n";
  const auto types = service::MediaTypes::load((root / "mime.types").string());
  EXPECT_EQ(types.of("a.tar"), "application/x-tar");
  EXPECT_EQ(types.of("a.b.tgz"), "application/x-tar");
  EXPECT_EQ(types.of("A.C"), "text/x-c; charset=utf-8");
  EXPECT_EQ(types.of("x.png"), "image/x-other");
  EXPECT_EQ(types.of("index.html"), "text/html; charset=utf-8") << "built in";
  EXPECT_EQ(types.of("x.foo"), "application/octet-stream");
  EXPECT_EQ(types.of("no-suffix"), "application/octet-stream");
  const auto built_in = service::MediaTypes::load((root / "missing").string());
  EXPECT_EQ(built_in.of("x.png"), "image/png");
  fs::remove_all(root);
}

}  // namespace
}  // namespace mayfly::testing
