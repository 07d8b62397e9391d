#include "nic/device_setup.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "link/fault_port.h"
#include "nic/devargs.h"
#include "nic/memif.h"

namespace mayfly::testing {
namespace {

using nic::plan_queues;
using nic::Steering;

rte_eth_dev_info device(std::uint16_t queues, bool rss, const char* driver = "net_fast") {
  rte_eth_dev_info info{};
  info.driver_name = driver;
  info.max_rx_queues = queues;
  info.max_tx_queues = queues;
  if (rss) {
    info.flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
    info.reta_size = 128;
    info.hash_key_size = 40;
  }
  return info;
}

TEST(Devargs, AreTakenApart) {
  const std::string_view memif = "net_memif0,role=server,socket=/run/m.sock,socket-abstract=no";
  EXPECT_EQ(nic::device_name(memif), "net_memif0");
  EXPECT_EQ(nic::device_argument(memif, "role"), "server");
  EXPECT_EQ(nic::device_argument(memif, "socket"), "/run/m.sock");
  EXPECT_EQ(nic::device_argument(memif, "rsize"), "");
  EXPECT_EQ(nic::device_argument("net_ring0", "role"), "");
}

TEST(Devargs, PciAddressesAreKnown) {
  EXPECT_TRUE(nic::is_pci_address("0000:03:00.0"));
  EXPECT_TRUE(nic::is_pci_address("03:00.1"));
  EXPECT_FALSE(nic::is_pci_address("net_tap0,iface=tap0"));
}

TEST(QueuePlan, OneCoreNeedsOneQueue) {
  const nic::QueuePlan plan = plan_queues(device(16, true), 0, 1);
  EXPECT_EQ(plan.steering, Steering::one_core);
  EXPECT_EQ(plan.rx_queues, 1);
}

TEST(QueuePlan, ADeviceThatHashesTcpSpreadsTheFlows) {
  const nic::QueuePlan plan = plan_queues(device(16, true), 0, 4);
  EXPECT_EQ(plan.steering, Steering::device_hash);
  EXPECT_EQ(plan.rx_queues, 4);
  EXPECT_EQ(plan.tx_queues, 4);
}

TEST(QueuePlan, WithoutRssCoreZeroReceivesAndEachSendsForItself) {
  const nic::QueuePlan plan = plan_queues(device(16, false), 0, 4);
  EXPECT_EQ(plan.steering, Steering::software);
  EXPECT_EQ(plan.rx_queues, 1);
  EXPECT_EQ(plan.tx_queues, 4);
}

TEST(QueuePlan, TooFewQueuesMeanSoftware) {
  const nic::QueuePlan plan = plan_queues(device(2, true), 0, 4);
  EXPECT_EQ(plan.steering, Steering::software);
  EXPECT_EQ(plan.tx_queues, 2);
}

TEST(QueuePlan, QueuesAskedForAreTakenAsTheDeviceSteersThem) {
  EXPECT_EQ(plan_queues(device(16, false), 4, 4).steering, Steering::device_own);
  EXPECT_EQ(plan_queues(device(16, false), 2, 4).tx_queues, 2);
}

TEST(QueuePlan, AMemifHasOneQueueUnlessTheUserKnowsBetter) {
  EXPECT_EQ(plan_queues(device(255, false, "net_memif"), 0, 4).tx_queues, 1);
  EXPECT_EQ(plan_queues(device(255, false, "net_memif"), 4, 4).steering, Steering::device_own);
}

TEST(QueuePlan, AllQueuePairsOfAfPacketAreRead) {
  const rte_eth_dev_info two_pairs = device(2, false, "net_af_packet");
  EXPECT_EQ(plan_queues(two_pairs, 0, 2).steering, Steering::device_own);
  EXPECT_FALSE(nic::why_queues_do_not_fit(two_pairs, 0, 2));
  EXPECT_TRUE(nic::why_queues_do_not_fit(two_pairs, 0, 1));
  EXPECT_TRUE(nic::why_queues_do_not_fit(two_pairs, 1, 2));
  EXPECT_FALSE(nic::why_queues_do_not_fit(device(1, false, "net_af_packet"), 0, 2));
}

TEST(Offloads, OnlyWhatIsOfferedIsTaken) {
  rte_eth_dev_info info = device(1, false);
  EXPECT_EQ(nic::wanted_rx_offloads(info), 0u);
  info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO;
  info.tx_offload_capa = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  EXPECT_EQ(nic::wanted_rx_offloads(info), RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
  EXPECT_EQ(wanted_tx_offloads(info, Steering::one_core), info.tx_offload_capa);
}

TEST(Offloads, FramesOfSeveralPoolsAreFreedOneByOne) {
  rte_eth_dev_info info = device(1, false);
  info.tx_offload_capa = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  EXPECT_EQ(wanted_tx_offloads(info, Steering::software), 0u);
}

TEST(PoolSize, AFaultyWireNeedsFramesOfItsOwn) {
  nic::PortSettings settings;
  const std::size_t sound = port_memory(settings, {});
  settings.faults.delay = 5_ms;
  EXPECT_GT(port_memory(settings, {}), sound + 2 * link::kFaultyWireFrames * link::kFrameRoom);
}

TEST(Descriptors, OfAZeroCopyMemifAreItsRings) {
  nic::PortSettings settings;
  settings.device = "net_memif0,role=client,rsize=12";
  EXPECT_EQ(descriptors_wanted(settings), 0);
  settings.device += ",zero-copy=yes";
  EXPECT_EQ(descriptors_wanted(settings), 4'096);
  settings.descriptors = 512;
  EXPECT_EQ(descriptors_wanted(settings), 512);
}

class MemifSocketTest : public ::testing::Test {
 protected:
  MemifSocketTest() {
    char name[] = "/tmp/mayfly-test-XXXXXX";
    folder = mkdtemp(name);
    path = folder + "/memif.sock";
    devargs = "net_memif0,role=server,socket-abstract=no,socket=" + path;
    fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    listen(fd, 1);
  }
  ~MemifSocketTest() override {
    close(fd);
    unlink(path.c_str());
    rmdir(folder.c_str());
  }
  bool exists() const { return access(path.c_str(), F_OK) == 0; }

  std::string folder, path, devargs;
  int fd = -1;
};

TEST_F(MemifSocketTest, ALiveServersSocketIsLeftAlone) {
  nic::remove_stale_memif_socket(devargs);
  EXPECT_TRUE(exists());
}

TEST_F(MemifSocketTest, ADeadServersSocketIsRemoved) {
  close(fd);
  nic::remove_stale_memif_socket(devargs);
  EXPECT_FALSE(exists());
}

TEST_F(MemifSocketTest, AClientRemovesNothing) {
  close(fd);
  nic::remove_stale_memif_socket("net_memif0,role=client,socket-abstract=no,socket=" + path);
  EXPECT_TRUE(exists());
}

TEST_F(MemifSocketTest, WhatIsNoSocketStays) {
  close(fd);
  unlink(path.c_str());
  fd = creat(path.c_str(), 0600);
  nic::remove_stale_memif_socket(devargs);
  EXPECT_TRUE(exists());
}

TEST(MemifPeer, IsNamedSoThatItCanBeStarted) {
  EXPECT_EQ(nic::memif_peer_words("net_memif0,role=client,id=3,socket=/run/m.sock"),
            "a memif server on /run/m.sock, id 3");
}

}  // namespace
}  // namespace mayfly::testing
