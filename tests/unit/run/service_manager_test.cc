// What systemd is told, heard at a socket in its place.
#include "run/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/fd.h"

namespace mayfly::testing {
namespace {

class ServiceManagerTest : public ::testing::Test {
 protected:
  ServiceManagerTest() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const std::string name = "mayfly-notify-" + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());  // in the abstract name space
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  ~ServiceManagerTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
  std::string heard() {
    char text[256];
    const ssize_t got = recv(socket_.get(), text, sizeof text, 0);
    return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : "";
  }

  Fd socket_;
};

TEST_F(ServiceManagerTest, IsToldThatTheProcessIsReadyAndThatItStops) {
  const run::ServiceManager manager;
  manager.tell_ready("port 80 http");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=port 80 http");
  manager.tell_stopping();
  EXPECT_EQ(heard(), "STOPPING=1\nSTATUS=draining");
}

TEST_F(ServiceManagerTest, HearsOfTheWatchdogOnlyWhileEveryCorePolls) {
  setenv("WATCHDOG_USEC", "4000", 1);
  run::ServiceManager manager;
  std::vector<flow::ShardStats> cores(2);
  const auto feed = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    manager.feed_watchdog([&] { return cores; });
    return heard();
  };
  EXPECT_EQ(feed(), "WATCHDOG=1");
  for (flow::ShardStats& core : cores) core.polls.add();
  EXPECT_EQ(feed(), "WATCHDOG=1");
  cores[0].polls.add();
  EXPECT_EQ(feed(), "") << "the second hangs";
  for (flow::ShardStats& core : cores) core.polls.add();
  EXPECT_EQ(feed(), "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, IsNotAskedForAWatchdogThatNobodyWants) {
  run::ServiceManager manager;
  manager.feed_watchdog([]() -> std::vector<flow::ShardStats> {
    ADD_FAILURE();
    return {};
  });
  EXPECT_EQ(heard(), "");
}

}  // namespace
}  // namespace mayfly::testing
