#include "net/nat.h"

#include <array>
#include <cstring>

#include "base/endian.h"
#include "net/rewrite.h"
#include "wire/emit.h"
#include "wire/layout.h"

namespace mayfly::net {
namespace {

constexpr std::size_t kIp = wire::kEthernetHeaderSize;

std::uint64_t key_of(const Endpoint& endpoint) noexcept {
  return std::uint64_t{endpoint.ip.host} << 16 | endpoint.port;
}

/// Puts `endpoint` in the place of the address at `ip` + `address_at` and of the port at `tcp` +
/// `port_at`. TCP's checksum covers both, IP's the address.
void rewrite(std::byte* ip, std::size_t address_at, std::byte* tcp, std::size_t port_at,
             const Endpoint& endpoint) noexcept {
  const std::array<std::uint16_t, 2> address = {
      static_cast<std::uint16_t>(endpoint.ip.host >> 16),
      static_cast<std::uint16_t>(endpoint.ip.host & 0xffff)};
  for (std::size_t i = 0; i < address.size(); ++i) {
    std::byte* const word = ip + address_at + 2 * i;
    const std::uint16_t old_word = load_be16(word);
    patch_checksum(ip + wire::ipv4_at::checksum, old_word, address[i]);
    patch_checksum(tcp + wire::tcp_at::checksum, old_word, address[i]);
    store_be16(word, address[i]);
  }
  patch_checksum(tcp + wire::tcp_at::checksum, load_be16(tcp + port_at), endpoint.port);
  store_be16(tcp + port_at, endpoint.port);
}

}  // namespace

Nat::Nat(Simulation& simulation, const NatSettings& settings)
    : settings_(settings), polled_at_(simulation.now()) {
  MAYFLY_ASSERT(settings.inside.first <= settings.inside.last);
  MAYFLY_ASSERT(settings.inside_segment != settings.outside_segment);
  inside_.mac = settings.inside_mac;
  outside_.mac = settings.outside_mac;
  Network& network = simulation.network();
  network.attach(inside_.port, settings.inside_mac, {}, settings.inside_segment);
  network.attach(outside_.port, settings.outside_mac, settings.outside_link,
                 settings.outside_segment);
  simulation.add(*this);
}

Nat::~Nat() {
  for (Side* const side : {&inside_, &outside_})
    side->neighbours.clear([&](SimFrame* frame) { side->port.release(frame); });
}

void Nat::poll(Instant now) noexcept {
  polled_at_ = now;
  receive(inside_, outside_, now);
  receive(outside_, inside_, now);
  for (Side* const side : {&inside_, &outside_}) {
    side->neighbours.age(
        now,
        [&](Ipv4Address ip, const MacAddress* known) {
          ask(*side, ip, known, now);
          return true;
        },
        [&](SimFrame* frame) {
          stops_waiting(*side);
          drop(*side, frame);
        });
  }
}

// Only neighbours that do not answer need another look.
Instant Nat::next_due() const noexcept {
  constexpr Duration kHeartbeat = Duration::from_ms(20);
  return inside_.waiting + outside_.waiting > 0 ? polled_at_ + kHeartbeat : Instant::never();
}

void Nat::receive(Side& from, Side& to, Instant now) noexcept {
  std::array<SimFrame*, kBurstMax> frames;
  const std::size_t n = from.port.receive(frames, now);
  for (SimFrame* const frame : std::span(frames).first(n)) {
    if (load_be16(&frame->room[wire::ethernet_at::type]) == wire::ethertype::arp) {
      on_arp(from, frame, now);
      continue;
    }
    const bool leaves = &from == &inside_;
    const bool translated = leaves ? translate_out(*frame, now) : translate_in(*frame, now);
    if (!translated) {
      drop(from, frame);
      continue;
    }
    send_to(to, {load_be32(&frame->room[kIp + wire::ipv4_at::destination])}, frame, now);
  }
}

bool Nat::translate_out(SimFrame& frame, Instant now) {
  const std::size_t tcp_offset = tcp_header_of(frame.bytes());
  if (tcp_offset == 0) return false;
  std::byte* const ip = &frame.room[kIp];
  std::byte* const tcp = &frame.room[tcp_offset];
  const Endpoint source{{load_be32(ip + wire::ipv4_at::source)},
                        load_be16(tcp + wire::tcp_at::source_port)};
  const auto port = outside_port(source, now);
  if (!port) return false;
  note(in_[*port], wire::load_u8(tcp + wire::tcp_at::flags), true, now);
  rewrite(ip, wire::ipv4_at::source, tcp, wire::tcp_at::source_port, {settings_.outside, *port});
  return true;
}

bool Nat::translate_in(SimFrame& frame, Instant now) {
  const std::size_t tcp_offset = tcp_header_of(frame.bytes());
  if (tcp_offset == 0) return false;
  std::byte* const ip = &frame.room[kIp];
  std::byte* const tcp = &frame.room[tcp_offset];
  if (load_be32(ip + wire::ipv4_at::destination) != settings_.outside.host) return false;
  const auto found = in_.find(load_be16(tcp + wire::tcp_at::destination_port));
  if (found == in_.end()) return false;
  note(found->second, wire::load_u8(tcp + wire::tcp_at::flags), false, now);
  rewrite(ip, wire::ipv4_at::destination, tcp, wire::tcp_at::destination_port,
          found->second.holders.back());
  return true;
}

void Nat::note(Mapping& mapping, std::uint8_t flags, bool leaves, Instant now) noexcept {
  if (leaves && (flags & wire::tcp_flag::syn) != 0)
    mapping.fin_out = mapping.fin_in = mapping.reset = false;
  if ((flags & wire::tcp_flag::fin) != 0) (leaves ? mapping.fin_out : mapping.fin_in) = true;
  if ((flags & wire::tcp_flag::rst) != 0) mapping.reset = true;
  mapping.seen_at = now;
}

std::optional<Endpoint> Nat::inside_of(std::uint16_t outside_port) const {
  const auto found = in_.find(outside_port);
  return found == in_.end() ? std::nullopt : std::optional(found->second.holders.back());
}

std::span<const Endpoint> Nat::holders_of(std::uint16_t outside_port) const {
  const auto found = in_.find(outside_port);
  if (found == in_.end()) return {};
  return found->second.holders;
}

// A handshake that is never completed gives its port back too.
bool Nat::is_free(std::uint16_t port, Instant now) const {
  constexpr Duration kIdle = Duration::from_s(240);
  const auto found = in_.find(port);
  if (found == in_.end()) return true;
  if (settings_.port_hold == Duration::max()) return false;
  const Mapping& mapping = found->second;
  return now - mapping.seen_at >= (mapping.is_closed() ? settings_.port_hold : kIdle);
}

std::optional<std::uint16_t> Nat::free_port(const Endpoint& inside, Instant now) const {
  if (settings_.keeps_ports && is_free(inside.port, now)) return inside.port;
  for (std::uint32_t port = settings_.first_port; port <= settings_.last_port; ++port)
    if (is_free(static_cast<std::uint16_t>(port), now)) return static_cast<std::uint16_t>(port);
  return std::nullopt;
}

std::optional<std::uint16_t> Nat::outside_port(const Endpoint& inside, Instant now) {
  const auto found = out_.find(key_of(inside));
  if (found != out_.end()) return found->second;
  const auto given = free_port(inside, now);
  if (!given) return std::nullopt;
  Mapping& mapping = in_[*given];
  if (!mapping.holders.empty()) out_.erase(key_of(mapping.holders.back()));
  mapping.holders.push_back(inside);
  out_[key_of(inside)] = *given;
  MAYFLY_ASSERT(in_.size() == out_.size());  // one port outside for each inside
  return given;
}

// Outside, the NAT is a host with one address. Inside, it answers ARP for every address outside.
bool Nat::answers_for(const Side& side, Ipv4Address ip) const noexcept {
  if (&side == &outside_) return ip == settings_.outside;
  return ip < settings_.inside.first || settings_.inside.last < ip;
}

void Nat::on_arp(Side& side, SimFrame* frame, Instant now) noexcept {
  // A well-formed packet fills the frame; a damaged one is dropped by whoever reads it.
  if (frame->length < kIp + wire::kArpPacketSize) return drop(side, frame);
  const wire::ArpPacket arp = wire::read_arp(frame->bytes(), kIp);
  constexpr bool kAsksUs = true, kTrusted = true;  // it stands for everybody, and no host lies
  side.neighbours.learn({arp.sender_ip, arp.sender_mac, kAsksUs, kTrusted}, now,
                        [&](SimFrame* waiting) {
                          stops_waiting(side);
                          std::memcpy(waiting->room.data(), arp.sender_mac.octets.data(), 6);
                          transmit(side, waiting, now);
                        });
  const bool asked = arp.operation == wire::ArpPacket::Operation::request &&
                     arp.target_ip != arp.sender_ip && answers_for(side, arp.target_ip);
  if (!asked) return side.port.release(frame);
  frame->length = wire::emit_arp(
      frame->room, {arp.sender_mac, side.mac},
      {wire::ArpPacket::Operation::reply, side.mac, arp.sender_mac, arp.target_ip, arp.sender_ip});
  transmit(side, frame, now);
}

void Nat::ask(Side& side, Ipv4Address ip, const MacAddress* known, Instant now) noexcept {
  SimFrame* const frame = side.port.allocate();
  if (frame == nullptr) return;
  // RFC 5227 2.1: an address of 0 asks without telling; inside, the NAT has no address of its own.
  const Ipv4Address own = &side == &outside_ ? settings_.outside : Ipv4Address{};
  frame->length =
      wire::emit_arp(frame->room, {known != nullptr ? *known : wire::kBroadcastMac, side.mac},
                     {wire::ArpPacket::Operation::request, side.mac, {}, own, ip});
  transmit(side, frame, now);
}

void Nat::send_to(Side& side, Ipv4Address ip, SimFrame* frame, Instant now) noexcept {
  std::memcpy(&frame->room[wire::ethernet_at::source], side.mac.octets.data(), 6);
  if (const MacAddress* const mac = side.neighbours.find(ip)) {
    std::memcpy(&frame->room[wire::ethernet_at::destination], mac->octets.data(), 6);
    return transmit(side, frame, now);
  }
  bool asks = false;
  if (side.neighbours.wait(ip, frame, now, asks) != Drop::none) return drop(side, frame);
  ++side.waiting;
  if (asks) ask(side, ip, nullptr, now);
}

void Nat::transmit(Side& side, SimFrame* frame, Instant now) noexcept {
  side.port.transmit(std::span(&frame, 1), now);
}

}  // namespace mayfly::net
