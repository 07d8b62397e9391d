// The scenario of a seed: hosts and their settings, wires and their faults, what happens when, and
// what is exchanged. Every choice has its own random generator, so that all other choices stay the
// same when a fault is removed. This makes it possible to make a failing seed smaller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/simulation.h"
#include "net/wire.h"
#include "shard/shard.h"
#include "world/fault.h"
#include "world/settings.h"
#include "world/traffic.h"

namespace mayfly::world {

struct SimOptions {
  std::uint64_t seed = 1;
  std::uint32_t connections = 0;      ///< 0 = chosen by the seed
  std::optional<FaultSet> faults;     ///< nullopt = chosen by the seed (swarm)
  std::optional<EndPolicies> policy;  ///< of both ends; nullopt = chosen by the seed
  Duration duration{};                ///< of the faults; 0 = until every connection was tried
  bool no_harm = false;               ///< harm by a short TIME_WAIT is a violation too
};

/// How the NAT gives ports, if the world has one.
struct NatPlan {
  bool keeps_ports = false;
  std::uint16_t first_port = 1'024, last_port = 0xffff;
  Duration port_hold = Duration::max();  ///< as in NatSettings
};

/// A router before the servers, which have one address and the secret in common.
struct RouterPlan {
  std::uint32_t hops = 0;  ///< how many other servers one asks about an unknown flow
  bool sprays = false;     ///< each frame goes to any of them
};

struct HostPlan {
  std::string name;         ///< "server-1", "client-1"
  std::size_t number = 0;   ///< among all hosts
  std::size_t traffic = 0;  ///< of a client: what its connections carry
  flow::ShardSizes sizes;
  shard::ShardSettings settings;
  net::WireSettings wire;
  /// Of a server: its port in the second network, if it has one.
  std::optional<net::WireSettings> second_wire;
  std::uint8_t network = 0;       ///< of a client: 0 or 1
  net::Pace pace;                 ///< of its core
  std::size_t receive_queue = 0;  ///< frames at each port; 0 = any number
  double no_buffer = 0;           ///< share of allocations of frame buffers that fail
  std::uint32_t addresses = 1;    ///< of a client
  std::uint16_t first_port = 10'000, ports = 1;
  bool is_server = false, behind_nat = false;
};

/// Something that happens to a host.
struct Happening {
  enum class What : std::uint8_t {
    cut,
    uncut,
    crash,
    step_timestamps,
    stick,
    unstick,
    reshuffle,
    withdraw,
    announce,
    drain
  };
  Instant at;
  What what = What::cut;
  std::size_t host = 0;
  Duration down{};                 ///< crash: until it is back
  std::uint32_t stamps_ahead = 0;  ///< ms, modulo 2^32
  std::size_t port = 0;            ///< stick, unstick: of the host
};

struct Scenario {
  std::uint64_t seed = 0;
  FaultSet faults;
  Instant start;                      ///< of the simulated clock
  std::vector<Traffic> traffics;      ///< the first is that of the servers and their usual clients
  std::vector<HostPlan> hosts;        ///< the servers first; numbered in this order
  NatPlan nat;                        ///< with SimFault::nat
  std::optional<RouterPlan> router;   ///< with SimFault::moving_router
  bool ipv6 = false;                  ///< the family of all hosts; never with a NAT
  std::vector<Happening> happenings;  ///< in the order of time
  bool stays_stuck = false;           ///< the last stick ends when every connection is over
  Duration faults_last{};             ///< the network heals at the latest then; 0 = see SimOptions
  /// No byte of an old incarnation may reach a new one, and no end in LAST_ACK may be reset:
  /// all hosts hold TIME_WAIT for 2MSL and never lose state, or SimOptions::no_harm is set.
  bool keeps_promises = true;
  /// Nothing happens but that flows are moved: the ledger's harms are 0 (ledger.h).
  bool is_harmless = false;

  bool has(SimFault fault) const { return faults.has(fault); }
  /// The first of them.
  const Traffic& traffic() const { return traffics.front(); }
  Duration longest_hold() const;
};

Scenario make_scenario(const SimOptions& options);

/// One line about it: "2 servers, 3 clients, 40 connections, faults loss,nat".
std::string describe(const Scenario& scenario);

}  // namespace mayfly::world
