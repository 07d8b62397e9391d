#include "admin/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace mayfly::testing {
namespace {

using admin::ask_control;
using admin::ControlServer;

using ::testing::HasSubstr;

/// A client that sends what it is told, and reads with a limit of two seconds.
class RawClient {
 public:
  explicit RawClient(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
        << std::strerror(errno);
    const timeval limit{.tv_sec = 2, .tv_usec = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t sent = ::send(fd_.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;  // dropped meanwhile: what it read shows it
      at += static_cast<std::size_t>(sent);
    }
  }
  void shut() { shutdown(fd_.get(), SHUT_WR); }
  /// One line; empty if the server has closed. Fails the test if neither comes.
  std::string line() {
    std::string line;
    for (char c = 0; c != '\n'; line += c) {
      const ssize_t got = recv(fd_.get(), &c, 1, 0);
      EXPECT_FALSE(got < 0 && errno == EAGAIN) << "neither a line nor an end";
      if (got <= 0) return line;
    }
    line.pop_back();
    return line;
  }

 private:
  Fd fd_{socket(AF_UNIX, SOCK_STREAM, 0)};
};

class ControlTest : public ::testing::Test {
 public:
  ControlTest() {
    std::string name = (std::filesystem::temp_directory_path() / "mayfly-ctl-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path = folder_ / "socket";
  }
  ~ControlTest() override { std::filesystem::remove_all(folder_); }

  /// Answers "x" with "<x>".
  Result<std::unique_ptr<ControlServer>> serve(Duration idle = ControlServer::kIdleMax) const {
    return ControlServer::create(
        path, [](std::string_view line) { return "<" + std::string(line) + ">"; }, idle);
  }

  std::string path;

 private:
  std::filesystem::path folder_;
};

TEST_F(ControlTest, AnswersALineWithALine) {
  const auto server = serve();
  ASSERT_TRUE(server);
  const auto answer = ask_control(path, "one", 2_s);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(*answer, "<one>");
}

TEST_F(ControlTest, TakesLinesInPiecesAndSeveralAtOnce) {
  const auto server = serve();
  RawClient client(path);
  client.send("fir");
  usleep(50'000);
  client.send("st\nsecond\nthi");
  EXPECT_EQ(client.line(), "<first>");
  EXPECT_EQ(client.line(), "<second>");
  client.send("rd\n");
  EXPECT_EQ(client.line(), "<third>");
}

TEST_F(ControlTest, AClientThatHasClosedItsSideStillGetsItsAnswers) {
  const auto server = serve();
  RawClient client(path);
  client.send("one\ntwo\n");
  client.shut();
  EXPECT_EQ(client.line(), "<one>");
  EXPECT_EQ(client.line(), "<two>");
  EXPECT_EQ(client.line(), "");
}

TEST_F(ControlTest, ServesTwoClientsOfWhichOneIsInTheMiddleOfALine) {
  const auto server = serve();
  RawClient slow(path), quick(path);
  slow.send("not yet");
  quick.send("now\n");
  EXPECT_EQ(quick.line(), "<now>");
  slow.send(" but now\n");
  EXPECT_EQ(slow.line(), "<not yet but now>");
}

TEST_F(ControlTest, ALineOfTheLongestLengthIsAnsweredAndALongerOneEndsItsClient) {
  const auto server = serve();
  const std::string longest(ControlServer::kLineMax, 'x');
  RawClient good(path), bad(path);
  good.send(longest + "\n");
  EXPECT_EQ(good.line().size(), longest.size() + 2);
  bad.send(longest + "x\n");
  EXPECT_THAT(bad.line(), HasSubstr("error"));
  EXPECT_EQ(bad.line(), "");
  good.send("still here\n");
  EXPECT_EQ(good.line(), "<still here>");
}

TEST_F(ControlTest, AClientThatDoesNotReadKeepsNobodyWaiting) {
  const auto server = serve();
  RawClient deaf(path), other(path);
  const std::string line(60'000, 'x');
  for (int i = 0; i < 3; ++i) deaf.send(line + "\n");
  other.send("one\n");
  EXPECT_EQ(other.line(), "<one>");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(deaf.line().size(), line.size() + 2);
}

TEST_F(ControlTest, TheSeventeenthClientIsRefusedUntilAnotherLeaves) {
  const auto server = serve();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < ControlServer::kClientsMax; ++i) {
    clients.push_back(std::make_unique<RawClient>(path));
    clients.back()->send("in\n");
    EXPECT_EQ(clients.back()->line(), "<in>");
  }
  EXPECT_THAT(RawClient(path).line(), HasSubstr("16 clients"));
  clients.pop_back();
  RawClient next(path);
  next.send("in\n");
  EXPECT_EQ(next.line(), "<in>");
}

TEST_F(ControlTest, AnIdleClientIsDropped) {
  const auto server = serve(100_ms);
  RawClient client(path);
  client.send("half a li");
  EXPECT_EQ(client.line(), "");
}

TEST_F(ControlTest, TheSocketIsForItsOwnerAloneAndRemovedAtTheEnd) {
  {
    const auto server = serve();
    struct stat file {};
    ASSERT_EQ(stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ControlTest, OneThatAProcessLeftBehindIsReplaced) {
  {
    const Fd left(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  const auto server = serve();
  ASSERT_TRUE(server) << server.error().what;
  EXPECT_TRUE(ask_control(path, "one", 2_s));
}

TEST_F(ControlTest, OneInUseIsNotTakenAndAFileIsNotRemoved) {
  {
    const auto first = serve();
    const auto second = serve();
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().what, HasSubstr(path));
    EXPECT_TRUE(ask_control(path, "one", 2_s)) << "the first one is still there";
  }
  std::ofstream(path) << "precious";
  EXPECT_FALSE(serve());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ControlTest, AFolderThatIsNotThereAndAPathThatIsTooLongAreErrors) {
  path += "/no/such";
  EXPECT_FALSE(serve());
  path = "/tmp/" + std::string(200, 'x');
  ASSERT_FALSE(serve());
  EXPECT_THAT(serve().error().what, HasSubstr("107"));
}

TEST_F(ControlTest, TheClientSaysThatNobodyListens) {
  const auto answer = ask_control(path, "one", 2_s);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("nobody listens on " + path));
}

TEST_F(ControlTest, TheClientDoesNotWaitForEver) {
  const auto server = ControlServer::create(path, [](std::string_view) {
    usleep(300'000);
    return std::string("late");
  });
  const auto answer = ask_control(path, "one", 100_ms);
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("no answer in 0.1 s"));
}

}  // namespace
}  // namespace mayfly::testing
