// Asks for an IPv6 neighbour over an interface that the kernel still has.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "wire/ipv6_address.h"

namespace mayfly::nic {

/// As answers_arp, by neighbour discovery (RFC 4861 7.2).
Result<bool> answers_nd(const std::string& interface, const Ipv6Address& own,
                        const Ipv6Address& asked, std::chrono::milliseconds patience);

}  // namespace mayfly::nic
