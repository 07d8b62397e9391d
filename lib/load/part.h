// One plan carried out by several processes, on as many hosts: which part is whose, and when all
// of them begin. Every host has the same file; the parts together are exactly its plan.
//
// Starts, and connections of a closed loop, are dealt out in turn (settings.h, Share). Sources are
// cut into runs of addresses, so that each host answers ARP for its own; if there are fewer
// addresses than parts, into runs of ports, and then each part needs its own link to the target.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "load/settings.h"

namespace mayfly::load {

/// Looks up a variable of the environment; nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const char*)>;

/// The most parts of a plan.
inline constexpr std::uint32_t kPartsMax = 1'024;

/// "2/3" is the second of three. "auto": as the environment says, set by mpirun (Open MPI, MPICH),
/// by srun or a job array of Slurm, or by an indexed Job of Kubernetes or GNU parallel, which do
/// not say how many there are: MAYFLY_PARTS does. An error of usage says what was expected.
Result<Share> parse_part(std::string_view text, const Environment& environment);

/// The sources of the part that these settings name. There are enough (check_part).
SourceSettings own_sources(const ClientSettings& settings) noexcept;

/// An error of usage if there are fewer sources or connections than parts.
Result<void> check_part(const ClientSettings& settings);

/// "part 2 of 3: sources 198.18.1.34 to 198.18.1.66, ports 1024 to 65535"; empty if it is the whole
/// plan.
std::string part_in_words(const ClientSettings& settings);

/// A point of time, as time since 1970: "2026-11-29T18:00:00Z", with fractions of a second if
/// wanted, "@1764439200.5" in seconds since 1970, or "+10s" from `now` on. An error of usage says
/// what was expected.
Result<Duration> parse_start_time(std::string_view text, Duration now);

}  // namespace mayfly::load
