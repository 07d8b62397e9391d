#include "nic/arp_probe.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace mayfly::nic {
namespace {

using std::chrono::steady_clock;

ether_arp request_of(const ifreq& hardware, Ipv4Address own, Ipv4Address asked) {
  ether_arp arp{};
  arp.arp_hrd = htons(ARPHRD_ETHER);
  arp.arp_pro = htons(ETHERTYPE_IP);
  arp.arp_hln = sizeof arp.arp_sha;
  arp.arp_pln = sizeof arp.arp_spa;
  arp.arp_op = htons(ARPOP_REQUEST);
  const std::uint32_t from = htonl(own.host), to = htonl(asked.host);
  std::memcpy(arp.arp_sha, hardware.ifr_hwaddr.sa_data, sizeof arp.arp_sha);
  std::memcpy(arp.arp_spa, &from, sizeof from);
  std::memcpy(arp.arp_tpa, &to, sizeof to);
  return arp;
}

bool is_answer(const ether_arp& arp, Ipv4Address asked) {
  const std::uint32_t from = htonl(asked.host);
  return ntohs(arp.arp_op) == ARPOP_REPLY && std::memcmp(arp.arp_spa, &from, sizeof from) == 0;
}

bool hears_answer(const Fd& fd, Ipv4Address asked, steady_clock::time_point until) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now()).count();
    pollfd waiting{fd.get(), POLLIN, 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    ether_arp arp{};
    if (recv(fd.get(), &arp, sizeof arp, 0) == static_cast<ssize_t>(sizeof arp) &&
        is_answer(arp, asked))
      return true;
  }
}

}  // namespace

Result<bool> answers_arp(const std::string& interface, Ipv4Address own, Ipv4Address asked,
                         std::chrono::milliseconds patience) {
  const auto failed = [&] { return Error{fmt::format("{}: {}", interface, std::strerror(errno))}; };
  const Fd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP)));
  if (!fd.is_open()) return failed();
  ifreq hardware{};
  interface.copy(hardware.ifr_name, sizeof hardware.ifr_name - 1);
  if (ioctl(fd.get(), SIOCGIFHWADDR, &hardware) != 0) return failed();
  sockaddr_ll everybody{};
  everybody.sll_family = AF_PACKET;
  everybody.sll_protocol = htons(ETH_P_ARP);
  everybody.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  everybody.sll_halen = ETH_ALEN;
  const auto* address = reinterpret_cast<const sockaddr*>(&everybody);
  if (bind(fd.get(), address, sizeof everybody) != 0) return failed();
  std::memset(everybody.sll_addr, 0xff, ETH_ALEN);
  const ether_arp request = request_of(hardware, own, asked);
  if (sendto(fd.get(), &request, sizeof request, 0, address, sizeof everybody) < 0) return failed();
  return hears_answer(fd, asked, steady_clock::now() + patience);
}

}  // namespace mayfly::nic
