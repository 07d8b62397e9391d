// What the hazard lab counts for one policy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace mayfly::world {

/// One policy's row of the hazard ledger. Counts over the whole simulated run.
struct LedgerRow {
  std::string policy;
  std::uint64_t connections = 0;        ///< begun by the clients
  std::uint64_t completed = 0;          ///< complete and unharmed at both ends
  std::uint64_t reset_in_last_ack = 0;  ///< reason 1: a lost final ACK was answered by RST
  std::uint64_t old_data = 0;           ///< reason 2: old segments accepted as new
  std::uint64_t killed = 0;          ///< RFC 1337 H3: ended by a segment that did not belong to it
  std::uint64_t desynchronised = 0;  ///< RFC 1337 H2: the two ends never agreed again
  std::uint64_t blackholed = 0;      ///< SYNs that a live listener never answered
  std::uint64_t challenges = 0;      ///< ACKs sent in TIME_WAIT for a refused segment: not a harm
  std::uint64_t killed_after_syn = 0;  ///< TIME_WAIT entries that a newcomer's RST ended: no harm
  std::uint64_t kept_out = 0;  ///< connections whose SYN met silence, or a refusal after its reset
  std::uint64_t syns_refused = 0;     ///< SYNs of these
  Duration kept_out_longest{};        ///< from the first SYN to arrive until one was let in
  std::uint64_t peak_time_wait = 0;   ///< entries, both ends
  std::vector<LedgerRow> situations;  ///< the same by Situation; empty in those rows
  std::uint64_t harms() const {
    return reset_in_last_ack + old_data + killed + desynchronised + blackholed;
  }
};

/// Adds the counts of `more`, and takes the larger of each peak, also in its situations; `policy`
/// stays.
void add_to(LedgerRow& row, const LedgerRow& more);

}  // namespace mayfly::world
