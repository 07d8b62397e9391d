#include "config/addresses.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "config/error.h"
#include "wire/print.h"

namespace mayfly::config {
namespace {

/// All of `text` as a number of the given base, at most `limit`.
std::optional<std::uint32_t> whole_number(std::string_view text, std::uint32_t limit,
                                          int base = 10) {
  std::uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, failure] = std::from_chars(text.data(), end, value, base);
  if (failure != std::errc{} || stopped != end || value > limit) return std::nullopt;
  return value;
}

/// Cuts `text` at its first `separator`; the second part is empty if there is none.
std::pair<std::string_view, std::optional<std::string_view>> cut(std::string_view text,
                                                                 char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::optional<Ipv4Address> dotted_quad(std::string_view text) {
  Ipv4Address address;
  std::optional<std::string_view> rest = text;
  for (int octet = 0; octet < 4; ++octet) {
    if (!rest) return std::nullopt;
    const auto [part, tail] = cut(*rest, '.');
    const std::optional<std::uint32_t> value = whole_number(part, 255);
    // "010" is eight to some programs and ten to others.
    if (!value || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    address.host = address.host << 8 | *value;
    rest = tail;
  }
  if (rest) return std::nullopt;
  return address;
}

std::optional<Ipv6Address> colon_groups(std::string_view text) {
  Ipv6Address address;
  const std::string terminated(text);
  if (terminated.find('\0') != terminated.npos ||
      inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) != 1)
    return std::nullopt;
  return address;
}

constexpr std::uint32_t mask_of(std::uint8_t prefix_length) {
  return prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
}

}  // namespace

Result<Ipv4Address> parse_ipv4(std::string_view text) {
  const std::optional<Ipv4Address> address = dotted_quad(text);
  if (!address) return Error{in_quotes(text) + " is not an IPv4 address"};
  const std::uint32_t network = address->host >> 24;
  // RFC 6890: "this network", loopback; then multicast, reserved and the limited broadcast.
  if (network == 0 || network == 127 || network >= 224) {
    return Error{in_quotes(text) + " is not a unicast address"};
  }
  return *address;
}

Result<Ipv6Address> parse_ipv6(std::string_view text) {
  if (text.find('%') != text.npos)
    return Error{in_quotes(text) + " has a zone index, which the port itself is"};
  const std::optional<Ipv6Address> address = colon_groups(text);
  if (!address) return Error{in_quotes(text) + " is not an IPv6 address"};
  if (address->is_ipv4_mapped())
    return Error{in_quotes(text) + " is an IPv4-mapped address: write the IPv4 address"};
  if (address->is_unspecified() || address->is_loopback() || address->is_multicast())
    return Error{in_quotes(text) + " is not a unicast address"};
  return *address;
}

Result<MacAddress> parse_mac(std::string_view text) {
  const Error malformed{in_quotes(text) + " is not a MAC address"};
  MacAddress mac;
  std::optional<std::string_view> rest = text;
  for (std::uint8_t& octet : mac.octets) {
    if (!rest) return malformed;
    const auto [part, tail] = cut(*rest, ':');
    const std::optional<std::uint32_t> value = whole_number(part, 255, 16);
    if (!value || part.size() != 2) return malformed;
    octet = static_cast<std::uint8_t>(*value);
    rest = tail;
  }
  if (rest) return malformed;
  if (mac.is_group()) return Error{in_quotes(text) + " is a group address"};
  if (mac == MacAddress{}) return Error{in_quotes(text) + " is all zero"};
  return mac;
}

Result<AddressRange> parse_address_range(std::string_view text) {
  constexpr std::uint32_t kAddressesMax = 65'536;
  const auto [head, tail] = cut(text, '-');
  const Result<Ipv4Address> first = parse_ipv4(head);
  if (!first) return first.error();
  const Result<Ipv4Address> last = tail ? parse_ipv4(*tail) : first;
  if (!last) return last.error();
  if (*last < *first) return Error{in_quotes(text) + " is reversed"};
  if (last->host - first->host >= kAddressesMax) {
    return Error{in_quotes(text) + " has more than 65536 addresses"};
  }
  return AddressRange{*first, *last};
}

Result<link::InterfaceAddress> parse_interface_address(std::string_view text) {
  const auto [addresses, length] = cut(text, '/');
  if (!length) return Error{in_quotes(text) + " has no prefix length, such as /24"};
  const std::optional<std::uint32_t> prefix = whole_number(*length, 32);
  if (!prefix || *prefix == 0) return Error{in_quotes(text) + " has no prefix length from 1 to 32"};
  const Result<AddressRange> range = parse_address_range(addresses);
  if (!range) return range.error();
  const link::InterfaceAddress address{range->first, range->last,
                                       static_cast<std::uint8_t>(*prefix)};
  if (!is_on_link(address, address.last)) {
    return Error{in_quotes(text) + " reaches beyond its network"};
  }
  // RFC 3021: a /31 has neither a network nor a broadcast address.
  const std::uint32_t host_bits = ~mask_of(address.prefix_length);
  if (*prefix < 31 &&
      ((address.first.host & host_bits) == 0 || (address.last.host & host_bits) == host_bits)) {
    return Error{in_quotes(text) + " contains the network's own address or its broadcast address"};
  }
  return address;
}

namespace {

constexpr std::uint32_t kAddressesMax6 = 65'536;

/// The address with all bits zero beyond the prefix.
Ipv6Address network_of(Ipv6Address address, std::uint32_t prefix) {
  for (std::size_t bit = prefix; bit < 128; ++bit)
    address.octets[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
  return address;
}

/// "A" or "A-B".
Result<AddressRange6> first_to_last(std::string_view text) {
  const auto [head, tail] = cut(text, '-');
  const Result<Ipv6Address> first = parse_ipv6(head);
  if (!first) return first.error();
  const Result<Ipv6Address> last = tail ? parse_ipv6(*tail) : first;
  if (!last) return last.error();
  if (*last < *first) return Error{in_quotes(text) + " is reversed"};
  if (!first->shares_prefix(*last, 96) || last->low() - first->low() >= kAddressesMax6)
    return Error{in_quotes(text) +
                 " has more than 65536 addresses, or they differ beyond their last 32 bits"};
  return AddressRange6{*first, *last};
}

}  // namespace

Result<AddressRange6> parse_address_range6(std::string_view text) {
  constexpr std::uint32_t kPrefixMin = 112;
  const auto [addresses, length] = cut(text, '/');
  if (!length) return first_to_last(text);
  const std::optional<std::uint32_t> prefix = whole_number(*length, 128);
  if (!prefix || *prefix < kPrefixMin)
    return Error{in_quotes(text) + " has no prefix length from 112 to 128"};
  const Result<Ipv6Address> first = parse_ipv6(addresses);
  if (!first) return first.error();
  if (*first != network_of(*first, *prefix))
    return Error{fmt::format("{} has bits set beyond its prefix; did you mean {}/{}?",
                             in_quotes(text), to_string(network_of(*first, *prefix)), *prefix)};
  const std::uint32_t more = *prefix == 128 ? 0 : (1u << (128 - *prefix)) - 1;
  return AddressRange6{*first, first->with_low(first->low() + more)};
}

Result<link::InterfaceAddress6> parse_interface_address6(std::string_view text) {
  const auto [addresses, length] = cut(text, '/');
  if (!length) return Error{in_quotes(text) + " has no prefix length, such as /64"};
  const std::optional<std::uint32_t> prefix = whole_number(*length, 128);
  if (!prefix || *prefix == 0)
    return Error{in_quotes(text) + " has no prefix length from 1 to 128"};
  const Result<AddressRange6> range = first_to_last(addresses);
  if (!range) return range.error();
  const Ipv6Address &first = range->first, &last = range->last;
  if (!first.shares_prefix(last, *prefix))
    return Error{in_quotes(text) + " reaches beyond its network"};
  // RFC 6164: a /127 has no subnet-router anycast address; nor has a /128.
  constexpr std::uint32_t kSmallest = 126;
  if (*prefix <= kSmallest && first == network_of(first, *prefix))
    return Error{in_quotes(text) + " contains the network's own address, which is every router's"};
  return link::InterfaceAddress6{first, last, static_cast<std::uint8_t>(*prefix)};
}

Result<Prefix> parse_prefix(std::string_view text) {
  const bool is_ipv6 = looks_like_ipv6(text);
  const std::uint8_t most = is_ipv6 ? 128 : 32;
  const auto [network, length] = cut(text, '/');
  if (!length)
    return Error{
        fmt::format("{} has no prefix length, such as /{}", in_quotes(text), is_ipv6 ? "64" : "8")};
  const std::optional<std::uint32_t> bits = whole_number(*length, most);
  if (!bits)
    return Error{fmt::format("{} has no prefix length from 0 to {}", in_quotes(text), most)};
  std::optional<Ipv6Address> address = is_ipv6 ? colon_groups(network) : std::nullopt;
  if (const auto four = dotted_quad(network); four && !is_ipv6)
    address = Ipv6Address::mapped(four->host);
  if (!address || (is_ipv6 && address->is_ipv4_mapped()))
    return Error{
        fmt::format("{} is not an {} network", in_quotes(text), is_ipv6 ? "IPv6" : "IPv4")};
  const std::uint32_t counting = *bits + (is_ipv6 ? 0u : Prefix::kMapped);
  const Prefix meant{network_of(*address, counting), static_cast<std::uint8_t>(counting)};
  if (meant.address != *address)
    return Error{fmt::format("{} has bits set beyond its prefix; did you mean {}?", in_quotes(text),
                             format_prefix(meant))};
  return meant;
}

Result<PortRange> parse_port_range(std::string_view text) {
  const auto [head, tail] = cut(text, '-');
  const std::optional<std::uint32_t> first = whole_number(head, 65'535);
  const std::optional<std::uint32_t> last = tail ? whole_number(*tail, 65'535) : first;
  if (!first || !last || *first == 0 || *last == 0) {
    return Error{in_quotes(text) + " is not a range of ports"};
  }
  if (*last < *first) return Error{in_quotes(text) + " is reversed"};
  return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

std::string format_range(Ipv4Address first, Ipv4Address last) {
  if (first == last) return to_string(first);
  return fmt::format("{}-{}", to_string(first), to_string(last));
}

std::string format_interface_address(const link::InterfaceAddress& address) {
  return fmt::format("{}/{}", format_range(address.first, address.last), address.prefix_length);
}

std::string format_interface_address(const link::InterfaceAddress6& address) {
  std::string range = to_string(address.first);
  if (address.last != address.first) range += "-" + to_string(address.last);
  return fmt::format("{}/{}", range, address.prefix_length);
}

std::string format_prefix(const Prefix& prefix) {
  if (!prefix.is_ipv4()) return fmt::format("{}/{}", to_string(prefix.address), prefix.length);
  return fmt::format("{}/{}", to_string(Ipv4Address{prefix.address.low()}),
                     prefix.length - Prefix::kMapped);
}

bool is_on_link(const link::InterfaceAddress& own, Ipv4Address address) {
  return own.arp && ((own.first.host ^ address.host) & mask_of(own.prefix_length)) == 0;
}

}  // namespace mayfly::config
