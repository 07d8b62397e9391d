#include "world/handshake_tap.h"

#include "base/endian.h"
#include "net/family.h"
#include "net/rewrite.h"
#include "wire/layout.h"

namespace mayfly::world {

HandshakeTap::HandshakeTap(World& world, std::size_t server)
    : world_(world), server_(world.hosts()[server]) {
  MAYFLY_ASSERT(server_.plan.is_server);
  server_.host->port().set_tap(
      [this](std::span<const std::byte> frame, bool sent, Instant now) { see(frame, sent, now); });
}

// With on_full: refuse a full table keeps new four-tuples out.
bool HandshakeTap::has_room() const {
  const auto& shard = server_.host->shard();
  return !shard.time_waits().would_overfill(static_cast<std::uint32_t>(shard.open_connections()));
}

void HandshakeTap::see(std::span<const std::byte> frame, bool sent, Instant now) {
  const std::size_t tcp_offset = net::tcp_header_of(frame);
  if (tcp_offset == 0) return;
  const net::AddressPair ends = net::addresses_in(frame);
  const std::byte* const tcp = &frame[tcp_offset];
  const net::Endpoint source{ends.source, load_be16(tcp + wire::tcp_at::source_port)};
  const net::Endpoint destination{ends.destination,
                                  load_be16(tcp + wire::tcp_at::destination_port)};
  const auto client = world_.client_behind(sent ? destination : source);
  if (!client) return;
  Book& book = world_.book();
  const std::uint32_t index =
      book.latest(client->ip, client->port, sent ? source.ip : destination.ip);
  if (index == kNoIndex || book[index].client.ended) return;
  const Incarnation& i = book[index];
  const std::uint8_t flags = wire::load_u8(tcp + wire::tcp_at::flags);
  const bool has_syn = (flags & wire::tcp_flag::syn) != 0;
  const bool has_ack = (flags & wire::tcp_flag::ack) != 0;
  Admission& admission = book[index].admission;
  if (sent) {
    const Seq acknowledged{load_be32(tcp + wire::tcp_at::ack)};
    admission.on_answer(has_syn && has_ack && acknowledged == i.iss + 1, now);
  } else if ((flags & wire::tcp_flag::rst) != 0) {
    admission.on_reset();
  } else if (has_syn && !has_ack && Seq{load_be32(tcp + wire::tcp_at::seq)} == i.iss) {
    admission.on_syn(now, has_room());
  } else if (has_ack && !has_syn && !i.server.opened && !has_room()) {
    admission.on_turned_back(now);
  }
}

}  // namespace mayfly::world
