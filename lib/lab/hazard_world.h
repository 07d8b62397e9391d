// One policy and one kind of client on a simulated network: a server, the clients, a NAT if the
// kind has one, and a path between them that loses, doubles, delays and keeps old duplicates.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/result.h"
#include "lab/hazard_client.h"
#include "lab/hazard_ledger.h"
#include "lab/hazard_server.h"
#include "net/nat.h"
#include "net/simulation.h"

namespace mayfly {

enum class HazardKind : std::uint8_t {
  stamped,    ///< short exchanges, with timestamps if the policy's settings have them
  unstamped,  ///< without; some upload faster than the ISN clock runs (RFC 6528: 250 kB/s)
  nat,        ///< many hosts behind one address, each with a timestamp clock of its own
};

class HazardWorld {
 public:
  /// The EAL must run. One world at a time: its tables have names. `pair` outlives the world.
  static Result<std::unique_ptr<HazardWorld>> create(const HazardSettings& settings,
                                                     const LabPair& pair, HazardKind kind);

  /// Until every incarnation is over and every old duplicate has arrived.
  void run() noexcept;
  /// Adds what there was to the row; peak_time_wait is raised to it.
  void add_to(LedgerRow& row) const noexcept;

 private:
  struct Group;  // hosts with the same plan

  HazardWorld(const HazardSettings& settings, const LabPair& pair, HazardKind kind);
  void populate(std::uint32_t connections);
  void add(const HazardPlan& plan, const Group& group);
  void build_nat();
  Result<bool> build_server(const HazardSettings& settings);
  Result<bool> build_client();
  void watch(std::span<const std::byte> frame, bool sent) noexcept;
  std::uint32_t incarnation_at(const Endpoint& seen_by_server) const noexcept;

  const LabPair& pair_;
  HazardKind kind_;
  Prng random_;
  Simulation simulation_;
  ShardSettings server_settings_, client_settings_;
  HazardLedger ledger_;
  HazardServer server_app_;
  HazardClient client_app_;
  std::unique_ptr<Nat> nat_;
  std::unique_ptr<ShardHost<HazardServer>> server_;
  std::unique_ptr<ShardHost<HazardClient>> client_;
  std::unordered_map<std::uint64_t, std::size_t> tuples_;  // by the client's endpoint
};

}  // namespace mayfly
