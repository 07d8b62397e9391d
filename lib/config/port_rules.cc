#include "config/port_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/addresses.h"
#include "wire/print.h"

namespace mayfly::config {
namespace {

/// The key of the port's address that is number `i` of its family.
std::string address_key(const Scope& scope, const std::string& path, bool ipv6, std::size_t i) {
  std::string key;
  for (std::size_t n = 0;; ++n) {
    key = fmt::format("{}.addresses.{}", path, n);
    if (!scope.has(key)) return fmt::format("{}.addresses.{}", path, i);
    const std::string range = key + ".range";
    if (looks_like_ipv6(scope.text(scope.has(range) ? range : key)) != ipv6) continue;
    if (i-- == 0) return key;
  }
}

/// Reports addresses that overlap with others in `seen`, and adds all to it.
template <class Address>
void check_overlaps(const std::vector<Address>& addresses, const std::string& path, bool ipv6,
                    const Scope& scope, std::vector<Address>& seen) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Address& address = addresses[i];
    const std::string key = address_key(scope, path, ipv6, i);
    if (!scope.is_sound({key})) continue;
    const auto overlap = std::find_if(seen.begin(), seen.end(), [&](const Address& other) {
      return address.first <= other.last && other.first <= address.last;
    });
    if (overlap != seen.end()) {
      scope.fail(key, "overlaps with " + format_interface_address(*overlap));
    }
    seen.push_back(address);
  }
}

void check_gateway(const nic::PortSettings& port, const std::string& path, const Scope& scope) {
  const std::string key = path + ".gateway";
  if (!scope.is_sound({key, path + ".addresses"})) return;
  const auto check = [&](const auto& gateway) {
    if (is_own(port, gateway)) {
      scope.fail(key, "is one of the port's own addresses");
    } else if (!is_on_link(port, gateway)) {
      scope.fail(key, "is not on the link of any of the port's addresses");
    }
  };
  if (port.gateway) check(*port.gateway);
  if ((port.gateway6 || port.asks_for_router) && port.addresses6.empty())
    return scope.fail(key,
                      (port.gateway6 ? to_string(*port.gateway6) : std::string("ra")) +
                          " is IPv6, and the port has no IPv6 address",
                      "add one to addresses, such as 2001:db8::1/64");
  if (port.gateway6) check(*port.gateway6);
}

/// An address that no neighbour is told of needs one that they find the port by.
void check_told(const nic::PortSettings& port, const std::string& path, const Scope& scope) {
  const std::string key = path + ".addresses";
  const bool is_any_told = std::ranges::any_of(port.addresses, [](const auto& a) { return a.arp; });
  if (port.addresses.empty() || is_any_told || !scope.is_sound({key})) return;
  scope.fail(key, "are all arp: false, so that neighbours find none of them",
             "add the port's own address and network, such as 198.18.0.3/24");
}

void check_ipv6(const nic::PortSettings& port, const std::string& path, const Scope& scope) {
  constexpr std::uint16_t kMtuMin = 1'280;
  if (!port.addresses6.empty() && port.mtu < kMtuMin && scope.is_sound({path + ".mtu"}))
    scope.fail(path + ".mtu", fmt::format("{} is below the least of IPv6", port.mtu),
               "at least 1280 (RFC 8200 5), or no IPv6 address");
}

}  // namespace

void check_xdp(const nic::PortSettings& port, const std::string& path, const Scope& scope) {
  if (port.xdp == nic::XdpMode::all || !scope.is_sound({path + ".xdp"})) return;
  if (port.exception.any())
    scope.fail(path + ".exception", "is not needed with xdp: share",
               "the kernel has what is not ours by the interface itself");
  if (!scope.is_sound({path + ".gateway"})) return;
  if (port.asks_for_router)
    scope.fail(path + ".gateway", "ra does not go with xdp: share",
               "what routers say goes to the kernel: give the gateway's address");
  if (port.gateway6 && port.gateway6->is_link_local() && !port.mac)
    scope.fail(path + ".gateway",
               "is link-local, and so would be our own address, which the kernel has too",
               "with a mac of its own the port has another");
}

void check_addresses(const nic::PortSettings& port, const std::string& path, const Scope& scope,
                     SeenAddresses& seen) {
  check_overlaps(port.addresses, path, false, scope, seen.four);
  check_overlaps(port.addresses6, path, true, scope, seen.six);
  check_ipv6(port, path, scope);
  check_told(port, path, scope);
  check_gateway(port, path, scope);
}

bool is_own(const nic::PortSettings& port, Ipv4Address address) {
  return std::any_of(port.addresses.begin(), port.addresses.end(), [address](const auto& own) {
    return own.first <= address && address <= own.last;
  });
}
bool is_own(const nic::PortSettings& port, const Ipv6Address& address) {
  return std::any_of(port.addresses6.begin(), port.addresses6.end(),
                     [&](const auto& own) { return own.first <= address && address <= own.last; });
}

bool is_on_link(const nic::PortSettings& port, Ipv4Address address) {
  return std::any_of(port.addresses.begin(), port.addresses.end(),
                     [address](const auto& own) { return config::is_on_link(own, address); });
}
bool is_on_link(const nic::PortSettings& port, const Ipv6Address& address) {
  return address.is_link_local() ||
         std::any_of(port.addresses6.begin(), port.addresses6.end(), [&](const auto& own) {
           return own.arp && own.first.shares_prefix(address, own.prefix_length);
         });
}

bool can_reach(const nic::PortSettings& port, Ipv4Address address) {
  return port.gateway || is_on_link(port, address);
}
bool can_reach(const nic::PortSettings& port, const Ipv6Address& address) {
  return port.gateway6 || port.asks_for_router || is_on_link(port, address);
}

}  // namespace mayfly::config
