// Names of hosts, before a run.
#pragma once

#include <string>

#include "base/result.h"
#include "config/machine.h"

namespace mayfly::run {

/// The first address of each family that the system's resolver (getaddrinfo) has for `name` and
/// that a network device can reach; an error says why there is none. Blocks until the resolver has
/// an answer.
Result<config::HostAddresses> resolve_name(const std::string& name);

}  // namespace mayfly::run
