#include "nic/quirks.h"

#include <algorithm>
#include <array>

namespace mayfly::nic {
namespace {

constexpr auto kQuirks = std::to_array<DriverQuirks>({
    {.driver = "net_memif", .knows_its_queues = false, .has_server_socket = true},
    {.driver = "net_af_packet", .shares_host_interface = true, .spreads_by_itself = true},
    {.driver = "net_af_xdp", .shares_host_interface = true},
    {.driver = "net_tap", .shares_host_interface = true},
    {.driver = "net_pcap", .shares_host_interface = true},
});

constexpr DriverQuirks kNone;

}  // namespace

std::span<const DriverQuirks> driver_quirks() noexcept { return kQuirks; }

const DriverQuirks& quirks_of(std::string_view name) noexcept {
  const auto found = std::ranges::find_if(
      kQuirks, [&](const DriverQuirks& quirks) { return name.starts_with(quirks.driver); });
  return found != kQuirks.end() ? *found : kNone;
}

}  // namespace mayfly::nic
