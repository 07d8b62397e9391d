// What servers of a cluster have in a configuration: addresses of which neighbours are told
// nothing, and balancers.
#include <gmock/gmock.h>

#include <algorithm>

#include "config/live.h"
#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AddressWithoutArp : public ConfigTest {};

TEST_F(AddressWithoutArp, AnAddressMayBeOneOfWhichNeighboursAreToldNothing) {
  const auto loaded = serve(
      kServe, {"ports.0.addresses=[198.18.0.3/24, {range: 198.19.0.1/32, arp: false}, "
               "{range: 198.18.0.4/24}, 2001:db8::3/64, {range: 2001:db8:19::1/128, arp: false}]"});
  ASSERT_THAT(complaints(loaded), IsEmpty());
  const nic::PortSettings& port = loaded.settings->process.ports[0];
  ASSERT_EQ(port.addresses.size(), 3u);
  EXPECT_TRUE(port.addresses[0].arp);
  EXPECT_EQ(port.addresses[1].first, Ipv4Address{0xc6130001});
  EXPECT_FALSE(port.addresses[1].arp);
  EXPECT_TRUE(port.addresses[2].arp);
  ASSERT_EQ(port.addresses6.size(), 2u);
  EXPECT_TRUE(port.addresses6[0].arp);
  EXPECT_FALSE(port.addresses6[1].arp);
}

TEST_F(AddressWithoutArp, AnAddressWithoutArpIsCheckedAsOthersAre) {
  const std::string file = write(
      "cores: [0]\n"
      "ports:\n"
      "  - device: net_ring0\n"
      "    addresses:\n"
      "      - {range: 198.19.0.1, arp: false}\n"
      "      - {rang: 198.19.0.1/32, arp: false}\n"
      "      - {range: 198.19.0.1/32, arp: maybe}\n"
      "      - [198.19.0.1/32]\n"
      "listen: [{port: 80, service: http}]\n");
  const std::string hint = "list of address: A/PREFIX or A-B/PREFIX, IPv4 or IPv6";
  const std::string at = " ports.0.addresses.";
  EXPECT_THAT(
      messages(config::read_serve_settings(file, {}, "")),
      ElementsAre(
          file + ":5:17" + at + "0.range: \"198.19.0.1\" has no prefix length, such as /24 (" +
              hint + ")",
          file + ":6:9" + at + "1.range: is missing (" + hint + ")",
          file + ":6:10" + at + "1.rang: is not a known key (did you mean range?)",
          file + ":7:37" + at + "2.arp: \"maybe\" is neither true nor false (boolean: true, false)",
          file + ":8:9" + at + "3: must be a plain value, is a list (" + hint + ")"));
}

TEST_F(AddressWithoutArp, AnAddressWithoutArpIsNoNetwork) {
  const auto of = [this](const std::string& list, const std::string& gateway) {
    return complaints(serve(kServe, {"ports.0.addresses=" + list, "ports.0.gateway=" + gateway}));
  };
  EXPECT_THAT(of("[198.18.0.3/24, {range: 198.19.0.1/24, arp: false}]", "198.19.0.254"),
              ElementsAre("ports.0.gateway: is not on the link of any of the port's addresses"));
  EXPECT_THAT(of("[2001:db8::3/64, {range: 2001:db8:19::1/64, arp: false}]", "2001:db8:19::fe"),
              ElementsAre("ports.0.gateway: is not on the link of any of the port's addresses"));
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.addresses=[{range: 198.19.0.1/32, arp: false}]"})),
              ElementsAre("ports.0.addresses: are all arp: false, so that neighbours find none of "
                          "them"));
  EXPECT_THAT(of("[{range: 2001:db8::1/64, arp: false}, 2001:db8::1/64]", "ra"),
              ElementsAre("ports.0.addresses.1: overlaps with 2001:db8::1/64"));
}

TEST_F(AddressWithoutArp, IsShownAsItIsWritten) {
  const std::string list = "[198.18.0.3/15, {range: 198.19.0.1/32, arp: false}]";
  const auto loaded = serve(kServe, {"ports.0.addresses=" + list});
  ASSERT_TRUE(loaded.settings);
  const auto values = config::describe(*loaded.settings);
  const auto found = std::ranges::find(values, "ports.0.addresses", &config::KeyValue::key);
  ASSERT_NE(found, values.end());
  EXPECT_EQ(found->value, list);
}

class ClusterConfig : public ConfigTest {};

TEST_F(ClusterConfig, BalancersAreANetwork) {
  const auto good = serve(kServe, {"cluster.decapsulate_from=198.18.20.0/24"});
  ASSERT_THAT(complaints(good), IsEmpty());
  EXPECT_TRUE(good.settings->cluster.decapsulate_from->covers(Ipv4Address{0xc61214ff}));
  EXPECT_FALSE(good.settings->cluster.decapsulate_from->covers(Ipv4Address{0xc6121501}));
  EXPECT_EQ(good.settings->shard.tcp.mss, 1'440) << "what peers send has to fit into a packet";
  const auto six = serve(kServe, {"cluster.decapsulate_from=100::/64"});
  ASSERT_THAT(complaints(six), IsEmpty());
  EXPECT_TRUE(six.settings->cluster.decapsulate_from->covers(Ipv6Address::of({0x100})));
  EXPECT_EQ(six.settings->shard.tcp.mss, 1'420);
  EXPECT_THAT(messages(serve(kServe, {"cluster.decapsulate_from=198.18.20.1/24"})),
              ElementsAre("--set cluster.decapsulate_from=198.18.20.1/24 cluster.decapsulate_from: "
                          "\"198.18.20.1/24\" has bits set beyond its prefix; did you mean "
                          "198.18.20.0/24? (network: A/PREFIX)"));
}

}  // namespace
}  // namespace mayfly::testing
