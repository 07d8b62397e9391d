// Addresses, networks and ranges in their written form.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"

namespace mayfly::config {

/// Both ends are included.
struct AddressRange {
  Ipv4Address first, last;
};

/// TCP ports in host order; both ends are included.
struct PortRange {
  std::uint16_t first = 0, last = 0;
};

/// "198.18.0.1": a unicast address. Unspecified, loopback, multicast and broadcast ones are errors.
Result<Ipv4Address> parse_ipv4(std::string_view text);

/// "2001:db8::1": a unicast address (RFC 4291 2.2), link-local ones included. The unspecified,
/// loopback, multicast and IPv4-mapped ones are errors, and so is a zone index: the port is the
/// zone.
Result<Ipv6Address> parse_ipv6(std::string_view text);
/// True if it can only be meant as IPv6.
inline bool looks_like_ipv6(std::string_view text) { return text.find(':') != text.npos; }

/// "02:00:00:00:00:01": the address of one station, not a group and not all zero.
Result<MacAddress> parse_mac(std::string_view text);

/// "198.18.1.1" or "198.18.1.1-198.18.1.100"; the first not after the last, at most 65,536
/// addresses.
Result<AddressRange> parse_address_range(std::string_view text);

/// The same for IPv6, and "2001:db8:1::/112", which is all of its 65,536 addresses; a prefix has
/// 112 bits or more.
struct AddressRange6 {
  Ipv6Address first, last;
};
Result<AddressRange6> parse_address_range6(std::string_view text);

/// "198.18.0.1/15" or "198.18.1.1-198.18.1.100/15"; prefix 1 to 32. All are hosts of that network:
/// not its own address, nor its broadcast address.
Result<link::InterfaceAddress> parse_interface_address(std::string_view text);

/// The same for IPv6: "2001:db8::1/64" or "2001:db8::100-2001:db8::1ff/64"; prefix 1 to 128. At
/// most 65,536 addresses, none of them the subnet-router anycast address (RFC 4291 2.6.1).
Result<link::InterfaceAddress6> parse_interface_address6(std::string_view text);

/// "10.0.0.0/8" or "2001:db8::/32": any network of either family, with no bit set beyond its
/// length. One of IPv6 is not of mapped addresses.
Result<Prefix> parse_prefix(std::string_view text);

/// "8080" or "1024-65535"; from 1, the first not after the last.
Result<PortRange> parse_port_range(std::string_view text);

/// Text that the functions above read as the same value.
std::string format_range(Ipv4Address first, Ipv4Address last);
std::string format_interface_address(const link::InterfaceAddress& address);
std::string format_interface_address(const link::InterfaceAddress6& address);
std::string format_prefix(const Prefix& prefix);

/// True if `address` is in the network of `own`, which has one unless it is `arp: false`.
bool is_on_link(const link::InterfaceAddress& own, Ipv4Address address);

}  // namespace mayfly::config
