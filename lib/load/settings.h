// Settings of the generator: the server, the sources, and the load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "shard/settings.h"
#include "wire/flow_key.h"

namespace mayfly::load {

/// Which of the addresses of a name is meant.
enum class Family : std::uint8_t { any, ipv4, ipv6 };

/// The server and the resource to request.
struct TargetSettings {
  Ipv4Address address;
  std::optional<Ipv6Address> six;  ///< the address if it is of IPv6; `address` is zero then
  std::string name;                ///< of which `address` is made before the start; empty = none
  Family family = Family::any;     ///< of a name's addresses; any: one that the ports can reach
  std::string other;  ///< the name's address of the other family, that is not used; empty = none
  std::string url;    ///< of which address or name, port and path were made; empty = none
  std::uint16_t port = 80;
  std::string path = "/";
  std::string host;  ///< Host header; empty = the name or address, and the port

  bool has_address() const { return six || address != Ipv4Address{}; }
};

/// The sources of connections: each address from `first` to `last` with each port.
struct SourceSettings {
  Ipv4Address first, last;
  /// With IPv6 the first address; `first` and `last` are then the last 32 bits of addresses that
  /// share the others with it.
  std::optional<Ipv6Address> six;
  std::uint16_t port_first = 1'024, port_last = 65'535;  ///< host order
  /// Hosts behind each address, as behind a NAT that gives ports again: each connection is that of
  /// the next host, with its own clock and numbers. TIME_WAITs of ours answer by the first's clock.
  std::uint32_t hosts = 1;

  bool has_addresses() const { return six || first != Ipv4Address{}; }
};

/// One of `count` shares of what is dealt out in turn, one thing to each.
struct Share {
  std::uint32_t index = 0;  ///< below `count`
  std::uint32_t count = 1;  ///< at least 1

  /// How many of the first `whole` things fall to it.
  constexpr std::uint64_t of(std::uint64_t whole) const noexcept {
    return (whole + count - 1 - index) / count;
  }
  bool operator==(const Share&) const = default;
};
/// The IPv6 four-tuple of which `key` has the last 32 bits of each address.
inline FlowKey6 six_of(const FlowKey4& key, const Ipv6Address& source, const Ipv6Address& target) {
  return FlowKey6::of(source.with_low(key.local().host), key.local_port_host(), target,
                      key.remote_port_host());
}

/// How many connections are made, and when.
struct LoadShape {
  double rate = 0;                           ///< open loop: connections a second; 0 = closed loop
  std::uint32_t concurrency = 0;             ///< closed loop: connections at once; 0 = open loop
  std::uint64_t connections = 0;             ///< the run ends after so many; 0 = by duration
  Duration duration = Duration::from_s(10);  ///< the ramp included; 0 = by connections
  Duration ramp{};  ///< the rate or concurrency rises linearly in this time
  std::uint32_t requests_per_connection = 1;
  Duration timeout = Duration::from_s(30);  ///< a connection that takes longer has failed
  bool overcommit = false;                  ///< run although sources or tables will run out
  /// Of all this, what falls to this process: several hosts carry out one plan (load/part.h).
  Share part;
  /// When the first start is intended; a time that is over = at once. ARP is done before.
  Instant begin_at{};
};

/// A client: its cores and connections, and the load that it makes.
struct ClientSettings : shard::EndSettings {
  TargetSettings target;
  SourceSettings sources;
  LoadShape load;
};

}  // namespace mayfly::load
