// Keeps the first violation in a world: those that follow are seldom of use.
#pragma once

#include <string>
#include <utility>

#include "base/assert.h"
#include "base/time.h"

namespace mayfly::world {

/// What an oracle found.
struct Violation {
  Instant at;
  std::string oracle;  ///< its name: "bytes", "hold", "timer"
  std::string what;    ///< in words, with the host and the connection
};

class Judge {
 public:
  /// `now` is the simulation's clock.
  void violated(Instant now, std::string oracle, std::string what) {
    if (found_) return;
    found_ = true;
    violation_ = {now, std::move(oracle), std::move(what)};
  }
  bool found() const noexcept { return found_; }
  /// Only after something was found.
  const Violation& violation() const noexcept {
    MAYFLY_ASSERT(found_);
    return violation_;
  }

 private:
  bool found_ = false;
  Violation violation_;
};

}  // namespace mayfly::world
