#include "nic/nd_probe.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/fd.h"
#include "wire/icmp6.h"
#include "wire/layout.h"
#include "wire/print.h"

namespace mayfly::nic {
namespace {

bool is_advertisement_of(std::span<const std::byte> frame, const Ipv6Address& asked) {
  const wire::ParsedFrame parsed = wire::overhear(frame);
  if (parsed.kind != wire::FrameKind::icmp || !parsed.is_ipv6() ||
      wire::load_u8(&frame[parsed.l4_off]) != wire::icmp6_type::neighbour_advertisement)
    return false;
  wire::Neighbour read;
  return read_neighbour(frame, parsed, read) == Drop::none && read.target == asked;
}

bool hears_advertisement(const Fd& fd, const Ipv6Address& asked,
                         std::chrono::steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          until - std::chrono::steady_clock::now())
                          .count();
    pollfd waiting{fd.get(), POLLIN, 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    std::array<std::byte, 2'048> frame;
    const ssize_t size = recv(fd.get(), frame.data(), frame.size(), 0);
    if (size > 0 &&
        is_advertisement_of(std::span(frame).first(static_cast<std::size_t>(size)), asked))
      return true;
  }
}

}  // namespace

Result<bool> answers_nd(const std::string& interface, const Ipv6Address& own,
                        const Ipv6Address& asked, std::chrono::milliseconds patience) {
  const auto failed = [&] { return Error{fmt::format("{}: {}", interface, std::strerror(errno))}; };
  const Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IPV6)));
  if (!fd.is_open()) return failed();
  ifreq hardware{};
  interface.copy(hardware.ifr_name, sizeof hardware.ifr_name - 1);
  if (ioctl(fd.get(), SIOCGIFHWADDR, &hardware) != 0) return failed();
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(ETH_P_IPV6);
  place.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) return failed();
  MacAddress mac;
  std::memcpy(mac.octets.data(), hardware.ifr_hwaddr.sa_data, mac.octets.size());
  const Ipv6Address group = wire::solicited_node(asked);
  std::array<std::byte, wire::kEthernetHeaderSize + wire::kNeighbourSizeMax> question;
  const std::size_t size =
      wire::emit_neighbour(question, {wire::group_mac(group), mac, 0},
                           {.source = own, .destination = group, .target = asked, .mac = mac});
  if (send(fd.get(), question.data(), size, 0) < 0) return failed();
  return hears_advertisement(fd, asked, std::chrono::steady_clock::now() + patience);
}

}  // namespace mayfly::nic
