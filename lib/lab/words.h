// Texts of the lab's files: the stories of the tour, the harms of the ledger, and the form of
// figures.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "lab/result.h"
#include "load/words.h"

namespace mayfly::lab {

/// A measured count or rate, as the page shows it too: 1234.6 is "1,235"; below one it keeps two
/// places, so that it is not mistaken for zero.
inline std::string shown(double value) {
  return value > 0 && value < 1 ? fmt::format("{:.2f}", value) : load::grouped(std::round(value));
}

/// A story of the tour.
struct Story {
  std::uint8_t number = 0;
  std::string_view title;
  std::string_view words;  ///< what is run, and what it shows
};

inline constexpr std::array<Story, 6> kStories{{
    {1, "The disease at the server",
     "The server closes first, so each connection leaves an entry there for the whole hold. Rate "
     "times hold is more than the table has room for: it fills, refuses new connections, and then "
     "the old entries end all at once. Throughput collapses and then swings."},
    {2, "The disease at the client",
     "The client closes first and has one address. Each connection keeps a source for the "
     "whole hold, so the rate settles at sources / hold, whatever is offered."},
    {3, "Cure A: the client closes first",
     "The end that closes first holds TIME_WAIT. With many clients each of them holds few "
     "entries, and the server none. With few clients the sources are the limit again."},
    {4, "Cure B: parameters in balance",
     "Entries = rate times hold. The rate is flat while that product is below the capacity, and "
     "not beyond it. A controller sets the hold to what the table has room for."},
    {5, "Cure C: other rules",
     "The same server, table and load, with the protocol's rules changed: reopen, recycle, evict, "
     "close with RST, hold nothing. Each raises throughput; the ledger below shows the harm."},
    {6, "The way out that the standard gives",
     "One client address, one server port, and a hold of a minute that is really held: ports / "
     "hold would allow 1,075 connections a second. But a SYN with a newer timestamp opens its "
     "four-tuple again (RFC 6191), so every one of them comes again after an eighth of a second, "
     "and no TIME_WAIT is given up for it."},
}};

/// A situation in words.
struct SituationWords {
  std::string_view title;
  std::string_view who;        ///< whose situation it is, one sentence
  std::string_view simulated;  ///< what the simulator does in it
};

/// By world::Situation.
inline constexpr std::array<SituationWords, world::kSituationCount> kSituationWords{{
    {"Many clients, each with many ports",
     "A public server: its clients are many and unknown, and a four-tuple does not come again "
     "soon.",
     "256 client addresses, each four-tuple once, two connections a second; a middlebox blanks the "
     "timestamps of a quarter of the clients."},
    {"Few clients, whose ports come again",
     "A server behind a load balancer or a crawler: few addresses open all connections, so that "
     "four-tuples come again within the hold.",
     "132 four-tuples that come again at once, with and without timestamps; clients that are "
     "replaced three times, with other sequence numbers and another clock; uploads faster than the "
     "ISN clock."},
    {"Many hosts behind a NAT",
     "Offices, mobile carriers, container hosts: one address, whose ports are given to another "
     "host "
     "with another clock.",
     "A NAT without port reuse, one that gives 16 ports to 24 hosts again after a second, and two "
     "balancers that keep their clients' ports, so that two hosts have the same four-tuple in "
     "turn."},
    {"A proxy with few upstreams",
     "It is the client: it closes first and holds, and its ports to each upstream are the limit.",
     "One address with 64 ports, two servers; the client closes first under every policy, and "
     "follows what the policy says for the end that does."},
    {"A network that loses and reorders",
     "Wireless and long paths: last ACKs are lost, and old duplicates arrive late.",
     "As few clients, with five times the loss and duplicates and ten times the reordering."},
}};

/// A kind of harm in the ledger.
struct Harm {
  std::string_view key;  ///< in the JSON; also the name of the member
  std::string_view title;
  std::string_view meaning;
  std::string_view clause;
  std::uint64_t world::LedgerRow::*count;
};

// clang-format off
inline constexpr std::array<Harm, 5> kHarms{{
    {"reset_in_last_ack", "Reset in LAST_ACK",
     "The last ACK was lost and no TIME_WAIT was left to send it again: the peer's "
     "repeated FIN was answered by an RST, an error for a connection that had ended well.",
     "RFC 9293 3.10.7.4", &world::LedgerRow::reset_in_last_ack},
    {"old_data", "Old data accepted",
     "A delayed segment of an earlier incarnation was accepted as data of the new one.",
     "RFC 1337 H1", &world::LedgerRow::old_data},
    {"killed", "Killed",
     "A connection was ended by a segment that did not belong to it.",
     "RFC 1337 H3", &world::LedgerRow::killed},
    {"desynchronised", "Desynchronised",
     "The two ends no longer agreed on their sequence numbers, and each refused what the other "
     "sent.",
     "RFC 1337 H2", &world::LedgerRow::desynchronised},
    {"blackholed", "Never answered",
     "A live listener silently dropped every SYN of a client, until the client gave up.",
     "RFC 7323 B.2", &world::LedgerRow::blackholed},
}};
// clang-format on

}  // namespace mayfly::lab
