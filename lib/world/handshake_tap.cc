#include "world/handshake_tap.h"

#include "base/endian.h"
#include "net/rewrite.h"
#include "wire/layout.h"

namespace mayfly::world {

HandshakeTap::HandshakeTap(World& world, std::size_t server) : world_(world) {
  MAYFLY_ASSERT(server < world.hosts().size() && world.hosts()[server].plan.is_server);
  world.hosts()[server].host->port().set_tap(
      [this](std::span<const std::byte> frame, bool sent, Instant) { see(frame, sent); });
}

void HandshakeTap::see(std::span<const std::byte> frame, bool sent) {
  const std::size_t tcp_offset = net::tcp_header_of(frame);
  if (tcp_offset == 0) return;
  const std::byte* const ip = &frame[wire::kEthernetHeaderSize];
  const std::byte* const tcp = &frame[tcp_offset];
  const net::Endpoint source{{load_be32(ip + wire::ipv4_at::source)},
                             load_be16(tcp + wire::tcp_at::source_port)};
  const net::Endpoint destination{{load_be32(ip + wire::ipv4_at::destination)},
                                  load_be16(tcp + wire::tcp_at::destination_port)};
  const auto client = world_.client_behind(sent ? destination : source);
  if (!client) return;
  Book& book = world_.book();
  const std::uint32_t index =
      book.latest(client->ip, client->port, sent ? source.ip : destination.ip);
  if (index == kNoIndex || book[index].client.ended) return;
  Incarnation& i = book[index];
  const bool opens = (wire::load_u8(tcp + wire::tcp_at::flags) &
                      (wire::tcp_flag::syn | wire::tcp_flag::ack)) == wire::tcp_flag::syn;
  if (sent && i.syn_arrived) i.answered = true;
  if (!sent && opens && Seq{load_be32(tcp + wire::tcp_at::seq)} == i.iss) i.syn_arrived = true;
}

}  // namespace mayfly::world
