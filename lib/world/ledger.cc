#include "world/ledger.h"

#include <algorithm>

namespace mayfly::world {
namespace {

/// One end of an incarnation, and what it was to do.
struct End {
  const EndView& view;
  std::uint32_t expected;  ///< octets
  bool resets;             ///< it closes with RST, as planned

  /// It ended with RST, and on purpose.
  bool aborted() const noexcept {
    return resets && view.ended && !view.gave_up && view.reason == flow::CloseReason::aborted;
  }
};

End client_of(const Incarnation& i) noexcept {
  return {i.client, i.answer, i.parting == Parting::client_resets};
}
End server_of(const Incarnation& i) noexcept {
  return {i.server, i.request, i.parting == Parting::server_resets};
}

/// Both FINs were exchanged and only our own was not yet acknowledged: LAST_ACK or CLOSING. The RST
/// shows that no end held the TIME_WAIT that should have answered the FIN sent again.
bool is_reset_in_last_ack(const EndView& view) noexcept {
  return view.reason == flow::CloseReason::reset && view.peer_closed && view.closed;
}

/// Ended by an RST that no end meant for it, or by one that was meant but came before the text.
bool is_killed(const End& end, const End& peer) noexcept {
  const EndView& view = end.view;
  if (view.reason == flow::CloseReason::refused) return true;  // somebody listens
  if (view.reason != flow::CloseReason::reset || is_reset_in_last_ack(view)) return false;
  if (peer.view.gave_up) return false;  // that harm is counted where it began
  return !peer.aborted() || view.received < end.expected;
}

/// Never agreed again: one end waited for what did not come, or TCP gave up for it.
bool is_desynchronised(const EndView& view) noexcept {
  return view.opened && (view.gave_up || view.reason == flow::CloseReason::timed_out ||
                         view.reason == flow::CloseReason::fin_wait_2);
}

bool ended_well(const End& end, const End& peer) noexcept {
  const EndView& view = end.view;
  if (!view.opened || view.received != end.expected) return false;
  if (view.ended_well() || end.aborted()) return true;
  return view.ended && view.reason == flow::CloseReason::reset && peer.aborted();
}

/// Every client of the hazard lab is honest, and each of its connections a newcomer.
void count_kept_out(const Incarnation& i, LedgerRow& row) noexcept {
  const std::uint32_t refused = i.admission.refused();
  if (refused == 0) return;
  ++row.kept_out;
  row.syns_refused += refused;
  row.kept_out_longest =
      std::max(row.kept_out_longest, i.admission.kept_out(i.server.opened, i.client.ended_at));
}

}  // namespace

void add_to(LedgerRow& row, const Incarnation& i) noexcept {
  const End client = client_of(i), server = server_of(i);
  ++row.connections;
  count_kept_out(i, row);
  row.old_data += i.foreign;
  const bool timed_out = i.client.gave_up || i.client.reason == flow::CloseReason::timed_out;
  if (!i.client.opened && timed_out) {
    row.blackholed += i.admission.is_black_hole();
    return;
  }
  // Its client has an error, but of a server without room: it is counted as kept out.
  if (!i.server.opened && i.admission.is_turned_back()) return;
  if (is_reset_in_last_ack(i.client) || is_reset_in_last_ack(i.server)) {
    ++row.reset_in_last_ack;
  } else if (is_killed(client, server) || is_killed(server, client)) {
    ++row.killed;
  } else if (is_desynchronised(i.client) || is_desynchronised(i.server)) {
    ++row.desynchronised;
  } else if (i.foreign == 0 && ended_well(client, server) && ended_well(server, client)) {
    ++row.completed;
  }
}

void add_to(LedgerRow& row, const LedgerRow& more) {
  constexpr std::uint64_t LedgerRow::*kCounts[] = {
      &LedgerRow::connections, &LedgerRow::completed,   &LedgerRow::reset_in_last_ack,
      &LedgerRow::old_data,    &LedgerRow::killed,      &LedgerRow::desynchronised,
      &LedgerRow::blackholed,  &LedgerRow::challenges,  &LedgerRow::killed_after_syn,
      &LedgerRow::kept_out,    &LedgerRow::syns_refused};
  for (const auto count : kCounts) row.*count += more.*count;
  row.kept_out_longest = std::max(row.kept_out_longest, more.kept_out_longest);
  row.peak_time_wait = std::max(row.peak_time_wait, more.peak_time_wait);
  if (row.situations.size() < more.situations.size()) row.situations.resize(more.situations.size());
  for (std::size_t n = 0; n < more.situations.size(); ++n)
    add_to(row.situations[n], more.situations[n]);
}

void add_to(LedgerRow& row, const Book& book) {
  for (std::uint32_t index = 0; index < book.size(); ++index) add_to(row, book[index]);
  // The server has a connection that no client has: its ends never agree.
  for (const Anomaly& anomaly : book.anomalies()) {
    const bool is_alone =
        anomaly.what == Anomaly::What::unknown || anomaly.what == Anomaly::What::accepted_twice;
    row.desynchronised += is_alone;
  }
}

}  // namespace mayfly::world
