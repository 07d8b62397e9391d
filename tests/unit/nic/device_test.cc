#include "nic/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>

#include "unit/nic/eal_environment.h"
#include "unit/nic/frames.h"

namespace mayfly::testing {
namespace {

using nic::Device;
using nic::DpdkPort;
using nic::PortSettings;

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using Frame = DpdkPort::Frame;

Frame make(DpdkPort& port, std::span<const std::byte> bytes) {
  const Frame frame = port.allocate();
  port.set_length(frame, bytes.size());
  std::ranges::copy(bytes, port.bytes(frame).begin());
  return frame;
}

/// The next frame, or null.
Frame next(DpdkPort& port) {
  Frame frame = nullptr;
  port.receive({&frame, 1}, {});
  return frame;
}

class DeviceTest : public ::testing::Test {
 protected:
  OpenPair pair = open_pair();
  DpdkPort a = pair.a.port(0), b = pair.b.port(0);
};

TEST_F(DeviceTest, AFrameCrossesTheRingBothWays) {
  for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    Frame sent = make(*from, pattern(200));
    ASSERT_EQ(from->transmit({&sent, 1}, {}), 1u);
    const Frame arrived = next(*to);
    ASSERT_NE(arrived, nullptr);
    EXPECT_THAT(to->bytes(arrived), ElementsAreArray(pattern(200)));
    to->release(arrived);
    EXPECT_EQ(next(*to), nullptr);
  }
}

TEST_F(DeviceTest, AFreshFrameHasItsWholeRoom) {
  const Frame frame = a.allocate();
  EXPECT_EQ(a.bytes(frame).size(), link::kFrameRoom);
  a.release(frame);
}

TEST_F(DeviceTest, ShortFramesArePaddedWithZeros) {
  const Frame frame = a.allocate();
  std::ranges::fill(a.bytes(frame), std::byte{0xee});
  a.set_length(frame, 54);
  ASSERT_EQ(a.bytes(frame).size(), 60u);
  EXPECT_TRUE(std::ranges::all_of(a.bytes(frame).subspan(54),
                                  [](std::byte octet) { return octet == std::byte{0}; }));
  a.release(frame);
}

TEST_F(DeviceTest, AFullRingLeavesTheRestToItsOwner) {
  std::vector<Frame> frames;
  for (int i = 0; i < 300; ++i) frames.push_back(make(a, pattern(60)));
  const std::size_t taken = a.transmit(frames, {});
  EXPECT_EQ(taken, 255u);  // a ring of 256 holds one less
  for (const Frame f : std::span(frames).subspan(taken)) a.release(f);
  while (const Frame f = next(b)) b.release(f);
}

TEST_F(DeviceTest, AnEmptyPoolGivesNoFrame) {
  std::vector<Frame> frames;
  while (const Frame f = a.allocate()) frames.push_back(f);
  EXPECT_GT(frames.size(), 500u);
  for (const Frame f : frames) a.release(f);
  const Frame again = a.allocate();
  EXPECT_NE(again, nullptr);
  a.release(again);
}

TEST_F(DeviceTest, AFrameInTwoBuffersIsPutTogether) {
  Frame head = make(a, pattern(1'000));
  ASSERT_EQ(rte_pktmbuf_chain(head, make(a, pattern(500))), 0);
  ASSERT_EQ(a.transmit({&head, 1}, {}), 1u);
  const Frame arrived = next(b);
  ASSERT_NE(arrived, nullptr);
  Bytes whole = pattern(1'000);
  const Bytes tail = pattern(500);
  whole.insert(whole.end(), tail.begin(), tail.end());
  EXPECT_THAT(b.bytes(arrived), ElementsAreArray(whole));
  b.release(arrived);
}

TEST_F(DeviceTest, AFrameTooLongForOneBufferIsDroppedAndCounted) {
  Frame frames[] = {make(a, pattern(2'000)), make(a, pattern(100))};
  ASSERT_EQ(rte_pktmbuf_chain(frames[0], make(a, pattern(500))), 0);
  ASSERT_EQ(a.transmit(frames, {}), 2u);
  std::array<Frame, kBurstMax> burst;
  ASSERT_EQ(b.receive(burst, {}), 1u);
  EXPECT_EQ(b.bytes(burst[0]).size(), 100u);
  EXPECT_EQ(b.drops(Drop::frame_chained), 1u);
  b.release(burst[0]);
}

TEST_F(DeviceTest, FragmentsBecomeOneFrame) {
  const Bytes whole = pattern(1'200);
  link::Reassembler reassembler;
  Frame done = nullptr;
  for (const std::size_t at : {std::size_t{600}, std::size_t{0}}) {
    const Bytes fragment =
        ethernet(0x0800, ipv4(kProtocolTcp, std::span(whole).subspan(at, 600), {at, at == 0}));
    ASSERT_EQ(done, nullptr);
    const Frame frame = make(a, fragment);
    const link::Reassembler::Answer answer = reassembler.add(a.bytes(frame).subspan(14), {});
    EXPECT_EQ(answer.why, Drop::none);
    done = link::put_datagram(a, frame, 14, answer.datagram);
  }
  ASSERT_NE(done, nullptr);
  EXPECT_THAT(a.bytes(done), ElementsAreArray(ethernet(0x0800, ipv4(kProtocolTcp, whole))));
  a.release(done);
}

TEST_F(DeviceTest, WhatTheDeviceVerifiedIsPassedOn) {
  const Frame frame = make(a, pattern(60));
  EXPECT_FALSE(a.rx_checks(frame).ip_good || a.rx_checks(frame).l4_good);
  frame->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD;
  EXPECT_TRUE(a.rx_checks(frame).ip_good);
  EXPECT_FALSE(a.rx_checks(frame).ip_bad);
  EXPECT_TRUE(a.rx_checks(frame).l4_bad);
  frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
  EXPECT_TRUE(a.rx_checks(frame).l4_good);
  a.set_length(frame, 100);  // other bytes: nobody has verified them
  EXPECT_FALSE(a.rx_checks(frame).l4_good);
  a.release(frame);
}

TEST_F(DeviceTest, ChecksumsAreAskedOfADeviceThatHasThem) {
  EXPECT_FALSE(a.tx_offloads().tcp_checksum);  // in-memory rings compute nothing
  nic::PortGroup offloading;
  offloading.pools = {rte_mempool_lookup("no such pool")};
  offloading.tx_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
  offloading.tx_offloads.tcp_checksum = true;
  DpdkPort port(offloading, 0);
  const Frame frame = make(a, pattern(60));
  port.request_checksums(frame, 18, 20);
  EXPECT_EQ(frame->ol_flags, offloading.tx_flags);
  EXPECT_EQ(frame->l2_len, 18);
  EXPECT_EQ(frame->l3_len, 20);
  a.release(frame);
}

TEST_F(DeviceTest, DescribesItself) {
  const std::string words = pair.a.describe();
  EXPECT_THAT(words, HasSubstr("net_ring"));
  EXPECT_THAT(words, HasSubstr("checksums received in software, sent in software"));
  EXPECT_TRUE(pair.a.link_up());
}

TEST_F(DeviceTest, HasAMacAddressOfItsOwnThatIsNoGroup) {
  EXPECT_FALSE(pair.a.mac().is_group());
  EXPECT_NE(pair.a.mac(), MacAddress{});
  EXPECT_NE(pair.a.mac(), pair.b.mac());
}

TEST(DeviceOpen, TakesTheConfiguredMac) {
  PortSettings settings;
  settings.device = "net_null0";
  settings.mac = MacAddress{{2, 0, 0, 0, 0, 9}};
  auto device = Device::open(settings, {});
  ASSERT_TRUE(device) << device.error().what;
  EXPECT_EQ(device->mac(), *settings.mac);
}

TEST(DeviceOpen, AnUnknownDeviceIsAnErrorThatNamesIt) {
  PortSettings settings;
  settings.device = "net_nonsense0";
  const auto device = Device::open(settings, {});
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().what, HasSubstr("\"net_nonsense0\": no such device"));
}

TEST(DeviceOpen, AnInterfaceThatDoesNotExistIsAnErrorThatNamesIt) {
  PortSettings settings;
  settings.device = "net_af_packet0,iface=nosuchif0";
  const auto device = Device::open(settings, {});
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().what, HasSubstr("there is no interface \"nosuchif0\""));
}

/// A capture file with one Ethernet frame of 60 zeros.
std::string capture_of_one_frame() {
  const std::string path = "/tmp/mayfly-one-frame-" + std::to_string(getpid());
  const std::uint32_t header[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65'535, 1};
  const std::uint32_t record[] = {0, 0, 60, 60};
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(header), sizeof header);
  file.write(reinterpret_cast<const char*>(record), sizeof record);
  file << std::string(60, '\0');
  return path;
}

TEST(DeviceOpen, WhatTheDeviceHasNoBufferForIsCounted) {
  const std::string path = capture_of_one_frame();
  PortSettings settings;
  settings.device = "net_pcap7,rx_pcap=" + path + ",tx_pcap=/dev/null";
  settings.descriptors = 64;
  auto device = Device::open(settings, {});
  ASSERT_TRUE(device) << device.error().what;
  DpdkPort port = device->port(0);
  std::vector<Frame> frames;
  while (const Frame f = port.allocate()) frames.push_back(f);
  EXPECT_EQ(next(port), nullptr);
  EXPECT_EQ(port.drops(Drop::device_missed), 1u);
  EXPECT_EQ(device->port(0).drops(Drop::device_missed), 0u) << "since this port was made";
  for (const Frame f : frames) port.release(f);
  std::remove(path.c_str());
}

TEST(DeviceOpen, AMemifClientSaysWhatItWaitsForAndCanBeCalledOff) {
  PortSettings settings;
  settings.device = "net_memif7,role=client,id=5,socket=/tmp/mayfly-nobody.sock,socket-abstract=no";
  nic::DeviceOptions options;
  std::string waited_for;
  options.on_wait = [&](const std::string& what) { return waited_for = what, false; };
  EXPECT_FALSE(Device::open(settings, options));
  EXPECT_EQ(waited_for, "a memif server on /tmp/mayfly-nobody.sock, id 5");
}

TEST(DeviceOpen, ADeviceWithRssSpreadsFlowsOverItsQueues) {
  PortSettings settings;
  settings.device = "net_null1";
  nic::DeviceOptions options;
  options.cores = 2;
  auto device = Device::open(settings, options);
  ASSERT_TRUE(device) << device.error().what;
  EXPECT_EQ(device->steering(), nic::Steering::device_hash);
  const DpdkPort port = device->port(0);
  int second = 0;
  for (std::uint16_t p = 0; p < 1'000; ++p) {
    second += static_cast<int>(port.shard_of(FlowKey4::of({1}, 80, {2}, p)));
  }
  EXPECT_NEAR(second, 500, 100);
}

TEST(Eal, RunsALoopOnAPollingCoreBesideTheControlThread) {
  const auto control = pthread_self();
  std::atomic<bool> elsewhere{false};
  ASSERT_TRUE(eal().run_on(0, [&] { elsewhere = pthread_equal(control, pthread_self()) == 0; }));
  eal().wait();
  EXPECT_TRUE(elsewhere);
}

TEST(Eal, ACoreRunsOneLoopAtATime) {
  std::atomic<bool> stop{false};
  ASSERT_TRUE(eal().run_on(0, [&] {
    while (!stop) {
    }
  }));
  EXPECT_FALSE(eal().run_on(0, [] {}));
  stop = true;
  eal().wait();
  EXPECT_TRUE(eal().run_on(0, [] {}));
  eal().wait();
}

TEST(EalStart, RefusesCoresThatCannotBe) {
  EXPECT_THAT(nic::start_eal({.cores = {9'999}}).error().what, HasSubstr("core 9999 is not among"));
}

TEST(EalOptionsTest, KnowWhoSharesTheMemory) {
  nic::EalOptions options;
  PortSettings port;
  port.device = "net_vhost0,iface=/tmp/s";
  options.expect(port);
  EXPECT_FALSE(options.single_file_segments) << "it reaches into the other end's";
  port.device = "net_virtio_user0,path=/tmp/s";
  options.expect(port);
  EXPECT_TRUE(options.single_file_segments);
}

TEST(EalOptionsTest, KnowWhatAPortWillNeed) {
  nic::EalOptions options;
  PortSettings port;
  port.device = "net_memif0,role=client,zero-copy=yes";
  options.expect(port);
  port.device = "0000:03:00.0";
  options.expect(port);
  EXPECT_TRUE(options.single_file_segments);
  EXPECT_THAT(options.pci, ::testing::ElementsAre("0000:03:00.0"));
}

}  // namespace
}  // namespace mayfly::testing
