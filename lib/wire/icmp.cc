#include "wire/icmp.h"

#include "base/assert.h"
#include "base/endian.h"
#include "wire/layout.h"

namespace mayfly::wire {

IcmpHeader read_icmp(std::span<const std::byte> message) noexcept {
  MAYFLY_ASSERT(message.size() >= kIcmpHeaderSize);
  return {load_u8(&message[icmp_at::type]), load_u8(&message[icmp_at::code]),
          load_be32(&message[icmp_at::rest])};
}

Drop read_quoted_segment(std::span<const std::byte> quoted, QuotedSegment& segment) noexcept {
  // RFC 792: the quote has the IP header and 8 bytes of its data: TCP's ports and sequence number.
  constexpr std::size_t kQuotedData = 8;
  if (quoted.size() < kIpv4HeaderSizeMin + kQuotedData) return Drop::icmp_malformed;
  const std::uint8_t version_ihl = load_u8(&quoted[ipv4_at::version_ihl]);
  const std::size_t header_size = (version_ihl & 0xfu) * 4;
  if (version_ihl >> 4 != 4 || header_size < kIpv4HeaderSizeMin ||
      quoted.size() < header_size + kQuotedData)
    return Drop::icmp_malformed;
  if (load_u8(&quoted[ipv4_at::protocol]) != ip_protocol::tcp) return Drop::icmp_ignored;
  const std::byte* tcp = quoted.data() + header_size;
  segment.key = FlowKey4::of(
      {load_be32(&quoted[ipv4_at::source])}, load_be16(tcp + tcp_at::source_port),
      {load_be32(&quoted[ipv4_at::destination])}, load_be16(tcp + tcp_at::destination_port));
  segment.seq = Seq{load_be32(tcp + tcp_at::seq)};
  return Drop::none;
}

}  // namespace mayfly::wire
