// Whether a port can work, judged before anything is opened. PCI devices are those of a folder that
// the test has made: nothing here looks at this machine's own cards.
#include "nic/fitness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "nic/host.h"

namespace mayfly::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Optional;

/// The words alone.
std::optional<std::string> reason_of(const nic::PortSettings& port, const std::string& root = "") {
  const auto why = nic::why_unfit(port, 1, root);
  return why ? std::optional(why->what) : std::nullopt;
}

nic::PortSettings port(const std::string& device) {
  nic::PortSettings settings;
  settings.device = device;
  return settings;
}

/// A machine of files, with the card 0000:03:00.0 in it.
class AMachine : public ::testing::Test {
 protected:
  ~AMachine() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void has_interface(const std::string& name, const std::string& flags) {
    fs::create_directories(card_ + "/net/" + name);
    write("/sys/class/net/" + name + "/flags", flags + "\n");
  }
  void has_route(const std::string& interface, const std::string& destination) {
    write("/proc/net/route",
          "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n" + interface +
              "\t" + destination + "\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n");
  }
  const std::string root_ = "/tmp/mayfly-machine-" + std::to_string(getpid());
  const std::string card_ = root_ + "/sys/bus/pci/devices/0000:03:00.0";
};

TEST_F(AMachine, GivesUpACardThatTheKernelDoesNotUse) {
  fs::create_directories(card_);
  EXPECT_EQ(reason_of(port("0000:03:00.0"), root_), std::nullopt);
  EXPECT_EQ(reason_of(port("03:00.0"), root_), std::nullopt);
  has_interface("eth7", "0x1002");
  EXPECT_EQ(reason_of(port("0000:03:00.0"), root_), std::nullopt) << "it is down";
}

TEST_F(AMachine, KeepsACardWhoseInterfaceIsUp) {
  has_interface("eth7", "0x1003");
  EXPECT_THAT(reason_of(port("03:00.0"), root_),
              Optional(AllOf(HasSubstr("eth7"), HasSubstr("is up"), HasSubstr("own way in"))));
}

TEST_F(AMachine, KeepsTheCardOfItsDefaultRoute) {
  has_interface("eth7", "0x1002");
  has_route("eth7", "00000000");
  EXPECT_THAT(reason_of(port("0000:03:00.0"), root_),
              Optional(AllOf(HasSubstr("eth7"), HasSubstr("default route"))));
}

TEST_F(AMachine, KeepsTheCardOfItsDefaultRouteForIpv6) {
  has_interface("eth7", "0x1002");
  const std::string zeros(32, '0');
  write("/proc/net/ipv6_route",
        zeros + " 00 " + zeros + " 00 fe80" + zeros.substr(4) + " 400 1 0 450003 eth7\n");
  EXPECT_THAT(reason_of(port("0000:03:00.0"), root_), Optional(HasSubstr("default route")));
}

TEST_F(AMachine, GivesUpACardWithAnotherCardsDefaultRoute) {
  has_interface("eth7", "0x1002");
  has_route("eth0", "00000000");
  EXPECT_EQ(reason_of(port("0000:03:00.0"), root_), std::nullopt);
}

TEST_F(AMachine, SaysThatACardIsNotThere) {
  EXPECT_THAT(reason_of(port("0000:04:00.0"), root_),
              Optional(HasSubstr("no PCI device 0000:04:00.0")));
}

TEST(APort, OfAnInterfaceThatIsNotThereIsUnfit) {
  for (const char* device : {"net_af_packet0,iface=nosuch0", "net_af_xdp0,iface=nosuch0",
                             "net_pcap0,iface=nosuch0", "net_pcap0,rx_iface=nosuch0"})
    EXPECT_THAT(reason_of(port(device)), Optional(HasSubstr("no interface \"nosuch0\"; there are")))
        << device;
}

TEST(APort, ThatNamesWhatIsNotThereMayBeForAnotherMachine) {
  EXPECT_TRUE(nic::why_unfit(port("net_af_packet0,iface=nosuch0"), 1)->is_absent);
  EXPECT_TRUE(nic::why_unfit(port("net_pcap0,rx_pcap=/no/such/file"), 1)->is_absent);
  EXPECT_FALSE(nic::why_unfit(port("net_af_packet0,ifce=lo"), 1)->is_absent);
}

TEST(APort, OfALoopbackIsFitUnlessItsMtuIsTooSmall) {
  const auto lo = nic::host_interface("lo");
  ASSERT_TRUE(lo);
  EXPECT_TRUE(lo->is_ethernet);
  EXPECT_GT(lo->index, 0u);
  EXPECT_EQ(reason_of(port("net_af_packet0,iface=lo")), std::nullopt);
  nic::PortSettings large = port("net_af_packet0,iface=lo");
  large.mtu = 65'535;
  EXPECT_EQ(reason_of(large).has_value(), lo->mtu < large.mtu);
}

