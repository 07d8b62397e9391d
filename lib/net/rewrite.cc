#include "net/rewrite.h"

#include <array>

#include "base/endian.h"
#include "wire/ethernet.h"
#include "wire/layout.h"
#include "wire/options.h"
#include "wire/segment.h"

namespace mayfly::net {
namespace {

constexpr std::size_t kIpAt = wire::kEthernetHeaderSize;

/// Stores `value` at `tcp` + `at`; the header's checksum follows, whatever the alignment.
void store_in_tcp(std::byte* tcp, std::size_t at, std::uint32_t value) noexcept {
  const std::size_t first = at & ~std::size_t{1};
  std::array<std::uint16_t, 3> before;
  const std::size_t words = (at - first + sizeof value + 1) / 2;
  for (std::size_t i = 0; i < words; ++i) before[i] = load_be16(tcp + first + 2 * i);
  store_be32(tcp + at, value);
  for (std::size_t i = 0; i < words; ++i)
    patch_checksum(tcp + wire::tcp_at::checksum, before[i], load_be16(tcp + first + 2 * i));
}

/// The timestamps option of a segment.
struct Stamps {
  std::byte* tcp = nullptr;
  std::size_t kind_at = 0;  // from `tcp` on; 0 = it has none
};

Stamps find_timestamps(std::span<std::byte> frame) noexcept {
  Stamps found;
  const std::size_t tcp_offset = tcp_header_of(frame);
  if (tcp_offset == 0) return found;
  found.tcp = &frame[tcp_offset];
  const std::size_t header =
      std::size_t{wire::load_u8(found.tcp + wire::tcp_at::data_offset)} / 16 * 4;
  if (header < wire::kTcpHeaderSizeMin || tcp_offset + header > frame.size()) return found;
  const auto options =
      frame.subspan(tcp_offset + wire::kTcpHeaderSizeMin, header - wire::kTcpHeaderSizeMin);
  wire::walk_options(options, [&](std::uint8_t kind, std::span<const std::byte> option) {
    if (kind == wire::tcp_option_kind::timestamps &&
        option.size() == wire::tcp_option_size::timestamps)
      found.kind_at = static_cast<std::size_t>(option.data() - found.tcp);
  });
  return found;
}

}  // namespace

std::size_t tcp_header_of(std::span<const std::byte> frame) noexcept {
  constexpr std::size_t kTcp6At = kIpAt + wire::kIpv6HeaderSize;
  if (frame.size() >= kTcp6At + wire::kTcpHeaderSizeMin &&
      load_be16(&frame[wire::ethernet_at::type]) == wire::ethertype::ipv6)
    return wire::load_u8(&frame[kIpAt + wire::ipv6_at::next_header]) == wire::ip_protocol::tcp
               ? kTcp6At
               : 0;
  if (frame.size() < kIpAt + wire::kIpv4HeaderSizeMin + wire::kTcpHeaderSizeMin ||
      load_be16(&frame[wire::ethernet_at::type]) != wire::ethertype::ipv4)
    return 0;
  constexpr std::uint16_t kFragment =
      wire::ipv4_fragment::more_fragments | wire::ipv4_fragment::offset_mask;
  const std::byte* const ip = &frame[kIpAt];
  const std::size_t header = (wire::load_u8(ip) & 0xfu) * 4;
  if (wire::load_u8(ip + wire::ipv4_at::protocol) != wire::ip_protocol::tcp ||
      header < wire::kIpv4HeaderSizeMin ||
      (load_be16(ip + wire::ipv4_at::fragment) & kFragment) != 0 ||
      frame.size() < kIpAt + header + wire::kTcpHeaderSizeMin)
    return 0;
  return kIpAt + header;
}

void patch_checksum(std::byte* at, std::uint16_t old_word, std::uint16_t new_word) noexcept {
  std::uint32_t sum = static_cast<std::uint16_t>(~load_be16(at));
  sum += static_cast<std::uint16_t>(~old_word);
  sum += new_word;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store_be16(at, static_cast<std::uint16_t>(~sum));
}

void shift_timestamps(std::span<std::byte> frame, std::uint32_t to_val,
                      std::uint32_t to_ecr) noexcept {
  const Stamps stamps = find_timestamps(frame);
  if (stamps.kind_at == 0) return;
  const std::size_t val_at = stamps.kind_at + 2;
  store_in_tcp(stamps.tcp, val_at, load_be32(stamps.tcp + val_at) + to_val);
  if ((wire::load_u8(stamps.tcp + wire::tcp_at::flags) & wire::tcp_flag::ack) != 0)
    store_in_tcp(stamps.tcp, val_at + 4, load_be32(stamps.tcp + val_at + 4) + to_ecr);
}

void blank_timestamps(std::span<std::byte> frame) noexcept {
  constexpr std::uint32_t kNops = 0x0101'0101;
  const Stamps stamps = find_timestamps(frame);
  if (stamps.kind_at == 0 ||
      (wire::load_u8(stamps.tcp + wire::tcp_at::flags) & wire::tcp_flag::syn) != 0)
    return;
  // Ten octets: the last two stores overlap.
  for (const std::size_t at : {0, 4, 6}) store_in_tcp(stamps.tcp, stamps.kind_at + at, kNops);
}

}  // namespace mayfly::net
