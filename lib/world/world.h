// One seed, lived through: faults first (safety), then the network heals, then everything still
// open has to come to its end (liveness), and new connections have to go through as if nothing had
// been.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "net/nat.h"
#include "net/simulation.h"
#include "world/book.h"
#include "world/judge.h"
#include "world/scenario.h"
#include "world/swarm_host.h"
#include "world/trace.h"

namespace mayfly {

struct WorldResult {
  std::optional<Violation> violation;
  std::uint64_t digest = 0, frames = 0;
  Duration simulated{};
  std::uint32_t opened = 0;     ///< connections begun
  std::uint32_t completed = 0;  ///< both ends had all that was sent to them, and both FINs
  std::uint64_t harm = 0;       ///< that met foreign octets, where no promise was broken by it
  std::uint64_t time_waits = 0, reopened = 0, restored = 0;
};

class World {
 public:
  /// The EAL must run. One world at a time: its tables have names. `scenario` and `trace` outlive
  /// it. Fails when there is no memory for its hosts.
  static Result<std::unique_ptr<World>> create(const Scenario& scenario, Trace& trace);

  /// To the end, or to the first violation.
  WorldResult run();

 private:
  World(const Scenario& scenario, Trace& trace);
  Result<bool> build_hosts();
  Result<bool> build_host(const HostPlan& plan);
  void build_nat();
  void add_tuples();
  void hand_out_tuples();
  ShardConfig config_of(const HostPlan& plan);
  EndApp::Wiring wiring_of(const HostPlan& plan);
  std::uint32_t recognise(const FlowKey4& key, Seq irs) const;

  void live_through_faults();
  void heal();
  void finish_what_is_open();
  void open_anew();
  void rest();
  void judge_incarnations();
  void judge(const SimIncarnation& i);
  bool advance(Instant limit);
  template <class Done>
  bool run_until(Done&& done, Duration limit);
  void act_on(const Happening& happening);
  bool is_quiet() const;
  std::string what_is_open() const;
  WorldResult result() const;

  const Scenario& scenario_;
  Trace& trace_;
  Judge judge_;
  Prng random_;
  Simulation simulation_;
  Book book_;
  std::unique_ptr<Nat> nat_;
  std::vector<std::unique_ptr<EndApp>> apps_;
  std::vector<std::unique_ptr<SwarmHost>> hosts_;
  std::size_t next_happening_ = 0;
  Instant healed_at_ = Instant::never();
  std::uint32_t opened_anew_ = kNoIndex;  // from this one on, all must go well
};

}  // namespace mayfly
