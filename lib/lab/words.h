// What the lab's files say in words: the stories of the tour, the harms of the ledger, and figures
// as people read them.
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
/// places, so that it is not taken for none.
inline std::string shown(double value) {
  return value > 0 && value < 1 ? fmt::format("{:.2f}", value) : load::grouped(std::round(value));
}

struct Story {
  std::uint8_t number = 0;
  std::string_view title;
  std::string_view words;  ///< what is run and what is to be seen
};

inline constexpr std::array<Story, 5> kStories{{
    {1, "The disease at the server",
     "The server closes first, so each connection leaves it an entry for the whole hold. Rate "
     "times "
     "hold "
     "is more than the table holds: it fills, refuses what comes, and lets go of the old entries "
     "in "
     "one go. Throughput falls off a cliff and then swings."},
    {2, "The disease at the client",
     "The client closes first and has one address. Each connection keeps a source pair for the "
     "whole "
     "hold, so the rate settles at pairs / hold, whatever is offered."},
    {3, "Cure A: the client closes first",
     "TIME_WAIT goes to whoever closes first. With many clients each of them holds few entries, "
     "and "
     "the server none. With few clients the pairs are the limit again."},
    {4, "Cure B: parameters in balance",
     "Entries = rate times hold. The rate is flat while that product is below the capacity; beyond "
     "the "
     "knee it is not. A controller keeps the hold at what the table can carry."},
    {5, "Cure C: other rules",
     "The same server, table and load, with the protocol's rules changed: reopen, recycle, evict, "
     "close with RST, hold nothing. Each buys throughput; the ledger below has the price."},
}};

struct Harm {
  std::string_view key;  ///< in the JSON, and the member's name
  std::string_view title;
  std::string_view meaning;
  std::string_view clause;
  std::uint64_t world::LedgerRow::*count;
};

// clang-format off
inline constexpr std::array<Harm, 5> kHarms{{
    {"reset_in_last_ack", "Reset in LAST_ACK",
     "The last ACK was lost and nobody was there to send it again: the peer's repeated FIN was "
     "answered by an RST, an error for a connection that had ended well.",
     "RFC 9293 3.10.7.4", &world::LedgerRow::reset_in_last_ack},
    {"old_data", "Old data taken",
     "A delayed segment of an earlier incarnation was taken for data of the new one.",
     "RFC 1337 H1", &world::LedgerRow::old_data},
    {"killed", "Killed",
     "A connection was ended by a segment that was not meant for it.",
     "RFC 1337 H3", &world::LedgerRow::killed},
    {"desynchronised", "Desynchronised",
     "The two ends never agreed on their sequence numbers again and answered each other in vain.",
     "RFC 1337 H2", &world::LedgerRow::desynchronised},
    {"blackholed", "Never answered",
     "A live listener silently dropped every SYN of a client, until the client gave up.",
     "RFC 7323 B.2", &world::LedgerRow::blackholed},
}};
// clang-format on

}  // namespace mayfly::lab
