#include "world/minimise.h"

#include <utility>

namespace mayfly::world {
namespace {

class Search {
 public:
  Search(const SimOptions& failing, const SimResult& result, std::uint32_t tries)
      : best_{failing, result, 0}, left_(tries) {
    MAYFLY_ASSERT(result.violation);
    best_.options.faults = make_scenario(failing).faults;
  }

  Result<Minimised> run() {
    while (drop_a_fault()) {
    }
    // As many as were drawn for the first traffic is fewer for the others.
    if (best_.options.connections == 0) limit_connections(connections());
    for (std::uint32_t step = connections() / 2; step > 0; step /= 2)
      while (connections() > step && limit_connections(connections() - step)) {
      }
    while (drop_a_fault()) {
    }
    if (!error_.empty()) return Error{error_};
    return std::move(best_);
  }

 private:
  bool drop_a_fault() {
    bool dropped = false;
    best_.options.faults->for_each([&](SimFault fault) {
      SimOptions fewer = best_.options;
      fewer.faults = best_.options.faults->without(fault);
      // A world without any fault is another one: see make_scenario.
      if (!fewer.faults->empty() && still_fails(fewer)) dropped = true;
    });
    return dropped;
  }

  std::uint32_t connections() const { return make_scenario(best_.options).traffic().connections; }

  bool limit_connections(std::uint32_t count) {
    SimOptions fewer = best_.options;
    fewer.connections = count;
    return still_fails(fewer);
  }

  bool still_fails(const SimOptions& options) {
    if (left_ == 0 || !error_.empty()) return false;
    --left_;
    ++best_.tried;
    auto result = live_through(options);
    if (!result) {
      error_ = result.error().what;
      return false;
    }
    if (!result->violation || result->violation->oracle != best_.result.violation->oracle)
      return false;
    best_.options = options;
    best_.result = *std::move(result);
    return true;
  }

  Minimised best_;
  std::uint32_t left_;
  std::string error_;
};

}  // namespace

Result<Minimised> minimise(const SimOptions& failing, const SimResult& result,
                           std::uint32_t tries) {
  return Search(failing, result, tries).run();
}

}  // namespace mayfly::world
