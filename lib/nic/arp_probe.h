// Asks for a neighbour's address over an interface that the kernel still has.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "wire/flow_key.h"

namespace mayfly::nic {

/// Whether `asked` answers ARP within `patience`, if it is asked by `own` on the interface. An
/// error if the interface cannot be used, as without CAP_NET_RAW.
Result<bool> answers_arp(const std::string& interface, Ipv4Address own, Ipv4Address asked,
                         std::chrono::milliseconds patience);

}  // namespace mayfly::nic
