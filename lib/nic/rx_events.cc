#include "nic/rx_events.h"

#include <rte_ethdev.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>

namespace mayfly::nic {
namespace {

std::optional<int> family_of(RxEvents kind) {
  if (kind == RxEvents::packet_sockets) return AF_PACKET;
  if (kind == RxEvents::xdp_sockets) return AF_XDP;
  return std::nullopt;
}

}  // namespace

std::vector<int> sockets_of(int family) {
  std::vector<int> found;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failure)) {
    const std::string name = entry.path().filename();
    int number = -1, domain = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    socklen_t size = sizeof domain;
    if (getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == family)
      found.push_back(number);
  }
  std::ranges::sort(found);
  return found;
}

RxEventsFinder::RxEventsFinder(RxEvents kind) : kind_(kind) {
  if (const auto family = family_of(kind)) before_ = sockets_of(*family);
}

std::vector<int> RxEventsFinder::find(std::uint16_t port_id, std::uint32_t queues) const {
  std::vector<int> found;
  if (const auto family = family_of(kind_))
    std::ranges::set_difference(sockets_of(*family), before_, std::back_inserter(found));
  for (std::uint16_t queue = 0; needs_interrupts() && queue < queues; ++queue)
    if (const int number = rte_eth_dev_rx_intr_ctl_q_get_fd(port_id, queue); number >= 0)
      found.push_back(number);
  if (found.size() != queues) found.clear();
  return found;
}

}  // namespace mayfly::nic
