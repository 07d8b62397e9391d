#include "nic/exception_path.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "nic/whose.h"
#include "wire/checksum.h"
#include "wire/layout.h"

namespace mayfly::nic {
namespace {

/// What may go at once after a time without frames: what comes in a 20th of a second, so that a
/// window of TCP does.
RateLimit limit_of(const ExceptionSettings& settings) {
  return {settings.rate, std::max<std::uint32_t>(settings.rate / 20, settings.burst)};
}

/// Frames in several buffers have the headers in the first, whatever the device.
std::span<std::byte> first_bytes(rte_mbuf* f) {
  return {rte_pktmbuf_mtod(f, std::byte*), f->data_len};
}

/// What the device has found out about a frame concerns this end of it alone. Marks that say whose
/// memory it is stay.
void forget_offloads(rte_mbuf* f) {
  const bool is_open = (f->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
  if (is_open && f->nb_segs == 1) complete_checksum(first_bytes(f));
  f->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
}

/// Where the checksum is in the transport header; 0 = it has none that could be left open.
std::size_t checksum_at(std::uint8_t protocol) {
  constexpr std::size_t kOfUdp = 6;
  if (protocol == wire::ip_protocol::tcp) return wire::tcp_at::checksum;
  return protocol == wire::ip_protocol::udp ? kOfUdp : 0;
}

void complete(std::span<std::byte> transport, std::uint8_t protocol, std::uint64_t addresses) {
  const std::size_t at = checksum_at(protocol);
  if (at == 0 || transport.size() < at + 2) return;
  store_be16(&transport[at], 0);
  const std::uint16_t sum =
      wire::checksum_finish(wire::checksum_add(transport, addresses + protocol + transport.size()));
  const bool is_none = sum == 0 && protocol == wire::ip_protocol::udp;  // RFC 768
  store_be16(&transport[at], is_none ? std::uint16_t{0xffff} : sum);
}

void complete_ipv4(std::span<std::byte> packet) {
  if (packet.size() < wire::kIpv4HeaderSizeMin) return;
  const std::size_t header =
      (wire::load_u8(&packet[wire::ipv4_at::version_ihl]) & 0xf) * std::size_t{4};
  const std::size_t length = load_be16(&packet[wire::ipv4_at::total_length]);
  constexpr std::uint16_t kFragment =
      wire::ipv4_fragment::more_fragments | wire::ipv4_fragment::offset_mask;
  const bool is_fragment = (load_be16(&packet[wire::ipv4_at::fragment]) & kFragment) != 0;
  if (header < wire::kIpv4HeaderSizeMin || header > length || length > packet.size() || is_fragment)
    return;
  complete(packet.first(length).subspan(header), wire::load_u8(&packet[wire::ipv4_at::protocol]),
           wire::checksum_add(packet.subspan(wire::ipv4_at::source, 8)));
}

void complete_ipv6(std::span<std::byte> packet) {
  if (packet.size() < wire::kIpv6HeaderSize) return;
  const std::size_t length = load_be16(&packet[wire::ipv6_at::payload_length]);
  if (wire::kIpv6HeaderSize + length > packet.size()) return;
  complete(packet.subspan(wire::kIpv6HeaderSize, length),
           wire::load_u8(&packet[wire::ipv6_at::next_header]),
           wire::checksum_add(packet.subspan(wire::ipv6_at::source, 32)));
}

}  // namespace

void complete_checksum(std::span<std::byte> frame) noexcept {
  if (frame.size() < wire::kEthernetHeaderSize + wire::kVlanTagSize) return;
  std::uint16_t type = load_be16(&frame[wire::ethernet_at::type]);
  std::size_t l3_off = wire::kEthernetHeaderSize;
  if (type == wire::ethertype::vlan) {
    type = load_be16(&frame[wire::ethernet_at::tagged_type]);
    l3_off += wire::kVlanTagSize;
  }
  if (type == wire::ethertype::ipv4) complete_ipv4(frame.subspan(l3_off));
  if (type == wire::ethertype::ipv6) complete_ipv6(frame.subspan(l3_off));
}

ExceptionPath::ExceptionPath(const ExceptionGroup& group, rte_mempool* pool, bool has_device)
    : group_(group),
      pool_(pool),
      kernel_(has_device ? std::make_unique<DpdkPort>(*group.kernel, 0) : nullptr),
      to_limit_(limit_of(group.settings)),
      from_limit_(limit_of(group.settings)) {}

std::uint64_t ExceptionPath::drops(Drop why) const noexcept {
  switch (why) {
    case Drop::exception_limited: return limited_.get();
    case Drop::exception_refused: return refused_.get();
    case Drop::no_buffer: return no_buffer_.get();
    default: return 0;
  }
}

std::size_t ExceptionPath::sort_out(std::span<rte_mbuf*> received) noexcept {
  std::size_t ours = 0;
  for (rte_mbuf* const f : received) {
    const Whose whose = whose_is(first_bytes(f), group_.interface);
    if (whose == Whose::kernel) {
      put_by(f);
      continue;
    }
    received[ours++] = f;
    if (whose == Whose::ours) [[likely]]
      continue;
    rte_mbuf* const copy = rte_pktmbuf_copy(f, pool_, 0, UINT32_MAX);
    if (copy == nullptr) {
      no_buffer_.add();
    } else {
      put_by(copy);
    }
  }
  return ours;
}

void ExceptionPath::put_by(rte_mbuf* frame) noexcept {
  const bool fits = rte_pktmbuf_pkt_len(frame) <= group_.frame_max;
  if (fits && rte_ring_enqueue(group_.waiting, frame) == 0) return;
  (fits ? limited_ : refused_).add();
  rte_pktmbuf_free(frame);
}

std::size_t ExceptionPath::exchange(std::span<rte_mbuf*> frames, Instant now) noexcept {
  if (rte_ring_empty(group_.waiting) == 0) give_to_kernel(now);
  const std::uint32_t most =
      std::min<std::uint32_t>(from_limit_.allowed(now), group_.settings.burst);
  if (most == 0) return 0;
  const std::size_t n =
      kernel_->receive(frames.first(std::min<std::size_t>(most, frames.size())), now);
  from_limit_.spend(static_cast<std::uint32_t>(n));
  for (rte_mbuf* const f : frames.first(n)) forget_offloads(f);
  return n;
}

void ExceptionPath::give_to_kernel(Instant now) noexcept {
  std::array<rte_mbuf*, kBurstMax> frames;
  const std::uint32_t most = std::min<std::uint32_t>(
      {to_limit_.allowed(now), group_.settings.burst, static_cast<std::uint32_t>(frames.size())});
  const unsigned n = rte_ring_dequeue_burst(group_.waiting, reinterpret_cast<void**>(frames.data()),
                                            most, nullptr);
  if (n == 0) return;
  to_limit_.spend(n);
  for (rte_mbuf* const f : std::span(frames).first(n)) forget_offloads(f);
  const std::size_t taken = kernel_->transmit(std::span(frames).first(n), now);
  to_kernel_.add(taken);
  refused_.add(n - taken);
  for (rte_mbuf* const f : std::span(frames).first(n).subspan(taken)) rte_pktmbuf_free(f);
}

}  // namespace mayfly::nic
