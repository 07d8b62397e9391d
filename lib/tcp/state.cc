// Names of the states.
#include "tcp/state.h"

#include <array>

#include "base/assert.h"

namespace mayfly::tcp {

std::string_view name_of(State state) noexcept {
  static constexpr std::array<std::string_view, kStateCount> kNames = {
      "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
      "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
  MAYFLY_ASSERT(static_cast<std::size_t>(state) < kNames.size());
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace mayfly::tcp
