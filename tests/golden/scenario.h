// A golden scenario as it lies in cases/: the frames that arrive in a capture, and a text that says
// what the scenario shows, how its server is set, and what is to be seen on the wire.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "wire/flow_key.h"

namespace mayfly::testing {

/// A connection that the server opens itself.
struct ActiveOpen {
  FlowKey4 key;
  Duration at{};  ///< after the first frame
};

struct Scenario {
  std::string name;  ///< "time_wait/fin_again"
  std::filesystem::path capture, text;
  std::string header;             ///< the comment lines that `text` begins with
  std::string expected;           ///< the rest of it
  std::vector<std::string> sets;  ///< "close.first=server", each as given to mayfly's --set
  Duration run{};                 ///< how long to go on after the last frame
  std::optional<ActiveOpen> open;
};

/// All captures below `folder`, in the order of their names. Throws where a text lacks its header
/// or the header cannot be understood.
std::vector<Scenario> read_scenarios(const std::filesystem::path& folder);

}  // namespace mayfly::testing
