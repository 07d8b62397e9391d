// A wheel with nodes of its own and a list of what fired: the vocabulary of the wheel's tests.
#pragma once

#include <utility>
#include <vector>

#include "timer/wheel.h"

namespace mayfly::testing {

struct Clockwork {
  std::vector<timer::WheelNode> nodes;
  Instant now;
  timer::TimerWheel wheel;
  std::vector<std::uint32_t> fired;

  explicit Clockwork(std::size_t count, Instant start = {})
      : nodes(count), now(start), wheel(start) {}

  timer::WheelNode& wheel_node(std::uint32_t index) noexcept { return nodes[index]; }

  void arm(std::uint32_t index, Instant deadline) { wheel.arm(*this, index, deadline); }
  void arm(std::uint32_t index, Duration delay) { arm(index, now + delay); }
  void disarm(std::uint32_t index) { wheel.disarm(*this, index); }

  /// Advances to `then` within `budget`; what fires is added to `fired`. Returns the budget used.
  std::uint32_t advance_to(Instant then, std::uint32_t budget = ~0U) {
    now = then;
    return wheel.advance(*this, now, budget,
                         [this](std::uint32_t index) { fired.push_back(index); });
  }
  std::uint32_t advance(Duration by, std::uint32_t budget = ~0U) {
    return advance_to(now + by, budget);
  }
  /// What fired since the last question.
  std::vector<std::uint32_t> taken() { return std::exchange(fired, {}); }
};

}  // namespace mayfly::testing
