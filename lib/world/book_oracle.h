// What the simulator reads in the book: no end may meet what another incarnation sent, and every
// connection has to end as it must.
#pragma once

#include <cstddef>
#include <cstdint>

#include "world/book.h"
#include "world/judge.h"
#include "world/scenario.h"

namespace mayfly::world {

class BookOracle {
 public:
  /// All of them outlive the oracle.
  BookOracle(const Scenario& scenario, const Book& book, Judge& judge)
      : scenario_(scenario), book_(book), judge_(judge) {}

  /// Judges what the hosts met since the last look.
  void look();
  /// When every connection is over: the incarnations from `anew` on were begun after the network
  /// had healed.
  void look_at_end(std::uint32_t anew, Instant now);

  /// May octets of another incarnation reach this one? If so that is no violation, but harm.
  bool is_promised(const Incarnation& i) const { return scenario_.keeps_promises && i.promised; }

 private:
  void look_at(const Anomaly& anomaly);
  void judge_completion(const Incarnation& i, Instant now);
  void judge_resets(const Incarnation& i, Instant now);

  const Scenario& scenario_;
  const Book& book_;
  Judge& judge_;
  std::size_t seen_ = 0;  // of the book's anomalies
};

}  // namespace mayfly::world
