// A NAT: many hosts inside behind one address outside. It rewrites the source of what leaves and
// the destination of what comes back, by a table of ports. A port stays with its endpoint for ever,
// or for some time after its connection was closed: then the next one that needs a port may have it
// (RFC 7857 2). To the hosts inside it answers ARP for every address outside theirs, so they need
// no route.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "link/neighbours.h"
#include "link/settings.h"
#include "net/simulation.h"

namespace mayfly::net {

struct NatSettings {
  link::InterfaceAddress inside;  ///< the addresses of the hosts inside, `first` to `last`
  Ipv4Address outside;            ///< what the world sees
  MacAddress inside_mac, outside_mac;
  std::uint8_t inside_segment = 1, outside_segment = 0;
  WireSettings outside_link;
  /// An inside port stays as it is while it is free outside; otherwise, or without `keeps_ports`,
  /// it becomes the next free one from first_port on.
  bool keeps_ports = false;
  std::uint16_t first_port = 1'024, last_port = 0xffff;
  /// How long a port stays with its endpoint after both FINs or an RST; max() = for ever.
  Duration port_hold = Duration::max();
};

/// An address and a port.
struct Endpoint {
  Ipv4Address ip;
  std::uint16_t port = 0;
  friend constexpr bool operator==(const Endpoint&, const Endpoint&) = default;
};

class Nat final : public Host {
 public:
  Nat(Simulation& simulation, const NatSettings& settings);
  ~Nat() override;

  void poll(Instant now) noexcept override;
  Instant next_due() const noexcept override;
  bool has_arrivals(Instant) const noexcept override {
    return inside_.port.has_arrivals() || outside_.port.has_arrivals();
  }

  /// The inside endpoint that has this port outside, if there is one.
  std::optional<Endpoint> inside_of(std::uint16_t outside_port) const;
  /// Endpoints that have had this port, the latest last.
  std::span<const Endpoint> holders_of(std::uint16_t outside_port) const;
  /// Frames that are neither ARP nor whole TCP segments, or whose port outside belongs to
  /// no host inside.
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  struct Side {
    SimPort port;
    MacAddress mac;
    link::NeighbourCache<SimFrame*> neighbours;
    std::uint32_t waiting = 0;  // neighbours asked for and not yet heard of
  };

  void receive(Side& from, Side& to, Instant now) noexcept;
  void on_arp(Side& side, SimFrame* frame, Instant now) noexcept;
  void ask(Side& side, Ipv4Address ip, const MacAddress* known, Instant now) noexcept;
  void send_to(Side& side, Ipv4Address ip, SimFrame* frame, Instant now) noexcept;
  void transmit(Side& side, SimFrame* frame, Instant now) noexcept;
  static void stops_waiting(Side& side) noexcept {
    MAYFLY_ASSERT(side.waiting > 0);
    --side.waiting;
  }
  bool answers_for(const Side& side, Ipv4Address ip) const noexcept;
  /// A port outside.
  struct Mapping {
    std::vector<Endpoint> holders;  // the latest last
    bool fin_out = false, fin_in = false, reset = false;
    Instant seen_at;

    bool is_closed() const noexcept { return reset || (fin_out && fin_in); }
  };

  bool translate_out(SimFrame& frame, Instant now);
  bool translate_in(SimFrame& frame, Instant now);
  std::optional<std::uint16_t> outside_port(const Endpoint& inside, Instant now);
  std::optional<std::uint16_t> free_port(const Endpoint& inside, Instant now) const;
  bool is_free(std::uint16_t port, Instant now) const;
  static void note(Mapping& mapping, std::uint8_t flags, bool leaves, Instant now) noexcept;
  void drop(Side& side, SimFrame* frame) noexcept {
    ++dropped_;
    side.port.release(frame);
  }

  NatSettings settings_;
  Side inside_, outside_;
  std::unordered_map<std::uint64_t, std::uint16_t> out_;  // by inside endpoint
  std::unordered_map<std::uint16_t, Mapping> in_;         // by outside port
  std::uint64_t dropped_ = 0;
  Instant polled_at_;
};

}  // namespace mayfly::net
