// The relay between a memif peer and a driver, both played by the test.
#include "nic/memif_relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "nic/devargs.h"

namespace mayfly::testing {
namespace {

using nic::accept_from;
using nic::Arrival;
using nic::connect_to;
using nic::Gate;
using nic::listen_at;
using nic::MemifRelay;
using nic::Message;
using nic::UnixAddress;

constexpr std::uint16_t kAck = 1, kInit = 3, kAddRegion = 4, kConnect = 6, kConnected = 7;

bool eventually(const std::function<bool()>& is_so) {
  for (int i = 0; i < 5'000; ++i) {
    if (is_so()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

Message message(std::uint16_t type, std::uint32_t id = 0) {
  Message made;
  made.size = 128;
  std::memcpy(&made.bytes[0], &type, sizeof type);
  if (type == kInit) std::memcpy(&made.bytes[4], &id, sizeof id);
  return made;
}

/// The type of the next message; 0 = the end of the connection, -1 = nothing came.
int next(const Fd& from, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
  Message got;
  const auto give_up = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const Arrival arrival = receive(from, got);
    if (arrival == Arrival::end) return 0;
    if (arrival == Arrival::message) {
      std::uint16_t type = 0;
      std::memcpy(&type, &got.bytes[0], sizeof type);
      return type;
    }
    if (std::chrono::steady_clock::now() >= give_up) return -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class ARelay : public ::testing::Test {
 protected:
  ARelay() {
    std::filesystem::create_directory(folder_);
    relay_.emplace(
        MemifRelay::Source{.listener = std::move(*listen_at(peers_, "")),
                           .next = [this](const Fd& listener) -> std::optional<MemifRelay::Pair> {
                             MemifRelay::Pair pair{accept_from(listener), {}};
                             if (!pair.peer.is_open()) return std::nullopt;
                             pair.driver = connect_to(drivers_);
                             return pair;
                           }});
    relay_->add({kId, &gate_, [this] { return is_up_.load(); }});
  }
  ~ARelay() override {
    relay_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// A peer, and the driver's end of its channel.
  MemifRelay::Pair meet() {
    MemifRelay::Pair pair{connect_to(peers_), {}};
    EXPECT_TRUE(
        eventually([&] { return (pair.driver = accept_from(driver_listener_)).is_open(); }));
    return pair;
  }
  MemifRelay::Pair connected() {
    MemifRelay::Pair pair = meet();
    send(pair.peer, message(kInit, kId));
    EXPECT_EQ(next(pair.driver), kInit);
    send(pair.driver, message(kAck));
    EXPECT_EQ(next(pair.peer), kAck);
    send(pair.peer, message(kConnect));
    EXPECT_EQ(next(pair.driver), kConnect);
    is_up_ = true;
    send(pair.driver, message(kConnected));
    EXPECT_EQ(next(pair.peer), kConnected);
    EXPECT_TRUE(eventually([&] { return gate_.is_open(); }));
    return pair;
  }

  static constexpr std::uint32_t kId = 3;
  static constexpr std::chrono::milliseconds kShortly{30};
  const std::string folder_ = "/tmp/mayfly-relay-" + std::to_string(getpid());
  const UnixAddress peers_ = *UnixAddress::of(folder_ + "/peers", false);
  const UnixAddress drivers_ = *UnixAddress::of(folder_ + "/driver", false);
  Gate gate_{1};
  std::atomic<bool> is_up_{false};
  std::optional<MemifRelay> relay_;
  Fd driver_listener_ = [this] {
    std::filesystem::create_directory(folder_);
    return std::move(*listen_at(drivers_, ""));
  }();
};

TEST_F(ARelay, OpensTheGateWhenTheHandshakeIsOver) {
  MemifRelay::Pair pair = meet();
  send(pair.peer, message(kInit, kId));
  EXPECT_EQ(next(pair.driver), kInit);
  EXPECT_FALSE(gate_.is_open());
  pair = connected();
  EXPECT_TRUE(gate_.is_open());
}

TEST_F(ARelay, TellsTheDriverThatThePeerIsGoneOnlyWhenTheCoreHasLeft) {
  MemifRelay::Pair pair = connected();
  ASSERT_TRUE(gate_.enter(0));
  pair.peer.close();
  EXPECT_TRUE(eventually([&] { return !gate_.is_open(); }));
  EXPECT_EQ(next(pair.driver, kShortly), -1) << "the core is inside the driver";
  gate_.leave(0);
  EXPECT_EQ(next(pair.driver), 0);
}

TEST_F(ARelay, KeepsADisconnectFromTheDriverWhileACoreIsInside) {
  constexpr std::uint16_t kDisconnect = 8;
  MemifRelay::Pair pair = connected();
  ASSERT_TRUE(gate_.enter(0));
  send(pair.peer, message(kDisconnect));
  EXPECT_EQ(next(pair.driver, kShortly), -1);
  gate_.leave(0);
  EXPECT_EQ(next(pair.driver), 0);
}

TEST_F(ARelay, TakesTheNextPeerWhenTheDriverHasLeftTheLast) {
  MemifRelay::Pair first = connected();
  first.peer.close();
  EXPECT_EQ(next(first.driver), 0);
  is_up_ = false;
  first.driver.close();
  connected();
}

TEST_F(ARelay, LetsNoPeerSpeakPastItsConnect) {
  MemifRelay::Pair pair = meet();
  send(pair.peer, message(kInit, kId));
  EXPECT_EQ(next(pair.driver), kInit);
  send(pair.peer, message(kConnect));
  send(pair.peer, message(kAddRegion));  // would end, in the driver, what is about to begin
  EXPECT_EQ(next(pair.driver), kConnect);
  EXPECT_EQ(next(pair.driver, kShortly), -1);
  is_up_ = true;
  ASSERT_FALSE(gate_.is_open());
  send(pair.driver, message(kConnected));
  EXPECT_EQ(next(pair.driver), 0) << "the connection is over, with the gate closed before";
  EXPECT_FALSE(gate_.is_open());
}

TEST_F(ARelay, PassesOnTheFilesThatAMessageCarries) {
  MemifRelay::Pair pair = meet();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Fd read_end(ends[0]), write_end(ends[1]);
  Message with_file = message(kAddRegion);
  with_file.files.push_back(std::move(write_end));
  ASSERT_TRUE(send(pair.peer, with_file));
  with_file.files.clear();
  Message got;
  ASSERT_TRUE(eventually([&] { return receive(pair.driver, got) == Arrival::message; }));
  ASSERT_EQ(got.files.size(), 1u);
  EXPECT_EQ(write(got.files[0].get(), "x", 1), 1);
  char octet = 0;
  EXPECT_EQ(read(read_end.get(), &octet, 1), 1);
}

TEST_F(ARelay, NeverOpensTheGateForADriverThatDoesNotComeUp) {
  MemifRelay::Pair pair = meet();
  send(pair.peer, message(kInit, kId));
  EXPECT_EQ(next(pair.driver), kInit);
  send(pair.driver, message(kConnected));
  EXPECT_EQ(next(pair.peer), kConnected);
  EXPECT_EQ(next(pair.peer), 0);
  EXPECT_FALSE(gate_.is_open());
}

TEST_F(ARelay, EndsTheConnectionOfADeviceThatIsRemoved) {
  MemifRelay::Pair pair = connected();
  std::thread remover([&] { relay_->remove(gate_); });
  EXPECT_EQ(next(pair.driver), 0);
  pair.driver.close();
  remover.join();
  EXPECT_FALSE(gate_.is_open());
  EXPECT_EQ(next(pair.peer), 0);
}

TEST(AClientsRelay, AsksForAConnectionAgainAfterEachEnd) {
  Gate gate(1);
  std::atomic<int> asked{0};
  Fd ends[2];
  std::mutex mutex;
  MemifRelay relay({.listener = {},
                    .next = [&](const Fd&) -> std::optional<MemifRelay::Pair> {
                      if (++asked % 2 == 0) return std::nullopt;  // nobody listens yet
                      int peer[2], driver[2];
                      socketpair(AF_UNIX, SOCK_SEQPACKET, 0, peer);
                      socketpair(AF_UNIX, SOCK_SEQPACKET, 0, driver);
                      const std::lock_guard guard(mutex);
                      ends[0] = Fd(peer[1]);
                      ends[1] = Fd(driver[1]);
                      return MemifRelay::Pair{Fd(peer[0]), Fd(driver[0])};
                    },
                    .pairs_max = 1});
  relay.add({0, &gate, [] { return true; }});
  ASSERT_TRUE(eventually([&] { return asked == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(asked, 1) << "it has one";
  {
    const std::lock_guard guard(mutex);
    ends[0].close();
  }
  EXPECT_TRUE(eventually([&] { return asked == 3; }));
}

TEST(MemifDevargs, LeadToASocketOfOurOwn) {
  EXPECT_EQ(nic::with_argument("net_memif0,role=server,socket=/run/a,id=2", "socket", "/x"),
            "net_memif0,role=server,id=2,socket=/x");
  EXPECT_EQ(nic::with_argument("net_memif0", "socket", "/x"), "net_memif0,socket=/x");
}

}  // namespace
}  // namespace mayfly::testing
