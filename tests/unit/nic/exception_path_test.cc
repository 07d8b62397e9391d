// A port of which the kernel has a part: both are in-memory devices, and time is the test's.
#include "nic/exception_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "base/endian.h"
#include "nic/device.h"
#include "nic/ring_pair.h"
#include "unit/nic/eal_environment.h"
#include "unit/nic/frames.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"

namespace mayfly::testing {
namespace {

using nic::Device;
using nic::DpdkPort;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Frame = DpdkPort::Frame;

constexpr Ipv4Address kOurs{0xc612'0001}, kKernels{0xc612'0002}, kPeer{0xc612'0101};

Device open_or_end(const nic::PortSettings& settings, std::uint32_t cores) {
  nic::DeviceOptions options;
  options.cores = cores;
  options.frames_held = 256;
  auto device = Device::open(settings, options);
  if (!device) ADD_FAILURE() << device.error().what;
  return std::move(*device);
}

/// What a port receives in one poll.
std::vector<Bytes> take(DpdkPort& port, Instant now) {
  std::array<Frame, kBurstMax> frames;
  std::vector<Bytes> received;
  const std::size_t n = port.receive(frames, now);
  for (const Frame f : std::span(frames).first(n)) {
    received.emplace_back(port.bytes(f).begin(), port.bytes(f).end());
    port.release(f);
  }
  return received;
}

/// Of two pairs of devices one end each is Mayfly's: the network has the other end of the first,
/// the kernel that of the second.
class ExceptionPathTest : public ::testing::Test {
 protected:
  void open(nic::ExceptionSettings limits = {}, std::uint32_t count = 1) {
    static int number = 0;
    auto wires = nic::make_ring_pair("x" + std::to_string(number), 1'024, 1);
    auto kernels = nic::make_ring_pair("y" + std::to_string(number++), 1'024, 1);
    ASSERT_TRUE(wires && kernels);
    nic::PortSettings settings;
    settings.descriptors = 256;
    settings.device = wires->a;
    settings.mac = MacAddress{{2, 2, 2, 2, 2, 2}};  // as of ethernet()
    settings.addresses = {{kOurs, kOurs, 15}};
    settings.exception = limits;
    settings.exception.device = kernels->a;
    shared = std::make_unique<Device>(open_or_end(settings, count));
    nic::PortSettings far;
    far.descriptors = 256;
    far.device = wires->b;
    network_device = std::make_unique<Device>(open_or_end(far, 1));
    far.device = kernels->b;
    kernel_device = std::make_unique<Device>(open_or_end(far, 1));
    for (std::uint32_t i = 0; i < count; ++i) cores.push_back(shared->port(i));
    network.push_back(network_device->port(0));
    kernel.push_back(kernel_device->port(0));
  }

  void send(DpdkPort& port, std::span<const std::byte> bytes) {
    Frame frame = port.allocate();
    port.set_length(frame, bytes.size());
    std::ranges::copy(bytes, port.bytes(frame).begin());
    ASSERT_EQ(port.transmit({&frame, 1}, now), 1u);
  }
  void arrive(std::span<const std::byte> bytes) { send(network.front(), bytes); }
  std::vector<Bytes> ours(std::uint32_t core = 0) { return take(cores[core], now); }
  std::vector<Bytes> kernels() { return take(kernel.front(), now); }

  Instant now{1'000'000};
  std::unique_ptr<Device> shared, network_device, kernel_device;
  std::deque<DpdkPort> cores, network, kernel;
};

Bytes to(Ipv4Address address, std::uint16_t port = 22) {
  Bytes frame = tcp_frame(FlowKey4::of(address, port, kPeer, 1'024));
  frame.resize(60);
  return frame;
}

TEST_F(ExceptionPathTest, EachGetsItsOwn) {
  open();
  arrive(to(kKernels));
  arrive(to(kOurs));
  EXPECT_THAT(ours(), ElementsAre(to(kOurs)));
  EXPECT_THAT(kernels(), ElementsAre(to(kKernels)));
  EXPECT_EQ(cores[0].exchanged().to_kernel, 1u);
  EXPECT_EQ(cores[0].exchanged().from_kernel, 0u);
}

TEST_F(ExceptionPathTest, TheOrderOfOursStays) {
  open();
  for (std::uint16_t port = 1; port <= 3; ++port) {
    arrive(to(kOurs, port));
    arrive(to(kKernels, port));
  }
  EXPECT_THAT(ours(), ElementsAre(to(kOurs, 1), to(kOurs, 2), to(kOurs, 3)));
  EXPECT_THAT(kernels(), ElementsAre(to(kKernels, 1), to(kKernels, 2), to(kKernels, 3)));
}

TEST_F(ExceptionPathTest, WhatNeighboursSayOfThemselvesIsForBoth) {
  open();
  Bytes reply(46);
  store_be16(&reply[6], 2);
  const Bytes frame = ethernet(wire::ethertype::arp, reply);
  arrive(frame);
  EXPECT_THAT(ours(), ElementsAre(frame));
  EXPECT_THAT(kernels(), ElementsAre(frame));
}

TEST_F(ExceptionPathTest, WhatTheKernelSendsGoesOutAsItIs) {
  open();
  send(kernel.front(), pattern(1'514));
  EXPECT_THAT(ours(), IsEmpty());
  EXPECT_THAT(take(network.front(), now), ElementsAre(pattern(1'514)));
  EXPECT_EQ(cores[0].exchanged().from_kernel, 1u);
}

TEST_F(ExceptionPathTest, APortWithoutItKeepsAll) {
  OpenPair pair = open_pair();
  DpdkPort port = pair.a.port(0), far = pair.b.port(0);
  send(far, to(kKernels));
  EXPECT_THAT(take(port, now), ElementsAre(to(kKernels)));
  EXPECT_EQ(port.exchanged().to_kernel, 0u);
}

TEST_F(ExceptionPathTest, APollGivesTheKernelABurstAndTheRestLater) {
  open({.rate = 1'000'000, .burst = 4});
  for (int i = 0; i < 10; ++i) arrive(to(kKernels));
  std::vector<std::size_t> counts;
  for (int poll = 0; poll < 4; ++poll) {
    EXPECT_THAT(ours(), IsEmpty());
    counts.push_back(kernels().size());
  }
  EXPECT_THAT(counts, ElementsAre(4, 4, 2, 0));
}

TEST_F(ExceptionPathTest, AFloodReachesTheKernelAtTheRateAndTheRestIsDropped) {
  open({.rate = 1'000, .burst = 8});
  std::size_t arrived = 0, reached = 0;
  for (int ms = 0; ms < 200; ++ms, now = now + 1_ms) {
    for (int i = 0; i < 20; ++i, ++arrived) arrive(to(kKernels));
    EXPECT_THAT(ours(), IsEmpty());
    reached += kernels().size();
  }
  // 50 at once after a time without frames, and 1,000 a second.
  EXPECT_NEAR(static_cast<double>(reached), 250, 2);
  EXPECT_EQ(cores[0].exchanged().to_kernel, reached);
  const std::size_t waiting = arrived - reached - cores[0].drops(Drop::exception_limited);
  EXPECT_LT(waiting, nic::kExceptionRing);
  EXPECT_GE(waiting, nic::kExceptionRing - 2);
}

TEST_F(ExceptionPathTest, TheKernelSendsAtTheRateAndWaitsForTheRest) {
  open({.rate = 1'000, .burst = 8});
  for (int i = 0; i < 200; ++i) send(kernel.front(), to(kPeer));
  std::size_t sent = 0;
  const auto poll = [&] {
    ours();
    sent += take(network.front(), now).size();
  };
  for (int i = 0; i < 20; ++i) poll();
  EXPECT_EQ(sent, 50u);
  for (int ms = 0; ms < 200; ++ms, now = now + 1_ms) poll();
  EXPECT_EQ(sent, 200u);
}

TEST_F(ExceptionPathTest, WhatIsLongerThanTheKernelsMtuIsDropped) {
  open();
  Bytes frame = to(kKernels);
  frame.resize(1'518);
  arrive(frame);
  frame.resize(1'519);
  arrive(frame);
  ours();
  EXPECT_EQ(kernels().size(), 1u);
  EXPECT_EQ(cores[0].drops(Drop::exception_refused), 1u);
}

TEST_F(ExceptionPathTest, WhatTheKernelsDeviceDoesNotTakeIsDropped) {
  open({.rate = 1'000'000, .burst = 32});
  for (int i = 0; i < 1'100; ++i) {
    arrive(to(kKernels));
    ours();
    now = now + 10_us;
  }
  EXPECT_EQ(cores[0].exchanged().to_kernel, 1'023u);  // what fits into its ring
  EXPECT_EQ(cores[0].drops(Drop::exception_refused), 1'100u - 1'023u);
}

TEST_F(ExceptionPathTest, WithSoftwareRssTheFirstCoreSortsForAll) {
  open({}, 2);
  for (std::uint16_t port = 1; port <= 8; ++port) {
    arrive(to(kOurs, port));
    arrive(to(kKernels, port));
  }
  const std::size_t first = ours(0).size(), second = ours(1).size();
  EXPECT_EQ(first + second, 8u);
  EXPECT_GT(second, 0u);
  EXPECT_EQ(kernels().size(), 8u);
}

TEST_F(ExceptionPathTest, AFragmentForTheKernelIsNotPutTogether) {
  open({}, 2);
  Bytes packet = ipv4(kProtocolUdp, Bytes(64), {0, true});
  store_be32(&packet[16], kKernels.host);
  const Bytes fragment = ethernet(wire::ethertype::ipv4, packet);
  arrive(fragment);
  EXPECT_THAT(ours(), IsEmpty());
  EXPECT_THAT(kernels(), ElementsAre(fragment));
}

TEST_F(ExceptionPathTest, ItsFramesAreThePortsAgainInTheEnd) {
  open();
  for (int round = 0; round < 3'000; ++round) {  // more than there are frames
    arrive(to(kKernels));
    send(kernel.front(), to(kPeer));
    ours();
    ASSERT_EQ(kernels().size(), 1u) << round;
    ASSERT_EQ(take(network.front(), now).size(), 1u) << round;
    now = now + 300_us;  // within the rate
  }
}

/// With the sum of the pseudo-header in its place, as a sender leaves it that relies on a device.
void leave_open(Bytes& frame, std::size_t at) { store_be16(&frame[at], 0x1234); }

TEST(CompleteChecksum, FillsInWhatASenderLeftToADevice) {
  Bytes packet = ipv4(kProtocolTcp, pattern(33));
  Bytes frame = ethernet(wire::ethertype::ipv4, packet);
  leave_open(frame, 14 + 20 + 16);
  nic::complete_checksum(frame);
  const auto segment = std::span<const std::byte>(frame).subspan(34);
  const FlowKey4 key = FlowKey4::of(Ipv4Address{0xc612'0001}, 0, Ipv4Address{0xc612'0101}, 0);
  EXPECT_EQ(wire::checksum_fold(
                wire::checksum_add(segment, wire::pseudo_header_sum(key, kProtocolTcp, 33))),
            0xffff);
}

TEST(CompleteChecksum, DoesSoOfIpv6AndUdp) {
  Bytes packet(40 + 20);
  packet[0] = std::byte{0x60};
  store_be16(&packet[4], 20);
  packet[6] = std::byte{kProtocolUdp};
  std::ranges::copy(pattern(32), packet.begin() + 8);
  Bytes frame = ethernet(wire::ethertype::ipv6, packet);
  leave_open(frame, 14 + 40 + 6);
  nic::complete_checksum(frame);
  const Ipv6Address source = Ipv6Address::at(&packet[8]),
                    destination = Ipv6Address::at(&packet[24]);
  EXPECT_EQ(wire::checksum_fold(
                wire::checksum_add(std::span<const std::byte>(frame).subspan(54),
                                   wire::pseudo_header_sum(source, destination, kProtocolUdp, 20))),
            0xffff);
}

TEST(CompleteChecksum, LeavesAloneWhatHasNone) {
  const auto stays = [](Bytes frame) {
    const Bytes before = frame;
    nic::complete_checksum(frame);
    return frame == before;
  };
  EXPECT_TRUE(stays(ethernet(wire::ethertype::arp, pattern(46))));
  EXPECT_TRUE(stays(ethernet(wire::ethertype::ipv4, ipv4(kProtocolIcmp, pattern(26)))));
  EXPECT_TRUE(stays(ethernet(wire::ethertype::ipv4, ipv4(kProtocolUdp, pattern(64), {64, false}))));
  for (std::size_t size = 0; size < 60; ++size) {
    Bytes cut = ethernet(wire::ethertype::ipv4, ipv4(kProtocolTcp, pattern(26)));
    cut.resize(size);
    EXPECT_TRUE(stays(cut)) << size;
  }
}

}  // namespace
}  // namespace mayfly::testing