TEST(APort, WithAnArgumentThatItsDriverDoesNotHaveIsUnfit) {
  EXPECT_THAT(reason_of(port("net_af_packet0,ifce=lo")),
              Optional(AllOf(HasSubstr("no argument \"ifce\""), HasSubstr("iface"))));
  EXPECT_THAT(reason_of(port("net_af_packet0")), Optional(HasSubstr("needs one of")));
  EXPECT_THAT(reason_of(port("veth0")), Optional(HasSubstr("neither a PCI address")));
  EXPECT_EQ(reason_of(port("net_memif0,role=server,id=2,rsize=12")), std::nullopt);
  EXPECT_EQ(reason_of(port("net_null0,anything=1")), std::nullopt) << "not known here";
}

TEST(APort, OfAMemifWhoseBuffersAreShorterThanItsFramesIsUnfit) {
  nic::PortSettings memif = port("net_memif0,role=client,bsize=640");
  EXPECT_THAT(reason_of(memif), Optional(AllOf(HasSubstr("1514 bytes"), HasSubstr("bsize=640"))));
  memif.mtu = 576;
  EXPECT_EQ(reason_of(memif), std::nullopt);
  memif.device = "net_memif0,role=client,bsize=590";
  EXPECT_EQ(reason_of(memif), std::nullopt);
  memif.vlan = 7;
  EXPECT_THAT(reason_of(memif), Optional(HasSubstr("594 bytes")));
}

TEST(APort, HasAsManyQueuePairsAsCoresWhereTheKernelSpreadsTheFrames) {
  EXPECT_FALSE(nic::why_unfit(port("net_af_packet0,iface=lo,qpairs=2"), 2));
  EXPECT_FALSE(nic::why_unfit(port("net_af_packet0,iface=lo,qpairs=1"), 2));
  const auto unread = nic::why_unfit(port("net_af_packet0,iface=lo,qpairs=2"), 1);
  ASSERT_TRUE(unread);
  EXPECT_THAT(unread->what, HasSubstr("as many cores as queue pairs"));
}

TEST(APort, WhoseSocketHasNoFolderIsUnfit) {
  EXPECT_THAT(reason_of(port("net_memif0,socket=/no/such/folder/s,socket-abstract=no")),
              Optional(HasSubstr("no folder /no/such/folder")));
}

/// The header of a classic capture file.
std::string classic(std::uint32_t magic, std::uint32_t link_type) {
  std::string header(24, '\0');
  std::memcpy(header.data(), &magic, 4);
  std::memcpy(header.data() + 20, &link_type, 4);
  return header;
}

/// A section header block and an interface description block.
std::string next_generation(std::uint16_t link_type) {
  std::string blocks(28 + 20, '\0');
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(blocks.data() + at, &value, sizeof value);
  };
  put(0, 0x0a0d0d0au);
  put(4, 28u);
  put(8, 0x1a2b3c4du);
  put(28, 1u);
  put(32, 20u);
  put(36, link_type);
  return blocks;
}

TEST(ACaptureFile, IsReadIfItHoldsEthernetFrames) {
  const std::string path = "/tmp/mayfly-capture-" + std::to_string(getpid());
  constexpr std::uint32_t kCooked = 113;
  const auto verdict = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
    return reason_of(port("net_pcap0,rx_pcap=" + path));
  };
  for (const std::uint32_t magic : {0xa1b2c3d4u, 0xa1b23c4du}) {
    EXPECT_EQ(verdict(classic(magic, 1)), std::nullopt);
    EXPECT_THAT(verdict(classic(magic, kCooked)), Optional(HasSubstr("link type 113")));
    const std::uint32_t swapped = __builtin_bswap32(magic);
    EXPECT_EQ(verdict(classic(swapped, __builtin_bswap32(1))), std::nullopt);
    EXPECT_THAT(verdict(classic(swapped, __builtin_bswap32(kCooked))),
                Optional(HasSubstr("link type 113")));
  }
  EXPECT_EQ(verdict(next_generation(1)), std::nullopt);
  EXPECT_THAT(verdict(next_generation(kCooked)), Optional(HasSubstr("link type 113")));
  for (const std::string& broken :
       {std::string(), std::string("text"), classic(0xa1b2c3d4u, 1).substr(0, 10),
        next_generation(1).substr(0, 30)})
    EXPECT_THAT(verdict(broken), Optional(HasSubstr("is no capture file")));
  fs::remove(path);
  EXPECT_THAT(reason_of(port("net_pcap0,rx_pcap=" + path)),
              Optional(HasSubstr("No such file or directory")));
}

}  // namespace
}  // namespace mayfly::testing
