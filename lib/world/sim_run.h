// One run of a seed: first with faults (safety), then the network heals, every connection that is
// still open has to end (liveness), and new connections have to succeed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/result.h"
#include "world/judge.h"
#include "world/scenario.h"
#include "world/trace.h"
#include "world/world.h"

namespace mayfly::world {

struct SimResult {
  std::optional<Violation> violation;
  std::uint64_t digest = 0, frames = 0;
  Duration simulated{};
  std::uint32_t opened = 0;     ///< connections begun
  std::uint32_t completed = 0;  ///< both ends had all that was sent to them, and both FINs
  std::uint64_t harm = 0;       ///< that met foreign octets, where no promise was broken by it
  std::uint64_t time_waits = 0, reopened = 0, restored = 0;
  std::uint64_t evicted = 0;  ///< connections ended to make room for others
  std::uint64_t stalled = 0;  ///< segments lost at a device that was stuck
  std::uint64_t shed = 0;     ///< SYNs dropped by a core that was behind
};

class SimRun {
 public:
  /// The EAL must run. One run at a time: the tables of its hosts have names. `scenario` and
  /// `trace` outlive it. Fails when there is no memory for its hosts.
  static Result<std::unique_ptr<SimRun>> create(const Scenario& scenario, Trace& trace);

  /// To the end, or to the first violation.
  SimResult run();

 private:
  SimRun(const Scenario& scenario, Trace& trace);

  void live_through_faults();
  void heal();
  void unstick();
  void finish_what_is_open();
  void open_anew();
  void rest();
  bool advance(Instant limit);
  template <class Done>
  bool run_until(Done&& done, Duration limit);
  void act_on(const Happening& happening);
  void move(const Happening& happening, const std::string& name);
  Instant now() const noexcept { return world_->simulation().now(); }
  SimResult result() const;

  const Scenario& scenario_;
  Trace& trace_;
  Judge judge_;
  std::unique_ptr<World> world_;
  std::size_t next_happening_ = 0;
  bool healed_ = false;
  std::uint32_t opened_anew_ = kNoIndex;  // from this one on, all must go well
};

/// Runs the world of `options` once. Writes what happens as text to `text` and the frames
/// to `pcap`; both may be null.
Result<SimResult> live_through(const SimOptions& options, std::FILE* text = nullptr,
                               std::shared_ptr<wire::PcapFile> pcap = nullptr);

}  // namespace mayfly::world
