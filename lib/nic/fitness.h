// What can be said of a port before its device is opened: whether it can work at all.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "nic/settings.h"
#include "nic/unfit.h"

namespace mayfly::nic {

/// Why the port cannot work, and what to do about it; nothing if it can. Looks at this machine and
/// opens nothing. `cores`: how many will poll it. `root` is where /sys and /proc are.
std::optional<Unfit> why_unfit(const PortSettings& port, std::size_t cores,
                               const std::string& root = "");

/// What a person can do about queues of which some would not be read.
std::string unread_queues_words(std::size_t queues, std::size_t cores);

/// The interface of this machine that the device sends through; empty if it has one of its own.
std::string host_interface_of(const PortSettings& port);

/// Why a capture file cannot be read as one of Ethernet frames; nothing if it can.
std::optional<Unfit> why_capture_is_unfit(const std::string& path);

}  // namespace mayfly::nic
