// `mayfly state import`: TIME_WAIT files of a server that has left for good are handed to this one,
// while it runs. The control thread reads and checks them; the cores take the entries in bounded
// pieces, each those of its own flows.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "flow/time_wait_import.h"

namespace mayfly::run {

/// The cores that take entries, and what is to be known of them.
struct ImportingCores {
  std::size_t cores = 0;
  /// Gives a core some entries, and waits. False: it does not answer.
  std::function<bool(std::size_t core, flow::ForeignBatch& batch)> take;
  /// The core that a flow's segments come to; nullopt: nobody can tell, and each core takes it.
  std::function<std::optional<std::size_t>(const FlowKey4& key)> owner;
  /// Reads a file, by the secret, the hold and the clock of this server.
  std::function<Result<flow::ForeignTimeWaits>(const std::string& path)> read;
};

/// {"files": [{"file", "taken", "expired", "known", "refused"} or {"file", "error"}], "taken",
/// "expired", "known", "refused"}. A file that cannot be taken keeps none of the others away. What
/// each core takes, as nobody knows the addresses that an IPv6 name is for, is counted once.
nlohmann::ordered_json import_time_waits(const ImportingCores& cores,
                                         const std::vector<std::string>& files);

}  // namespace mayfly::run
