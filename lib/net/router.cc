#include "net/router.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.h"
#include "net/family.h"
#include "net/rewrite.h"
#include "wire/emit.h"
#include "wire/icmp6.h"
#include "wire/layout.h"
#include "wire/parse.h"

namespace mayfly::net {
namespace {

void put_mac(SimFrame& frame, std::size_t at, const MacAddress& mac) noexcept {
  std::memcpy(&frame.room[at], mac.octets.data(), mac.octets.size());
}

}  // namespace

Router::Router(Simulation& simulation, const RouterSettings& settings)
    : settings_(settings), random_(settings.seed), salt_(random_.next()) {
  MAYFLY_ASSERT(!settings.servers.empty());
  for (std::size_t server = 0; server < settings.servers.size(); ++server)
    present_.push_back(server);
  simulation.network().attach(port_, settings.mac, {}, settings.segment);
  simulation.add(*this);
}

void Router::set_present(std::size_t server, bool present) {
  MAYFLY_ASSERT(server < settings_.servers.size());
  const auto at = std::ranges::lower_bound(present_, server);
  const bool is_there = at != present_.end() && *at == server;
  if (present == is_there || (!present && present_.size() == 1)) return;
  if (present)
    present_.insert(at, server);
  else
    present_.erase(at);
}

void Router::poll(Instant now) noexcept {
  std::array<SimFrame*, kBurstMax> frames;
  const std::size_t n = port_.receive(frames, now);
  for (SimFrame* frame : std::span(frames).first(n)) {
    if (answer_arp(*frame) || answer_solicitation(*frame) || forward(*frame)) {
      port_.transmit(std::span(&frame, 1), now);
      continue;
    }
    ++dropped_;
    port_.release(frame);
  }
}

bool Router::answer_arp(SimFrame& frame) const noexcept {
  constexpr std::size_t kArp = wire::kEthernetHeaderSize;
  if (settings_.ipv6 || frame.length < kArp + wire::kArpPacketSize ||
      load_be16(&frame.room[wire::ethernet_at::type]) != wire::ethertype::arp)
    return false;
  const wire::ArpPacket arp = wire::read_arp(frame.bytes(), kArp);
  if (arp.operation != wire::ArpPacket::Operation::request || arp.target_ip != settings_.service)
    return false;
  frame.length = wire::emit_arp(frame.room, {arp.sender_mac, settings_.mac},
                                {wire::ArpPacket::Operation::reply, settings_.mac, arp.sender_mac,
                                 arp.target_ip, arp.sender_ip});
  return true;
}

// RFC 4861 7.2.4.
bool Router::answer_solicitation(SimFrame& frame) const noexcept {
  if (!settings_.ipv6) return false;
  const wire::ParsedFrame parsed =
      wire::parse_frame(frame.bytes(), {.mac = settings_.mac, .ipv6 = true}, {});
  wire::Neighbour asked;
  if (parsed.kind != wire::FrameKind::icmp || !parsed.is_ipv6() ||
      read_neighbour(frame.bytes(), parsed, asked) != Drop::none || asked.is_advertisement ||
      asked.target != six_of(settings_.service) || !asked.mac)
    return false;
  const wire::Neighbour answer{.source = asked.target,
                               .destination = asked.source,
                               .target = asked.target,
                               .mac = settings_.mac,
                               .flags = wire::Neighbour::kOverride | wire::Neighbour::kSolicited,
                               .is_advertisement = true};
  frame.length = emit_neighbour(frame.room, {*asked.mac, settings_.mac}, answer);
  return true;
}

// Whatever else is wrong with a segment is for its receiver to find.
bool Router::forward(SimFrame& frame) noexcept {
  const std::size_t tcp = tcp_header_of(frame.bytes());
  if (tcp == 0 || addresses_in(frame.bytes()).destination != settings_.service) return false;
  put_mac(frame, wire::ethernet_at::source, settings_.mac);
  put_mac(frame, wire::ethernet_at::destination, settings_.servers[server_of(frame.bytes(), tcp)]);
  return true;
}

std::size_t Router::server_of(std::span<const std::byte> frame, std::size_t tcp) noexcept {
  const std::uint64_t flow =
      std::uint64_t{addresses_in(frame).source.host} << 16 | load_be16(&frame[tcp]);
  const std::uint64_t hash = sprays_ ? random_.next() : Prng(flow ^ salt_).next();
  return present_[hash % present_.size()];
}

}  // namespace mayfly::net
