// Names of hosts, before a run.
#pragma once

#include <string>

#include "base/result.h"
#include "wire/flow_key.h"

namespace mayfly::run {

/// The first IPv4 address that the system's resolver (getaddrinfo) knows for `name`; an error says
/// why there is none. Blocks until the resolver has an answer.
Result<Ipv4Address> resolve_name(const std::string& name);

}  // namespace mayfly::run
