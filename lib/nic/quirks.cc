#include "nic/quirks.h"

#include <algorithm>
#include <array>

namespace mayfly::nic {
namespace {

constexpr auto kQuirks = std::to_array<DriverQuirks>({
    {.driver = "net_memif",
     .knows_its_queues = false,
     .has_server_socket = true,
     .arguments = "id role bsize rsize socket socket-abstract mac zero-copy secret"},
    {.driver = "net_af_packet",
     .shares_host_interface = true,
     .spreads_by_itself = true,
     .rx_events = RxEvents::packet_sockets,
     .arguments = "iface qpairs blocksz framesz framecnt qdisc_bypass",
     .needs = "iface",
     .interface_arguments = "iface"},
    {.driver = "net_af_xdp",
     .shares_host_interface = true,
     .runs_xdp_program = true,
     .rx_events = RxEvents::xdp_sockets,
     .arguments = "iface start_queue queue_count shared_umem xdp_prog busy_budget force_copy",
     .needs = "iface",
     .interface_arguments = "iface"},
    {.driver = "net_virtio_user",
     .shares_memory = true,
     .socket_argument = "path",
     .listens_argument = "server",
     .arguments = "queues cq mac path queue_size iface server mrg_rxbuf in_order packed_vq speed "
                  "vectorized",
     .needs = "path"},
    {.driver = "net_vhost",
     .socket_argument = "iface",
     .connects_argument = "client",
     .arguments = "iface queues client iommu-support postcopy-support tso linear-buffer ext-buffer "
                  "legacy-ol-flags",
     .needs = "iface"},
    {.driver = "net_tap",
     .shares_host_interface = true,
     .is_kernel_end = true,
     .rx_events = RxEvents::interrupts,
     .arguments = "iface mac remote"},
    {.driver = "net_pcap",
     .shares_host_interface = true,
     .arguments = "rx_pcap tx_pcap rx_iface rx_iface_in tx_iface iface phy_mac infinite_rx",
     .needs = "rx_pcap tx_pcap rx_iface rx_iface_in tx_iface iface",
     .interface_arguments = "iface rx_iface rx_iface_in tx_iface",
     .capture_arguments = "rx_pcap"},
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
