// Checks of a host after each of its steps, and after the last one: no connection breaks
// an invariant, no timer is lost, TIME_WAIT is held for as long as it must and no longer, every
// frame is counted exactly once, and nothing is left at the end.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "flow/connections.h"
#include "flow/metrics.h"
#include "flow/time_waits.h"
#include "net/simulation.h"
#include "tcp/invariants.h"
#include "world/book_oracle.h"
#include "world/judge.h"
#include "world/scenario.h"

namespace mayfly::world {

class HostOracle final : public net::HostWatch {
 public:
  /// All of them outlive the oracle. `ipv6`: the family of the host.
  HostOracle(const HostPlan& plan, bool ipv6, BookOracle& book, Judge& judge);

  void started(const flow::Connections& connections, const flow::TimeWaits& time_waits,
               const flow::ShardStats& stats) override;
  void polled(Instant now) override;
  void time_wait_begun(const FlowKey4& key, Instant now);
  /// A new incarnation stands: what was held of the old one may go (RFC 9293 MAY-2).
  void opened(const FlowKey4& key);
  /// When every connection is over and every hold has ended.
  void look_at_end(Instant now);

 private:
  struct Held {
    FlowKey4 key;
    Instant until;
  };
  struct BlockShadow {
    std::uint32_t generation = 0;  // of the block
    tcp::ConnectionShadow connection;
  };

  void look_at_block(std::uint32_t index, bool every_step, Instant now);
  void look_at_holds(Instant now);
  void look_at_frames(Instant now);
  std::optional<Instant> end_of(const FlowKey4& key, Instant now) const;
  std::uint64_t ended_early() const;
  std::uint64_t reopened() const;
  void violated(Instant now, const char* oracle, std::string what);

  const HostPlan& plan_;
  const bool ipv6_;
  BookOracle& book_;
  Judge& judge_;
  bool knows_hold_;
  const flow::Connections* connections_ = nullptr;
  const flow::TimeWaits* time_waits_ = nullptr;
  const flow::ShardStats* stats_ = nullptr;
  std::vector<BlockShadow> shadows_;  // by block
  std::uint32_t next_block_ = 0;
  std::deque<Held> held_;           // in the order of their ends, as all are held equally long
  std::uint64_t missed_early_ = 0;  // of those that ended early, how many were found missing
};

}  // namespace mayfly::world
