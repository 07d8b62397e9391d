// A start at a given time, which several hosts have in common (load --at).
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "nic/clock.h"

namespace mayfly::run {

/// The time of `clock` at `wall`, the time since 1970. An error of usage if that is over.
Result<Instant> instant_of(Duration wall, const nic::TscClock& clock);

/// How far this machine's clock may be off, by what the kernel knows: "clock: synchronised, off by
/// at most 3 ms", or that it is not synchronised.
std::string clock_in_words();

}  // namespace mayfly::run
