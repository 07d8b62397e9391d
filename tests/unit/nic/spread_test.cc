// Several cores on one device: who gets which frame, and who sends for whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "nic/device.h"
#include "unit/nic/eal_environment.h"
#include "unit/nic/frames.h"
#include "wire/ethernet.h"

namespace mayfly::testing {
namespace {

using nic::DpdkPort;

using ::testing::ElementsAreArray;
using Frame = DpdkPort::Frame;

constexpr Ipv4Address kOurs{0xc612'0001}, kPeer{0xc612'0101};

/// A device whose far end is one core that plays the network.
class SpreadTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kCores = 3;

  SpreadTest() {
    for (std::uint32_t i = 0; i < kCores; ++i) cores.push_back(pair.a.port(i));
  }

  void arrive(std::span<const std::byte> bytes) {
    Frame frame = network.allocate();
    network.set_length(frame, bytes.size());
    std::ranges::copy(bytes, network.bytes(frame).begin());
    ASSERT_EQ(network.transmit({&frame, 1}, {}), 1u);
  }

  /// What core `i` receives in one poll.
  std::vector<Bytes> receive(std::uint32_t i) {
    std::array<Frame, kBurstMax> frames;
    std::vector<Bytes> received;
    const std::size_t n = cores[i].receive(frames, now);
    for (const Frame f : std::span(frames).first(n)) {
      received.emplace_back(cores[i].bytes(f).begin(), cores[i].bytes(f).end());
      cores[i].release(f);
    }
    return received;
  }

  /// A flow that core `owner` owns.
  FlowKey4 flow_of(std::uint32_t owner) const {
    std::uint16_t port = 1'024;
    while (cores[0].shard_of(FlowKey4::of(kOurs, 80, kPeer, port)) != owner) ++port;
    return FlowKey4::of(kOurs, 80, kPeer, port);
  }

