#include "nic/vhost.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "base/fd.h"
#include "nic/unix_socket.h"

namespace mayfly::testing {
namespace {

using nic::vhost_socket;
using nic::VhostSocket;

TEST(VirtioDevargs, SayWhoListensAndWhoNeedsThePeer) {
  const auto guest = vhost_socket("net_virtio_user0,path=/tmp/s,queues=2");
  ASSERT_TRUE(guest);
  EXPECT_EQ(guest->path, "/tmp/s");
  EXPECT_FALSE(guest->listens);
  EXPECT_TRUE(guest->needs_peer);
  EXPECT_TRUE(vhost_socket("net_virtio_user0,path=/tmp/s,server=1")->listens);
  const auto host = vhost_socket("net_vhost0,iface=/tmp/h");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->path, "/tmp/h");
  EXPECT_TRUE(host->listens);
  EXPECT_FALSE(host->needs_peer);
  EXPECT_FALSE(vhost_socket("net_vhost0,iface=/tmp/h,client=1")->listens);
  EXPECT_FALSE(vhost_socket("net_af_packet0,iface=lo"));
}

TEST(AVhostSocket, IsRemovedIfNobodyListensAnyMore) {
  const VhostSocket ours{.path = "/tmp/mayfly-vhost-" + std::to_string(getpid()), .listens = true};
  EXPECT_FALSE(has_listener(ours)) << "it is not there";
  const auto address = *nic::UnixAddress::of(ours.path, false);
  Fd listener(socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind(listener.get(), address.get(), address.size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  EXPECT_TRUE(has_listener(ours));
  remove_stale_socket(ours);
  EXPECT_TRUE(std::filesystem::exists(ours.path)) << "somebody listens";
  listener.close();
  EXPECT_FALSE(has_listener(ours));
  nic::remove_stale_socket({.path = ours.path, .listens = false});
  EXPECT_TRUE(std::filesystem::exists(ours.path)) << "the other end's";
  remove_stale_socket(ours);
  EXPECT_FALSE(std::filesystem::exists(ours.path));
}

}  // namespace
}  // namespace mayfly::testing
