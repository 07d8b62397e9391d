// The state of a port's link, as its device or the kernel has it.
#pragma once

#include <cstdint>
#include <string_view>

namespace mayfly::nic {

enum class LinkState : std::uint8_t {
  up,
  no_carrier,  ///< nothing at the other end, or that end is down
  down,        ///< the kernel's interface is switched off
  gone,        ///< the kernel's interface is not there any more; nothing brings the device back
};

/// "up", "no_carrier", "down" or "gone".
constexpr std::string_view name_of(LinkState state) {
  constexpr std::string_view names[] = {"up", "no_carrier", "down", "gone"};
  return names[static_cast<std::size_t>(state)];
}

struct LinkReading {
  LinkState state = LinkState::up;
  std::uint32_t mtu = 0;  ///< of the device; 0 = it does not say
  bool operator==(const LinkReading&) const = default;
};

}  // namespace mayfly::nic