  Instant now{1'000'000};
  OpenPair pair = open_pair(kCores, 1);
  DpdkPort network = pair.b.port(0);
  std::deque<DpdkPort> cores;
};

Bytes padded(Bytes frame) {
  frame.resize(std::max<std::size_t>(frame.size(), 60));
  return frame;
}

TEST_F(SpreadTest, EachCoreReceivesItsOwnFlows) {
  for (std::uint32_t i = 0; i < kCores; ++i) arrive(tcp_frame(flow_of(i)));
  for (std::uint32_t i = 0; i < kCores; ++i) {
    EXPECT_THAT(receive(i), ::testing::ElementsAre(padded(tcp_frame(flow_of(i))))) << i;
  }
}

TEST_F(SpreadTest, EveryCoreHearsArp) {
  const Bytes arp = ethernet(wire::ethertype::arp, Bytes(46));
  arrive(arp);
  for (std::uint32_t i = 0; i < kCores; ++i)
    EXPECT_THAT(receive(i), ::testing::ElementsAre(arp)) << i;
}

TEST_F(SpreadTest, FragmentsArePutTogetherForTheOwner) {
  const FlowKey4 key = flow_of(2);
  Bytes payload = ports(key.remote_port_host(), 80);
  payload.resize(400);
  for (const std::size_t at : {std::size_t{0}, std::size_t{200}}) {
    arrive(ethernet(wire::ethertype::ipv4,
                    ipv4(kProtocolTcp, std::span(payload).subspan(at, 200), {at, at == 0})));
  }
  EXPECT_TRUE(receive(0).empty());
  const Bytes whole = ethernet(wire::ethertype::ipv4, ipv4(kProtocolTcp, payload));
  EXPECT_THAT(receive(2), ::testing::ElementsAre(whole));
}

TEST_F(SpreadTest, FragmentsThatCannotBeAreCountedByTheReceivingCore) {
  const auto fragment = [&](std::size_t offset, bool more, std::uint16_t id) {
    arrive(ethernet(wire::ethertype::ipv4, ipv4(kProtocolTcp, Bytes(16), {offset, more, id})));
    receive(0);
  };
  fragment(0, true, 1);
  fragment(8, true, 1);
  EXPECT_EQ(cores[0].drops(Drop::fragment_overlap), 1u);
  fragment(0, true, 2);
  now = now + 61_s;
  fragment(0, true, 3);
  EXPECT_EQ(cores[0].drops(Drop::fragment_timeout), 1u);
}

TEST_F(SpreadTest, AFullRingDropsAndCounts) {
  const Bytes frame = tcp_frame(flow_of(1));
  for (int i = 0; i < 1'100; ++i) {
    arrive(frame);
    receive(0);
  }
  EXPECT_EQ(cores[0].drops(Drop::ring_full), 1'100u - 1'023u);
  std::size_t received = 0;
  for (std::vector<Bytes> burst; !(burst = receive(1)).empty();) received += burst.size();
  EXPECT_EQ(received, 1'023u);
}

TEST_F(SpreadTest, CoresWithoutAQueueSendThroughCoreZero) {
  std::size_t sent = 0;
  for (std::uint32_t i = 0; i < kCores; ++i) {
    Frame frame = cores[i].allocate();
    cores[i].set_length(frame, 60 + i);
    sent += cores[i].transmit({&frame, 1}, {});
  }
  EXPECT_EQ(sent, kCores);
  for (int poll = 0; poll < 2; ++poll) receive(0);
  std::array<Frame, kBurstMax> frames;
  const std::size_t n = network.receive(frames, {});
  std::vector<std::size_t> lengths;
  for (const Frame f : std::span(frames).first(n)) {
    lengths.push_back(network.bytes(f).size());
    network.release(f);
  }
  EXPECT_THAT(lengths, ::testing::UnorderedElementsAre(60, 61, 62));
}

TEST_F(SpreadTest, WhatTheDeviceDoesNotTakeWaits) {
  std::vector<Frame> frames;
  for (int i = 0; i < 300; ++i) {
    frames.push_back(cores[1].allocate());
    cores[1].set_length(frames.back(), 60);
  }
  ASSERT_EQ(cores[1].transmit(frames, {}), 300u);
  for (int poll = 0; poll < 40; ++poll) receive(0);
  std::size_t arrived = 0;
  for (int poll = 0; poll < 40; ++poll) {
    std::array<Frame, kBurstMax> burst;
    const std::size_t n = network.receive(burst, {});
    for (const Frame f : std::span(burst).first(n)) network.release(f);
    arrived += n;
    receive(0);
  }
  EXPECT_EQ(arrived, 300u);
}

TEST(PairedQueues, AFlowStaysOnItsQueueAndArpGoesToAll) {
  OpenPair pair = open_pair(2, 2, 2);
  EXPECT_EQ(pair.a.steering(), nic::Steering::device_own);
  DpdkPort sender = pair.b.port(1), zero = pair.a.port(0), one = pair.a.port(1);
  EXPECT_EQ(sender.shard_of(FlowKey4::of(kOurs, 80, kPeer, 5)), 1u);
  for (const Bytes& bytes :
       {tcp_frame(FlowKey4::of(kOurs, 80, kPeer, 5)), ethernet(wire::ethertype::arp, Bytes(46))}) {
    Frame frame = sender.allocate();
    sender.set_length(frame, bytes.size());
    std::ranges::copy(bytes, sender.bytes(frame).begin());
    ASSERT_EQ(sender.transmit({&frame, 1}, {}), 1u);
  }
  std::array<Frame, kBurstMax> frames;
  EXPECT_EQ(one.receive(frames, {}), 2u);
  EXPECT_EQ(zero.receive(std::span(frames).subspan(2), {}), 1u);
  for (const Frame f : std::span(frames).first(3)) one.release(f);
}

// The verification suite that all makers of such devices use: "Verifying the RSS Hash Calculation".
TEST(DeviceHash, IsTheToeplitzHashOfTheReceivedFrame) {
  nic::PortGroup group;
  group.cores = 128;
  group.steering = nic::Steering::device_hash;
  group.pools.resize(group.cores);
  for (const unsigned octet :
       {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
        0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
        0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa}) {
    group.toeplitz_key.push_back(static_cast<std::uint8_t>(octet));
  }
  for (std::uint16_t i = 0; i < 128; ++i) group.indirection.push_back(i);
  const DpdkPort port(group, 0);
  // 66.9.149.187:2794 to 161.142.100.80:1766 hashes to 0x51ccc178.
  EXPECT_EQ(port.shard_of(FlowKey4::of({0xa18e'6450}, 1'766, {0x4209'95bb}, 2'794)), 0x78u);
  // 199.92.111.2:14230 to 65.69.140.83:4739 hashes to 0xc626b0ea.
  EXPECT_EQ(port.shard_of(FlowKey4::of({0x4145'8c53}, 4'739, {0xc75c'6f02}, 14'230)), 0x6au);
}

}  // namespace
}  // namespace mayfly::testing
