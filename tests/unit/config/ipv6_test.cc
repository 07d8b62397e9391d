// IPv6 in a configuration: what a port may have, and what is told of what it may not.
#include <gmock/gmock.h>

#include "config_fixture.h"
#include "wire/print.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Ipv6ConfigTest : public ConfigTest {};

TEST_F(Ipv6ConfigTest, APortHasAddressesOfBothFamilies) {
  const auto loaded =
      serve(kServe, {"ports.0.addresses=[198.18.0.1/15, 2001:db8::1/64, 10.0.0.1/8, "
                     "2001:db8::100-2001:db8::1ff/64]",
                     "ports.0.gateway=[198.18.0.254, fe80::1]"});
  ASSERT_THAT(complaints(loaded), IsEmpty());
  const nic::PortSettings& port = loaded.settings->process.ports[0];
  ASSERT_EQ(port.addresses.size(), 2u);
  ASSERT_EQ(port.addresses6.size(), 2u);
  EXPECT_EQ(to_string(port.addresses6[0].first), "2001:db8::1");
  EXPECT_EQ(to_string(port.addresses6[1].last), "2001:db8::1ff");
  EXPECT_EQ(port.addresses6[1].prefix_length, 64);
  EXPECT_EQ(port.gateway, Ipv4Address{0xc61200fe});
  EXPECT_EQ(to_string(*port.gateway6), "fe80::1");
}

TEST_F(Ipv6ConfigTest, APortMayHaveIpv6Alone) {
  EXPECT_THAT(complaints(serve(
                  kServe, {"ports.0.addresses=[2001:db8::1/64]", "ports.0.gateway=2001:db8::fe"})),
              IsEmpty());
}

TEST_F(Ipv6ConfigTest, Ipv6AddressesAreCheckedAtTheirPlaceInTheList) {
  const auto of = [this](const std::string& list) {
    return complaints(serve(kServe, {"ports.0.addresses=[198.18.0.1/15, " + list + "]"}));
  };
  const std::string at = "ports.0.addresses.1: ";
  EXPECT_THAT(of("2001:db8::1"),
              ElementsAre(at + "\"2001:db8::1\" has no prefix length, such as /64"));
  EXPECT_THAT(of("2001:db8::1/129"),
              ElementsAre(at + "\"2001:db8::1/129\" has no prefix length from 1 to 128"));
  EXPECT_THAT(of("fe80::1%eth0/64"),
              ElementsAre(at + "\"fe80::1%eth0\" has a zone index, which the port itself is"));
  EXPECT_THAT(of("2001:db8:::1/64"), ElementsAre(at + "\"2001:db8:::1\" is not an IPv6 address"));
  EXPECT_THAT(of("'::1/128'"), ElementsAre(at + "\"::1\" is not a unicast address"));
  EXPECT_THAT(of("'::ffff:198.18.0.1/128'"),
              ElementsAre(at + "\"::ffff:198.18.0.1\" is an IPv4-mapped address: write the IPv4 "
                               "address"));
  EXPECT_THAT(of("2001:db8::/64"),
              ElementsAre(at + "\"2001:db8::/64\" contains the network's own address, which is "
                               "every router's"));
  EXPECT_THAT(of("2001:db8::9-2001:db8::1/64"),
              ElementsAre(at + "\"2001:db8::9-2001:db8::1\" is reversed"));
  EXPECT_THAT(of("2001:db8::1-2001:db8::2:1/64"),
              ElementsAre(at + "\"2001:db8::1-2001:db8::2:1\" has more than 65536 addresses, "
                               "or they differ beyond their last 32 bits"));
  EXPECT_THAT(of("2001:db8::1/64, 10.0.0.1/8, 2001:db8::1/64"),
              ElementsAre("ports.0.addresses.3: overlaps with 2001:db8::1/64"));
}

TEST_F(Ipv6ConfigTest, AnIpv6GatewayNeedsAnIpv6AddressOnItsLink) {
  EXPECT_THAT(messages(serve(kServe, {"ports.0.gateway=fe80::1"})),
              ElementsAre("--set ports.0.gateway=fe80::1 ports.0.gateway: fe80::1 is IPv6, and the "
                          "port has no IPv6 address (add one to addresses, such as "
                          "2001:db8::1/64)"));
  const std::string with_six = "ports.0.addresses=[198.18.0.1/15, 2001:db8::1/64]";
  EXPECT_THAT(complaints(serve(kServe, {with_six, "ports.0.gateway=2001:db8:1::1"})),
              ElementsAre("ports.0.gateway: is not on the link of any of the port's addresses"));
  EXPECT_THAT(complaints(serve(kServe, {with_six, "ports.0.gateway=2001:db8::1"})),
              ElementsAre("ports.0.gateway: is one of the port's own addresses"));
  EXPECT_THAT(complaints(serve(kServe, {with_six, "ports.0.gateway=[198.18.0.254, ra]"})),
              IsEmpty());
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.gateway=ra"})),
              ElementsAre("ports.0.gateway: ra is IPv6, and the port has no IPv6 address"));
  EXPECT_THAT(complaints(serve(kServe, {with_six, "ports.0.gateway=[ra, fe80::2]"})),
              ElementsAre("ports.0.gateway.1: is the second of its family"));
  EXPECT_THAT(complaints(serve(kServe, {with_six, "ports.0.gateway=[fe80::1, fe80::2]"})),
              ElementsAre("ports.0.gateway.1: is the second of its family"));
  EXPECT_THAT(complaints(serve(kServe, {with_six, "ports.0.mtu=1279", "tcp.mss=1000"})),
              ElementsAre("ports.0.mtu: 1279 is below the least of IPv6"));
}

