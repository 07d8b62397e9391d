// The table of what is special about single drivers.
#include "nic/quirks.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using nic::quirks_of;

TEST(Quirks, AreFoundByTheDriverAndByADeviceOfIt) {
  EXPECT_EQ(quirks_of("net_memif").driver, "net_memif");
  EXPECT_EQ(quirks_of("net_memif12").driver, "net_memif");
  EXPECT_EQ(quirks_of("net_af_packet0,iface=veth0").driver, "net_af_packet");
  EXPECT_EQ(quirks_of("net_af_xdp0").driver, "net_af_xdp");
}

TEST(Quirks, AreNoneOfAnOrdinaryDriver) {
  for (const char* name : {"net_ixgbe", "net_ring_lab_a", "net_null0", "0000:03:00.0", ""}) {
    const nic::DriverQuirks& none = quirks_of(name);
    EXPECT_EQ(none.driver, "") << name;
    EXPECT_FALSE(none.shares_host_interface || none.spreads_by_itself || none.has_server_socket);
    EXPECT_TRUE(none.knows_its_queues);
  }
}

TEST(Quirks, KeepTheAddressOfAHostsOwnInterface) {
  for (const char* name : {"net_af_packet", "net_af_xdp", "net_tap", "net_pcap"})
    EXPECT_TRUE(quirks_of(name).shares_host_interface) << name;
  EXPECT_FALSE(quirks_of("net_memif").shares_host_interface);
}

TEST(Quirks, TellApartWhatSaysHowManyQueuesItHas) {
  EXPECT_FALSE(quirks_of("net_memif").knows_its_queues);
  EXPECT_TRUE(quirks_of("net_af_packet").knows_its_queues);
  EXPECT_TRUE(quirks_of("net_af_packet").spreads_by_itself);
  EXPECT_FALSE(quirks_of("net_af_xdp").spreads_by_itself);
}

TEST(Quirks, HaveARowForEachDriverOnceAndNoRowWithout) {
  for (const nic::DriverQuirks& row : nic::driver_quirks()) {
    EXPECT_EQ(&quirks_of(row.driver), &row) << row.driver;
    EXPECT_TRUE(row.shares_host_interface || row.spreads_by_itself || row.has_server_socket ||
                !row.knows_its_queues || row.shares_memory || !row.arguments.empty())
        << row.driver;
  }
}

}  // namespace
}  // namespace mayfly::testing
