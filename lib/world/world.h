// A simulated world: the hosts of a scenario, each a real Shard that runs an EndApp, the wires
// between them, perhaps a NAT, and the book that their apps write. Who made it turns its clock: the
// simulator (sim_run.h) or the hazard lab (hazards.h).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/nat.h"
#include "net/router.h"
#include "net/simulation.h"
#include "world/book.h"
#include "world/book_oracle.h"
#include "world/end_app.h"
#include "world/host_oracle.h"
#include "world/judge.h"
#include "world/scenario.h"

namespace mayfly::world {

/// One host of a world.
struct WorldHost {
  const HostPlan& plan;
  std::unique_ptr<EndApp> app;
  std::unique_ptr<HostOracle> oracle;  ///< null if the host is not checked
  std::unique_ptr<net::ShardHost<EndApp>> host;
};

class World {
 public:
  /// The EAL must run. One world at a time: its tables have names. Both outlive the world. `judge`
  /// keeps what the oracles find; null = there are none. Fails when there is no memory for its
  /// hosts.
  static Result<std::unique_ptr<World>> create(const Scenario& scenario, Judge* judge);

  net::Simulation& simulation() noexcept { return simulation_; }
  const net::Simulation& simulation() const noexcept { return simulation_; }
  Book& book() noexcept { return book_; }
  const Book& book() const noexcept { return book_; }
  /// Only in a world that has a judge.
  BookOracle& book_oracle() noexcept {
    MAYFLY_ASSERT(book_oracle_);
    return *book_oracle_;
  }
  const BookOracle& book_oracle() const noexcept {
    MAYFLY_ASSERT(book_oracle_);
    return *book_oracle_;
  }
  /// Only in a world that has a router.
  net::Router& router() noexcept {
    MAYFLY_ASSERT(router_ != nullptr);
    return *router_;
  }
  /// In the order of the scenario.
  std::span<const WorldHost> hosts() const noexcept { return hosts_; }

  /// A client forgets everything but its addresses, and its secret is another one. No connection of
  /// it is open.
  void restart(std::size_t host);

  /// No connection is open, at any end and in the book.
  bool is_quiet() const;
  /// Every connection was tried, and is over.
  bool is_over() const { return book_.to_open() == 0 && is_quiet(); }
  /// The client of the endpoint that a server sees: that endpoint, or a host behind the NAT.
  /// Nothing if the NAT has no host for it.
  std::optional<net::Endpoint> client_behind(const net::Endpoint& seen) const;
  /// "client-1 2  server-1 3  ; first connection 7 ...": what is open still.
  std::string what_is_open() const;

 private:
  World(const Scenario& scenario, Judge* judge);
  Result<void> build_host(const HostPlan& plan);
  bool is_first_text(std::span<const std::byte> frame) const;
  void build_nat(const NatPlan& plan);
  void build_router(const RouterPlan& plan);
  void add_tuples();
  void add_tuples(const HostPlan& client, const HostPlan& server);
  shard::ShardConfig config_of(const HostPlan& plan);
  void join_cluster(shard::ShardConfig& config, const HostPlan& plan) const;
  tcp::Secret draw_secret(const HostPlan& plan);
  EndApp::Wiring wiring_of(const HostPlan& plan, HostOracle* oracle) const;
  std::uint32_t recognise(const FlowKey4& key, Seq irs) const;

  const Scenario& scenario_;
  Judge* judge_;
  Prng random_;
  net::Simulation simulation_;
  Book book_;
  std::optional<BookOracle> book_oracle_;
  std::unique_ptr<net::Nat> nat_;
  std::unique_ptr<net::Router> router_;
  std::optional<tcp::Secret> shared_secret_;  // of servers behind the router
  std::vector<WorldHost> hosts_;
};

}  // namespace mayfly::world