const std::vector<std::string> kLoad6{"ports.0.addresses=[2001:db8::77/32]",
                                      "target.address=2001:db8::1",
                                      "sources.addresses=2001:db8:1::/112"};

TEST_F(Ipv6ConfigTest, AGeneratorHasAWholePrefixOfSources) {
  const auto loaded = load(kLoad, kLoad6);
  ASSERT_THAT(complaints(loaded), IsEmpty());
  const config::LoadSettings& s = *loaded.settings;
  EXPECT_EQ(to_string(*s.target.six), "2001:db8::1");
  EXPECT_EQ(to_string(*s.sources.six), "2001:db8:1::");
  EXPECT_EQ(s.sources.last.host - s.sources.first.host, 65'535u);
  EXPECT_FALSE(s.process.ports[0].detects_duplicates);
}

TEST_F(Ipv6ConfigTest, AGeneratorsSourcesAreThoseOfItsPortInTheTargetsFamily) {
  const auto by_url = load(
      "cores: [1]\n"
      "ports: [{device: d, addresses: [198.18.1.1/15, '2001:db8::77-2001:db8::79/64']}]\n"
      "target: {url: 'http://[2001:db8::1]:8080/big'}\n"
      "load: {concurrency: 512}\n");
  ASSERT_THAT(complaints(by_url), IsEmpty());
  EXPECT_EQ(to_string(*by_url.settings->sources.six), "2001:db8::77");
  EXPECT_EQ(by_url.settings->target.port, 8080);
  EXPECT_EQ(by_url.settings->target.path, "/big");
}

TEST_F(Ipv6ConfigTest, BothEndsAreOfOneFamily) {
  auto mixed = kLoad6;
  mixed[0] = "ports.0.addresses=[198.18.1.1/15, 2001:db8::77/32]";
  mixed[1] = "target.address=198.18.0.1";
  EXPECT_THAT(complaints(load(kLoad, mixed)),
              ElementsAre("sources.addresses: are of IPv6, and the target is of IPv4"));
  auto own = kLoad6;
  own[1] = "target.address=2001:db8:1::7";
  EXPECT_THAT(complaints(load(kLoad, own)),
              ElementsAre("target.address: is one of the client's own addresses"));
  auto far = kLoad6;
  far[1] = "target.address=2001:db9::1";
  EXPECT_THAT(complaints(load(kLoad, far)),
              ElementsAre("target.address: is on no port's link, and no port has a gateway"));
  auto wide = kLoad6;
  wide[2] = "sources.addresses=2001:db8:1::/64";
  EXPECT_THAT(complaints(load(kLoad, wide)),
              ElementsAre("sources.addresses: \"2001:db8:1::/64\" has no prefix length from 112 to "
                          "128"));
}

// -- names with addresses of both families

config::Machine with_names() {
  config::Machine machine;
  machine.resolve = [](const std::string& name) -> Result<config::HostAddresses> {
    config::HostAddresses found;
    if (name != "six.example") found.four = Ipv4Address{0xc6120001};
    if (name != "four.example") found.six = Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1});
    return found;
  };
  return machine;
}
const std::string kBothFamilies = "ports.0.addresses=[198.18.1.1/15, 2001:db8::77/64]";

TEST_F(Ipv6ConfigTest, OfANameWithBothTheFamilyThatIsAskedForIsTaken) {
  const auto as = [this](const std::string& family) {
    return load(kLoad, {kBothFamilies, "target.address=both.example", "target.family=" + family},
                "", with_names());
  };
  const auto six = as("ipv6"), four = as("ipv4"), any = as("any");
  ASSERT_THAT(complaints(six), IsEmpty());
  EXPECT_EQ(to_string(*six.settings->target.six), "2001:db8::1");
  EXPECT_EQ(to_string(*six.settings->sources.six), "2001:db8::77");
  EXPECT_EQ(six.settings->target.other, "198.18.0.1");
  ASSERT_THAT(complaints(four), IsEmpty());
  EXPECT_FALSE(four.settings->target.six);
  EXPECT_EQ(four.settings->target.other, "2001:db8::1");
  ASSERT_THAT(complaints(any), IsEmpty());
  EXPECT_FALSE(any.settings->target.six);
}

TEST_F(Ipv6ConfigTest, OfANameWithBothTheFamilyOfThePortOrTheSourcesIsTaken) {
  for (const std::string mine :
       {"ports.0.addresses=[2001:db8::77/64]", "sources.addresses=2001:db8::1:0/112"}) {
    const auto loaded =
        load(kLoad, {kBothFamilies, mine, "target.address=both.example"}, "", with_names());
    ASSERT_THAT(complaints(loaded), IsEmpty()) << mine;
    EXPECT_TRUE(loaded.settings->target.six) << mine;
  }
}

TEST_F(Ipv6ConfigTest, ANameWithoutAnAddressOfTheFamilyIsTold) {
  const auto of = [this](const std::string& name, const std::string& family) {
    return complaints(load(kLoad,
                           {kBothFamilies, "target.address=" + name, "target.family=" + family}, "",
                           with_names()));
  };
  EXPECT_THAT(of("four.example", "ipv6"),
              ElementsAre("target.address: four.example has no IPv6 address; it has 198.18.0.1"));
  EXPECT_THAT(of("six.example", "ipv4"),
              ElementsAre("target.address: six.example has no IPv4 address; it has 2001:db8::1"));
  EXPECT_THAT(of("six.example", "any"), IsEmpty());
  EXPECT_THAT(of("198.18.0.1", "ipv6"),
              ElementsAre("target.family: is ipv6, and the target is an IPv4 address"));
  EXPECT_THAT(of("2001:db8::1", "ipv4"),
              ElementsAre("target.family: is ipv4, and the target is an IPv6 address"));
}

}  // namespace
}  // namespace mayfly::testing
