// A router before servers that all have one address (ECMP): each flow goes to one of the servers
// that are present, by a hash. When a server comes or goes, or the hash changes, flows move. The
// servers answer the clients directly, so that the router sees one direction alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/prng.h"
#include "net/simulation.h"

namespace mayfly::net {

struct RouterSettings {
  Ipv4Address service;  ///< that of all servers
  bool ipv6 = false;    ///< it stands for an IPv6 address (net/family.h)
  MacAddress mac;       ///< the router's own, with which it answers for the service
  std::vector<MacAddress> servers;
  std::uint64_t seed = 1;
  std::uint8_t segment = 0;
};

class Router final : public Host {
 public:
  /// Joins the simulation, which outlives it.
  Router(Simulation& simulation, const RouterSettings& settings);

  void poll(Instant now) noexcept override;
  Instant next_due() const noexcept override { return Instant::never(); }
  bool has_arrivals(Instant) const noexcept override { return port_.has_arrivals(); }

  /// A server that is not present gets no frames. The last one stays, whatever is asked.
  void set_present(std::size_t server, bool present);
  /// Another hash: nearly all flows move.
  void reshuffle() noexcept { salt_ = random_.next(); }
  /// While it sprays, each frame goes to any server that is present.
  void spray(bool sprays) noexcept { sprays_ = sprays; }

  /// Frames that are neither questions for the service's address nor TCP segments to it.
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  bool answer_arp(SimFrame& frame) const noexcept;
  bool answer_solicitation(SimFrame& frame) const noexcept;
  bool forward(SimFrame& frame) noexcept;
  std::size_t server_of(std::span<const std::byte> frame, std::size_t tcp) noexcept;

  RouterSettings settings_;
  SimPort port_;
  Prng random_;
  std::uint64_t salt_;
  bool sprays_ = false;
  std::vector<std::size_t> present_;
  std::uint64_t dropped_ = 0;
};

}  // namespace mayfly::net
