// What the simulator reads in the book about those who are not at fault: a port that is stuck,
// greedy clients and more work than a core can do must not be their trouble, and no answer is lost
// because its client says more.
#pragma once

#include "world/book.h"
#include "world/judge.h"
#include "world/scenario.h"

namespace mayfly::world {

class FairnessOracle {
 public:
  /// All of them outlive the oracle.
  FairnessOracle(const Scenario& scenario, const Book& book, Judge& judge)
      : scenario_(scenario), book_(book), judge_(judge) {}

  /// When every connection is over.
  void look_at_end(Instant now);

 private:
  void judge_bound(const Incarnation& i, Duration bound, Instant now);
  void judge_answer(const Incarnation& i, Instant now);
  void judge_goodput(std::size_t traffic, Instant now);
  void judge_ledger(const Incarnation& i, Instant now);

  const Scenario& scenario_;
  const Book& book_;
  Judge& judge_;
};

}  // namespace mayfly::world
