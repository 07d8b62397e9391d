#include "config/addresses.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using config::parse_address_range;
using config::parse_interface_address;
using config::parse_ipv4;
using config::parse_prefix;

template <class T>
std::string why_not(const Result<T>& result) {
  return result ? "" : result.error().what;
}

TEST(Ipv4, IsADottedQuad) {
  EXPECT_EQ(parse_ipv4("198.18.0.1")->host, 0xc6120001u);
  for (const char* text : {"", "198.18.0", "198.18.0.1.2", "198.18.0.256", "198.18.0.01", "a.b.c.d",
                           "198.18..1", "198.18.0.1 ", "::1", "-1.2.3.4"}) {
    EXPECT_FALSE(parse_ipv4(text)) << text;
  }
}

TEST(Ipv4, IsUnicast) {
  for (const char* text : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1"}) {
    EXPECT_EQ(why_not(parse_ipv4(text)), "\"" + std::string(text) + "\" is not a unicast address");
  }
}

TEST(Mac, IsSixOctetsOfOneStation) {
  EXPECT_EQ(*config::parse_mac("02:00:00:00:00:ff"), (MacAddress{{2, 0, 0, 0, 0, 0xff}}));
  EXPECT_EQ(why_not(config::parse_mac("01:00:5e:00:00:01")),
            "\"01:00:5e:00:00:01\" is a group address");
  EXPECT_EQ(why_not(config::parse_mac("00:00:00:00:00:00")), "\"00:00:00:00:00:00\" is all zero");
  for (const char* text : {"", "02:00:00:00:00", "02:00:00:00:00:00:00", "2:0:0:0:0:0",
                           "02-00-00-00-00-00", "02:00:00:00:00:0g"}) {
    EXPECT_FALSE(config::parse_mac(text)) << text;
  }
}

TEST(AddressRange, IsOneAddressOrSeveral) {
  const Result<config::AddressRange> one = parse_address_range("198.18.1.1");
  EXPECT_EQ(one->first, one->last);
  const Result<config::AddressRange> many = parse_address_range("198.18.1.1-198.18.1.100");
  EXPECT_EQ(many->last.host - many->first.host, 99u);
}

TEST(AddressRange, IsNeitherReversedNorHuge) {
  EXPECT_EQ(why_not(parse_address_range("198.18.1.2-198.18.1.1")),
            "\"198.18.1.2-198.18.1.1\" is reversed");
  EXPECT_TRUE(parse_address_range("10.0.0.0-10.0.255.255"));
  EXPECT_EQ(why_not(parse_address_range("10.0.0.0-10.1.0.0")),
            "\"10.0.0.0-10.1.0.0\" has more than 65536 addresses");
}

TEST(InterfaceAddress, HasAPrefixLength) {
  const Result<link::InterfaceAddress> address =
      parse_interface_address("198.18.1.1-198.18.1.9/15");
  EXPECT_EQ(address->prefix_length, 15);
  EXPECT_EQ(config::format_interface_address(*address), "198.18.1.1-198.18.1.9/15");
  for (const char* text : {"198.18.0.1", "198.18.0.1/", "198.18.0.1/0", "198.18.0.1/33",
                           "198.18.0.1/x", "/15", "198.18.0.1/15/15"}) {
    EXPECT_FALSE(parse_interface_address(text)) << text;
  }
}

TEST(InterfaceAddress, IsAHostOfItsNetwork) {
  EXPECT_EQ(why_not(parse_interface_address("198.18.0.0/15")),
            "\"198.18.0.0/15\" contains the network's own address or its broadcast address");
  EXPECT_FALSE(parse_interface_address("198.19.255.255/15"));
  EXPECT_EQ(why_not(parse_interface_address("198.18.0.1-198.18.1.1/24")),
            "\"198.18.0.1-198.18.1.1/24\" reaches beyond its network");
  EXPECT_TRUE(parse_interface_address("198.18.0.0/31"));
  EXPECT_TRUE(parse_interface_address("198.18.0.1/32"));
}

TEST(PortRange, IsOnePortOrSeveral) {
  EXPECT_EQ(config::parse_port_range("80")->last, 80);
  EXPECT_EQ(config::parse_port_range("1024-65535")->last, 65'535);
  EXPECT_EQ(why_not(config::parse_port_range("2000-1000")), "\"2000-1000\" is reversed");
  for (const char* text : {"", "0-1", "1-65536", "1-", "-1", "1-2-3", "a-b"}) {
    EXPECT_FALSE(config::parse_port_range(text)) << text;
  }
}

TEST(Prefix, IsAWholeNetwork) {
  ASSERT_TRUE(parse_prefix("198.18.0.0/15"));
  EXPECT_EQ(*parse_prefix("198.18.0.0/15"), Prefix::of({0xc6120000}, 15));
  EXPECT_EQ(*parse_prefix("2001:db8::/32"), (Prefix{Ipv6Address::of({0x2001, 0xdb8}), 32}));
  EXPECT_TRUE(parse_prefix("::/0"));
  EXPECT_EQ(why_not(parse_prefix("2001:db8::1/64")),
            "\"2001:db8::1/64\" has bits set beyond its prefix; did you mean 2001:db8::/64?");
  for (const char* text : {"198.18.0.0/15", "0.0.0.0/0", "2001:db8::/32", "::/0", "::1/128"})
    EXPECT_EQ(config::format_prefix(*parse_prefix(text)), text);
  EXPECT_TRUE(parse_prefix("0.0.0.0/0"));
  EXPECT_TRUE(parse_prefix("127.0.0.1/32"));
  EXPECT_EQ(why_not(parse_prefix("127.0.0.1/8")),
            "\"127.0.0.1/8\" has bits set beyond its prefix; did you mean 127.0.0.0/8?");
  for (const char* text : {"10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "/8", "10.0.0.0/+8",
                           "2001:db8::", "2001:db8::/129", "2001:db8:/32", "::ffff:10.0.0.0/104"}) {
    EXPECT_FALSE(parse_prefix(text)) << text;
  }
}

TEST(OnLink, ComparesThePrefix) {
  const link::InterfaceAddress own = *parse_interface_address("198.18.0.1/15");
  EXPECT_TRUE(config::is_on_link(own, *parse_ipv4("198.19.255.1")));
  EXPECT_FALSE(config::is_on_link(own, *parse_ipv4("198.20.0.1")));
}

}  // namespace
}  // namespace mayfly::testing
