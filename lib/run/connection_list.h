// The list of connections and TIME_WAIT entries for a caller of the API: filtered, in pages, from
// the cores by request.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>

#include "admin/actions.h"
#include "base/result.h"
#include "base/time.h"
#include "flow/listing.h"

namespace mayfly::run {

/// The cores that are asked.
struct ListedCores {
  std::size_t cores = 0;
  /// See Engine::list.
  std::function<bool(std::size_t core, flow::Listing&, std::chrono::microseconds)> list;
  std::function<Instant()> now;
};

/// Those of an engine, which outlives them, as the clock does.
template <class Engine, class Clock>
ListedCores listed_cores(Engine& engine, const Clock& clock) {
  return {engine.cores().size(),
          [&engine](std::size_t core, flow::Listing& listing, std::chrono::microseconds patience) {
            return engine.list(core, listing, patience);
          },
          [&clock] { return clock.now(); }};
}

/// A page. `query` has `state`, `peer`, `port`, `limit` and `cursor`, all optional; doc/control.md
/// describes them and the answer. Takes some 50 ms at most, so a page may have few or none and a
/// next one. An error of the kind `usage` says what is wrong with the query.
Result<nlohmann::ordered_json> list_connections(const ListedCores& cores,
                                                const admin::Actions::Query& query);

}  // namespace mayfly::run
