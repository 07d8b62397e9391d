// The TIME_WAIT file of a server that is gone, read by one that goes on in its place
// (doc/restart.md). The file is only read: it is copied, and checked record by record as after a
// kill, whoever wrote it. Its size, capacity and core are those of its own server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "flow/flow_secret.h"
#include "tcp/time_wait.h"
#include "wire/flow_key.h"

namespace mayfly::flow {

/// An entry of another server.
struct ForeignTimeWait {
  FlowKey4 key;  ///< of IPv6 the name (FlowSecret::name), which is the same there and here
  tcp::TimeWaitEntry entry;
  Instant since;  ///< its hold began, by this process's clock
};

struct ForeignTimeWaits {
  std::vector<ForeignTimeWait> entries;  ///< in the order of the log
  std::uint64_t expired = 0;             ///< whose hold is over already
};

/// Reads a file. Both servers have the secret in common, and clocks that go by the time of day, as
/// those of a cluster do. `fingerprint` tells secrets apart (TimeWaitFileSpec::secret); `hold`: how
/// long entries are held here. An error, of usage, says why the file cannot be taken: it is none,
/// of another layout or secret, damaged, or a process works with it still.
Result<ForeignTimeWaits> read_time_waits(const std::string& path, const FlowSecret& secret,
                                         std::uint64_t fingerprint, Duration hold, Instant now);

/// Some of them on their way to a core, and what became of them.
struct ForeignBatch {
  static constexpr std::size_t kMax = 128;
  std::array<ForeignTimeWait, kMax> entries;
  std::size_t size = 0;
  std::uint32_t taken = 0;    ///< held from now on
  std::uint32_t known = 0;    ///< there is a connection or an entry with its four-tuple
  std::uint32_t expired = 0;  ///< their hold is over
  std::uint32_t refused = 0;  ///< there is no room, and time_wait.on_full evicts nobody
  std::uint32_t others = 0;   ///< another core's
};

}  // namespace mayfly::flow
