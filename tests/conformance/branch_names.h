// The names, clauses and marks of the state machine's decisions, for tests that were compiled with
// MAYFLY_BRANCH_MARKS.
#pragma once

#include <cstddef>
#include <string_view>

#include "tcp/branches.h"

namespace mayfly::testing {

constexpr std::string_view name_of(tcp::Branch branch) {
  constexpr std::string_view names[] = {
#define MAYFLY_X(name, clause, what) #name,
      MAYFLY_BRANCHES(MAYFLY_X)
#undef MAYFLY_X
  };
  return names[static_cast<std::size_t>(branch)];
}

/// The clause and what it says: "RFC 5961 4.2, a SYN in a synchronized state: challenge".
constexpr std::string_view clause_of(tcp::Branch branch) {
  constexpr std::string_view clauses[] = {
#define MAYFLY_X(name, clause, what) clause ", " what,
      MAYFLY_BRANCHES(MAYFLY_X)
#undef MAYFLY_X
  };
  return clauses[static_cast<std::size_t>(branch)];
}

/// Was the decision taken since branches_passed was last cleared?
inline bool passed(tcp::Branch branch) {
  return tcp::branches_passed[static_cast<std::size_t>(branch)];
}

}  // namespace mayfly::testing
