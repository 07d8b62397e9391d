#include "link/capture_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "link/fault_port.h"
#include "nic/clock.h"
#include "nic/device.h"
#include "support/mem_port.h"
#include "unit/nic/eal_environment.h"
#include "unit/nic/frames.h"

namespace mayfly::testing {
namespace {

using link::CapturePort;

/// What serve and load put before a device keeps all that the device can do.
static_assert(link::SpreadPort<CapturePort<link::FaultPort<nic::DpdkPort>>>);
static_assert(link::Port<CapturePort<MemPort>> && !link::SpreadPort<CapturePort<MemPort>>);

class CapturePortTest : public ::testing::Test {
 protected:
  CapturePortTest() {
    char name[] = "/tmp/mayfly-test-XXXXXX";
    close(mkstemp(name));
    path = name;
  }
  ~CapturePortTest() override { unlink(path.c_str()); }

  std::shared_ptr<wire::PcapFile> create() {
    auto file = wire::PcapFile::create(path, nic::time_of_day_zero(now));
    EXPECT_TRUE(file);
    return *file;
  }

  /// The frames of the file as DPDK's own reader sees them.
  std::vector<Bytes> read_back() {
    static int readers = 0;
    nic::PortSettings settings;
    settings.device =
        "net_pcap" + std::to_string(readers++) + ",rx_pcap=" + path + ",tx_pcap=/dev/null";
    auto device = nic::Device::open(settings, {});
    EXPECT_TRUE(device) << device.error().what;
    nic::DpdkPort port = device->port(0);
    std::array<nic::DpdkPort::Frame, kBurstMax> frames;
    std::vector<Bytes> read;
    const std::size_t n = port.receive(frames, {});
    for (const auto frame : std::span(frames).first(n)) {
      read.emplace_back(port.bytes(frame).begin(), port.bytes(frame).end());
      port.release(frame);
    }
    return read;
  }

  static std::size_t send(CapturePort<MemPort>& port, std::size_t length, std::size_t count = 1) {
    std::vector<MemPort::Frame> frames;
    for (std::size_t i = 0; i < count; ++i) {
      frames.push_back(port.allocate());
      port.set_length(frames.back(), length + i);
      std::ranges::copy(pattern(length + i), port.bytes(frames.back()).begin());
    }
    const std::size_t taken = port.transmit(frames, Instant{5});
    for (const auto frame : std::span(frames).subspan(taken)) port.release(frame);
    return taken;
  }

  Instant now{1'000'000};
  std::string path;
};

TEST_F(CapturePortTest, WritesWhatIsReceivedAndSent) {
  {
    CapturePort<MemPort> port(create());
    EXPECT_EQ(send(port, 60), 1u);
    port.inner().inject(pattern(1'500));
    MemPort::Frame frame = nullptr;
    ASSERT_EQ(port.receive({&frame, 1}, now), 1u);
    port.release(frame);
  }
  EXPECT_THAT(read_back(), ::testing::ElementsAre(pattern(60), pattern(1'500)));
}

TEST_F(CapturePortTest, WritesOnlyWhatTheDeviceTook) {
  {
    CapturePort<MemPort> port(create());
    EXPECT_EQ(send(port, 60, 3), 3u);
    port.inner().room = 0;
    EXPECT_EQ(send(port, 100, 3), 0u);
  }
  EXPECT_THAT(read_back(), ::testing::ElementsAre(pattern(60), pattern(61), pattern(62)));
}

TEST_F(CapturePortTest, WithoutAFileFramesJustPass) {
  CapturePort<MemPort> port(nullptr);
  EXPECT_EQ(send(port, 60, 3), 3u);
  EXPECT_EQ(port.inner().sent.size(), 3u);
}

TEST_F(CapturePortTest, SaysOnceThatTheDiskIsFullAndEndsTheCapture) {
  ::testing::internal::CaptureStderr();
  {
    auto file = wire::PcapFile::create("/dev/full", {});
    ASSERT_TRUE(file);
    CapturePort<MemPort> port(std::move(*file));
    EXPECT_EQ(send(port, 1'000, 20), 20u) << "the frames go out all the same";
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "mayfly: the capture \"/dev/full\" is not whole: No space left on device\n");
}

TEST_F(CapturePortTest, AFileThatCannotBeWrittenIsAnError) {
  const auto file = wire::PcapFile::create("/nonexistent/folder/capture.pcap", {});
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().what, ::testing::HasSubstr("/nonexistent/folder/capture.pcap"));
}

}  // namespace
}  // namespace mayfly::testing
