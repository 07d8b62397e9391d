#include "unit/nic/frames.h"

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"

namespace mayfly::testing {

Bytes bytes_of(const std::string& text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

Bytes pattern(std::size_t n) {
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  return bytes;
}

Bytes ethernet(std::uint16_t type, std::span<const std::byte> rest) {
  Bytes frame(kLinkSize + rest.size(), std::byte{2});
  store_be16(&frame[12], type);
  std::ranges::copy(rest, frame.begin() + kLinkSize);
  return frame;
}

Bytes ipv4(std::uint8_t protocol, std::span<const std::byte> payload, Cut cut) {
  Bytes packet(20);
  packet[0] = std::byte{0x45};
  store_be16(&packet[2], static_cast<std::uint16_t>(20 + payload.size()));
  store_be16(&packet[4], cut.id);
  store_be16(&packet[6], static_cast<std::uint16_t>(cut.offset / 8 | (cut.more ? 0x2000u : 0u)));
  packet[8] = std::byte{64};
  packet[9] = std::byte{protocol};
  store_be32(&packet[12], 0xc612'0101);
  store_be32(&packet[16], 0xc612'0001);
  store_be16(&packet[10], wire::checksum_finish(wire::checksum_add(packet)));
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Bytes ports(std::uint16_t source, std::uint16_t destination) {
  Bytes header(20);
  store_be16(&header[0], source);
  store_be16(&header[2], destination);
  return header;
}

Bytes tcp_frame(const FlowKey4& key) {
  Bytes packet = ipv4(kProtocolTcp, ports(key.remote_port_host(), key.local_port_host()));
  store_be32(&packet[12], key.remote().host);
  store_be32(&packet[16], key.local().host);
  return ethernet(wire::ethertype::ipv4, packet);
}

}  // namespace mayfly::testing
