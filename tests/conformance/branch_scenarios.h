// Decisions that no single segment in a fixed situation reaches: options, closes, timers, ICMP and
// what needs a history. Each scenario says which decisions it is to pass through.
#pragma once

#include <span>

#include "state_rows/row.h"

namespace mayfly::testing {

struct Scenario {
  const char* name;
  Passing by;
  void (*act)();  ///< the steps, with their expectations
};

std::span<const Scenario> opening_scenarios();
std::span<const Scenario> text_scenarios();
std::span<const Scenario> loss_scenarios();
std::span<const Scenario> closing_scenarios();
std::span<const Scenario> timer_scenarios();

}  // namespace mayfly::testing
