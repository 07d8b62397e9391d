#include "admin/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "admin/endpoints.h"
#include "admin/socket_client.h"
#include "noted_actions.h"

namespace mayfly::testing {
namespace {

using admin::AdminServer, admin::AdminSettings, admin::ask_socket;
using ::testing::HasSubstr;

/// A caller that sends what it is told, and reads with a limit of two seconds.
class RawCaller {
 public:
  explicit RawCaller(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    join(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  explicit RawCaller(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    join(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  void send(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t sent = ::send(fd_.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;  // dropped meanwhile: what it reads shows it
      at += static_cast<std::size_t>(sent);
    }
  }
  void get(const std::string& path) {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  /// What comes until `words` have come, or the end.
  std::string read_until(const std::string& words) {
    std::string text;
    for (char some[4'096]; text.find(words) == text.npos;) {
      const ssize_t got = recv(fd_.get(), some, sizeof some, 0);
      EXPECT_FALSE(got < 0 && errno == EAGAIN) << "neither the words nor an end: " << text;
      if (got <= 0 || text.size() > 2'000'000) return text;
      text.append(some, static_cast<std::size_t>(got));
    }
    return text;
  }
  bool is_ended() { return read_until("never said").empty(); }

 private:
  void join(const sockaddr* address, socklen_t length) {
    EXPECT_EQ(connect(fd_.get(), address, length), 0) << std::strerror(errno);
    const timeval limit{.tv_sec = 2, .tv_usec = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  Fd fd_;
};

/// A port on which nobody listens.
std::uint16_t free_port() {
  const Fd fd(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

class AdminServerTest : public ::testing::Test {
 public:
  AdminServerTest() {
    std::string name = (std::filesystem::temp_directory_path() / "mayfly-admin-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    settings.socket = folder_ / "socket";
    settings.page = "127.0.0.1:" + std::to_string(port);
  }
  ~AdminServerTest() override { std::filesystem::remove_all(folder_); }

  Result<std::unique_ptr<AdminServer>> serve(Duration idle = AdminServer::kIdleMax) {
    return AdminServer::create(settings, noted.actions(), idle);
  }
  int status_on_socket() {
    const auto answer = ask_socket(settings.socket, "GET", "/api/stats", "", 2_s);
    return answer ? answer->status : 0;
  }
  bool answers_on_page() {
    RawCaller caller(port);
    caller.get("/api/stats");
    return caller.read_until("accepted").find("200 OK") != std::string::npos;
  }

  std::uint16_t port = free_port();
  AdminSettings settings;
  NotedActions noted;

 private:
  std::filesystem::path folder_;
};

TEST_F(AdminServerTest, AnswersOnTheSocketAndOnThePage) {
  const auto server = serve();
  ASSERT_TRUE(server) << server.error().what;
  EXPECT_EQ(status_on_socket(), 200);
  EXPECT_TRUE(answers_on_page());
  const auto changed =
      ask_socket(settings.socket, "PUT", "/api/policy", R"({"name":"balanced"})", 2_s);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->status, 200);
  EXPECT_EQ(noted.noted, std::vector<std::string>{"policy balanced"});
}

TEST_F(AdminServerTest, TakesRequestsInPiecesAndSeveralAtOnce) {
  const auto server = serve();
  RawCaller caller(port);
  caller.send("GET /api/hist");
  usleep(30'000);
  caller.send(
      "ory HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/stats HTTP/1.1\r\nHost: "
      "localhost\r\n\r\n");
  EXPECT_THAT(caller.read_until("accepted"), HasSubstr("[]"));
}

TEST_F(AdminServerTest, AThousandIdleCallersLockNobodyOut) {
  const auto server = serve();
  std::vector<std::unique_ptr<RawCaller>> idle;
  for (int i = 0; i < 1'000; ++i) {
    idle.push_back(std::make_unique<RawCaller>(port));
    if (i % 2 == 0) idle.back()->send("GET / HT");
  }
  EXPECT_TRUE(answers_on_page());
  EXPECT_EQ(status_on_socket(), 200);
  std::vector<std::unique_ptr<RawCaller>> leaked;
  for (std::size_t i = 0; i < 3 * AdminServer::kOnSocketMax; ++i)
    leaked.push_back(std::make_unique<RawCaller>(settings.socket));
  EXPECT_EQ(status_on_socket(), 200) << "monitors that leak connections lock the operator out";
}

TEST_F(AdminServerTest, AStreamGetsEventsAndIsNotCutOffByIdleCallers) {
  const auto server = serve();
  RawCaller stream(port);
  stream.get("/api/events");
  EXPECT_THAT(stream.read_until("data: {\"n\":"), HasSubstr("text/event-stream"));
  for (std::size_t i = 0; i < 2 * AdminServer::kOnPageMax; ++i) RawCaller idle(port);
  EXPECT_THAT(stream.read_until("data: {\"n\":"), HasSubstr("data"));
}

TEST_F(AdminServerTest, AStreamThatIsNotReadEndsAndHoldsUpNobody) {
  std::string large(100'000, 'x');
  auto actions = noted.actions();
  actions.sample = [&] { return nlohmann::ordered_json{{"x", large}}; };
  // A change brings events in quick succession.
  auto server = AdminServer::create(settings, std::move(actions));
  ASSERT_TRUE(server);
  RawCaller deaf(settings.socket), other(port);
  deaf.get("/api/events");
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(ask_socket(settings.socket, "POST", "/api/reload", "{}", 2_s));
    usleep(100'000);
    EXPECT_EQ(status_on_socket(), 200);
  }
  EXPECT_LT(deaf.read_until("never said").size(), 800'000u) << "it was sent on and on";
}

TEST_F(AdminServerTest, WhatIsNoRequestIsAnsweredAndEndsTheConnection) {
  const auto server = serve();
  RawCaller caller(port);
  caller.send("hello\r\n\r\n" + std::string(1'000, 'x'));
  EXPECT_THAT(caller.read_until("never said"), HasSubstr("HTTP/1.1 400"));
  RawCaller endless(port);
  endless.send("GET / HTTP/1.1\r\nA: " + std::string(100'000, 'x'));
  EXPECT_THAT(endless.read_until("never said"), HasSubstr("HTTP/1.1 431"));
}

TEST_F(AdminServerTest, AnIdleCallerIsDropped) {
  const auto server = serve(100_ms);
  RawCaller caller(port);
  caller.send("GET / HT");
  EXPECT_TRUE(caller.is_ended());
}

TEST_F(AdminServerTest, TheSocketIsForItsOwnerAloneAndRemovedAtTheEnd) {
  {
    const auto server = serve();
    struct stat file {};
    ASSERT_EQ(stat(settings.socket.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(std::filesystem::exists(settings.socket));
}

TEST_F(AdminServerTest, ASocketThatAProcessLeftBehindIsReplaced) {
  {
    const Fd left(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    settings.socket.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  const auto server = serve();
  ASSERT_TRUE(server) << server.error().what;
  EXPECT_EQ(status_on_socket(), 200);
}

TEST_F(AdminServerTest, APlaceInUseIsNotTakenAndAFileIsNotRemoved) {
  {
    const auto first = serve();
    EXPECT_THAT(serve().error().what, HasSubstr("admin.page"));
    settings.page.clear();
    EXPECT_THAT(serve().error().what, HasSubstr(settings.socket));
    EXPECT_EQ(status_on_socket(), 200) << "the first one is still there";
  }
  std::ofstream(settings.socket) << "precious";
  EXPECT_FALSE(serve());
  EXPECT_TRUE(std::filesystem::exists(settings.socket));
}

TEST_F(AdminServerTest, AddressesOfOthersNeedAToken) {
  settings.page = "0.0.0.0:" + std::to_string(port);
  EXPECT_THAT(serve().error().what, HasSubstr("admin.token_file"));
  settings.token_file = settings.socket + ".token";
  EXPECT_THAT(serve().error().what, HasSubstr("no token can be read"));
  std::ofstream(settings.token_file) << "short\n";
  EXPECT_THAT(serve().error().what, HasSubstr("5 characters"));
  std::ofstream(settings.token_file) << "0123456789abcdef\n";
  const auto server = serve();
  ASSERT_TRUE(server) << server.error().what;
  RawCaller caller(port);
  caller.get("/api/stats");
  EXPECT_THAT(caller.read_until("error"), HasSubstr("HTTP/1.1 401"));
}

TEST(Endpoints, APagesAddressHasAPortAndMayBeShort) {
  EXPECT_EQ(admin::parse_page_address("9000")->host, "127.0.0.1");
  EXPECT_EQ(admin::parse_page_address("[::1]:9000")->host, "::1");
  EXPECT_TRUE(admin::parse_page_address("localhost:1")->is_loopback);
  EXPECT_TRUE(admin::parse_page_address("127.9.9.9:1")->is_loopback);
  EXPECT_FALSE(admin::parse_page_address("198.18.0.1:1")->is_loopback);
  EXPECT_FALSE(admin::parse_page_address("[::]:1")->is_loopback);
  for (const char* bad :
       {"", ":", "x:1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:9000x", "::1"})
    EXPECT_FALSE(admin::parse_page_address(bad)) << bad;
}

TEST(SocketClient, SaysThatNobodyListensOrAnswers) {
  const auto answer = ask_socket("/tmp/no-such-socket", "GET", "/", "", 2_s);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("nobody listens on /tmp/no-such-socket"));
}

}  // namespace
}  // namespace mayfly::testing
