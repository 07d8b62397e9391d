// What a frame seems to be, before it is parsed: for frames that may have to be dropped by the
// thousand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/endian.h"
#include "wire/ethernet.h"
#include "wire/segment.h"

namespace mayfly::wire {

/// True for a frame, untagged or with one VLAN tag, that looks like the first segment of a TCP
/// connection: IPv4 without options, not a fragment, or IPv6 without extension headers; SYN set,
/// ACK and RST not. Nothing is checked beyond that. Never reads outside `frame`.
inline bool looks_like_syn(std::span<const std::byte> frame) noexcept {
  constexpr std::size_t kEthernet = 14, kTag = 4, kIp = 20, kIp6 = 40, kTcpFlags = 13;
  const auto is_first = [](const std::byte* tcp) {
    const auto flags = std::to_integer<std::uint8_t>(tcp[kTcpFlags]);
    return (flags & (tcp_flag::syn | tcp_flag::ack | tcp_flag::rst)) == tcp_flag::syn;
  };
  if (frame.size() < kEthernet + kIp + 20) return false;
  const std::size_t tag = load_be16(&frame[12]) == ethertype::vlan ? kTag : 0;
  if (frame.size() < kEthernet + tag + kIp + 20) return false;
  const std::byte* ip = &frame[kEthernet + tag];
  if (load_be16(ip - 2) == ethertype::ipv6)
    return frame.size() >= kEthernet + tag + kIp6 + 20 && ip[6] == std::byte{6} &&
           is_first(ip + kIp6);
  if (load_be16(ip - 2) != ethertype::ipv4 || ip[0] != std::byte{0x45} || ip[9] != std::byte{6})
    return false;
  if ((load_be16(ip + 6) & 0x3fff) != 0) return false;
  return is_first(ip + kIp);
}

}  // namespace mayfly::wire
