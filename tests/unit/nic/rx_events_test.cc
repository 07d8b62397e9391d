#include "nic/rx_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace mayfly::testing {
namespace {

using nic::RxEvents;
using nic::RxEventsFinder;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(RxEvents, SocketsAreFoundByTheirFamily) {
  const Fd one(socket(AF_UNIX, SOCK_DGRAM, 0));
  EXPECT_THAT(nic::sockets_of(AF_UNIX), Contains(one.get()));
  EXPECT_THAT(nic::sockets_of(AF_INET), Not(Contains(one.get())));
}

TEST(RxEvents, TheSocketsThatADriverOpensAreThoseOfItsQueues) {
  const Fd before(socket(AF_PACKET, SOCK_RAW, 0));
  if (!before.is_open()) GTEST_SKIP() << "CAP_NET_RAW is needed";
  const RxEventsFinder finder(RxEvents::packet_sockets);
  const Fd first(socket(AF_PACKET, SOCK_RAW, 0)), other(socket(AF_UNIX, SOCK_DGRAM, 0)),
      second(socket(AF_PACKET, SOCK_RAW, 0));
  EXPECT_THAT(finder.find(0, 2), ElementsAre(first.get(), second.get()));
  EXPECT_THAT(finder.find(0, 1), IsEmpty()) << "which of them is the queue is unknown";
  EXPECT_THAT(RxEventsFinder(RxEvents::packet_sockets).find(0, 1), IsEmpty());
}

TEST(RxEvents, ADriverWithoutSocketsHasNone) {
  const RxEventsFinder finder(RxEvents::none);
  EXPECT_THAT(finder.find(0, 1), IsEmpty());
  EXPECT_THAT(finder.find(0, 0), IsEmpty());
}

}  // namespace
}  // namespace mayfly::testing
