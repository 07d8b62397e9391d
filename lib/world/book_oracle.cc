#include "world/book_oracle.h"

#include <fmt/format.h>

#include <string>

namespace mayfly::world {
namespace {

/// Its peer no longer had to answer it: the peer aborted, crashed or timed out, or `end` still
/// asked for the last ACK after TIME_WAIT had ended.
bool was_late(const EndView& end, const EndView& peer, Duration hold) {
  if (peer.crashed) return true;
  if (!peer.ended) return false;
  switch (peer.reason) {
    case flow::CloseReason::aborted:
    case flow::CloseReason::evicted:
    case flow::CloseReason::timed_out:
    case flow::CloseReason::fin_wait_2: return true;
    case flow::CloseReason::time_wait: return end.ended_at >= peer.ended_at + hold;
    default: return false;
  }
}

/// Nothing was left of it but the client's TIME_WAIT. That answers the SYN-ACK for an old duplicate
/// SYN with an ACK which is right if the new ISS is the old SND.NXT - 1: both advance by about one
/// in 4 us (RFC 9293 3.4.1), so this happens. No octet can follow.
bool had_ended_at_the_server(const Incarnation& i) {
  return i.server.ended_well() && i.client.ended_well() &&
         i.client.reason == flow::CloseReason::time_wait;
}

/// The server's app had aborted it a moment ago, and a duplicate of its SYN came in the same 4 us:
/// the ISS is the same (RFC 9293 3.4.1), and the client, which has not heard the RST, acknowledges
/// the SYN-ACK as one that was sent again. An RST leaves no TIME_WAIT (RFC 9293 3.10.5).
bool was_aborted_just_now(const Incarnation& i, Instant now) {
  constexpr Duration kHandshake = Duration::from_s(1);
  return i.server.ended && i.server.reason == flow::CloseReason::aborted &&
         now - i.server.ended_at <= kHandshake;
}

bool was_reset(const EndView& view) {
  return view.opened && view.ended && view.reason == flow::CloseReason::reset;
}

}  // namespace

void BookOracle::look() {
  const auto anomalies = book_.anomalies();
  MAYFLY_ASSERT(seen_ <= anomalies.size());
  while (seen_ < anomalies.size()) look_at(anomalies[seen_++]);
}

void BookOracle::look_at(const Anomaly& anomaly) {
  using What = Anomaly::What;
  MAYFLY_ASSERT(anomaly.host < scenario_.hosts.size());
  const HostPlan& host = scenario_.hosts[anomaly.host];
  const auto violated = [&](const char* oracle, const std::string& what) {
    judge_.violated(anomaly.at, oracle, host.name + ": " + what);
  };
  if (anomaly.what == What::unknown) return violated("accepted", "a connection that nobody opened");
  const Incarnation& i = book_[anomaly.incarnation];
  switch (anomaly.what) {
    case What::unknown: break;
    case What::accepted_twice:
      // A cookie that is still good may do that (RFC 4987 3.6), and two servers of one address:
      // see EndApp::on_ghost.
      if (book_.tuple(i.tuple).is_routed && anomaly.host != i.accepted_by) break;
      if (host.settings.syn.half_open == 0 && !had_ended_at_the_server(i) &&
          !was_aborted_just_now(i, anomaly.at))
        violated("accepted", "accepted twice: " + describe(book_, i));
      break;
    case What::foreign_text:
      if (is_promised(i)) violated("bytes", "octets that were never sent to " + describe(book_, i));
      break;
    case What::early_fin:
      if (is_promised(i))
        violated("bytes", "the peer's FIN came before all of its text: " + describe(book_, i));
      break;
  }
}

void BookOracle::look_at_end(std::uint32_t anew, Instant now) {
  const bool plain = scenario_.faults.empty();
  for (std::uint32_t index = 0; index < book_.size() && !judge_.found(); ++index) {
    const Incarnation& i = book_[index];
    const bool aborts = i.parting == Parting::client_aborts || i.parting == Parting::server_aborts;
    if ((plain || index >= anew) && !aborts)
      judge_completion(i, now);
    else if (is_promised(i))
      judge_resets(i, now);
  }
}

void BookOracle::judge_completion(const Incarnation& i, Instant now) {
  if (i.client.ended_well() && i.server.ended_well()) return;
  // A handshake that finds no room for its TIME_WAIT waits. In the end it is given up, or the
  // client loses its patience, whose text is not acknowledged meanwhile (RFC 1122 4.2.3.5).
  const auto& server = scenario_.hosts[book_.tuple(i.tuple).server].settings;
  const bool may_wait = server.time_wait.on_full == flow::TimeWaitPolicy::OnFull::refuse;
  const bool waited = !i.server.opened || i.client.reason == flow::CloseReason::timed_out;
  if (may_wait && waited) return;
  judge_.violated(
      now, "completion",
      fmt::format("it ended {} at the client and {} at the server: {}", name_of(i.client.reason),
                  name_of(i.server.reason), describe(book_, i)));
}

// RFC 9293 3.6.1: whoever waits for the last ACK gets it, for as long as TIME_WAIT is held.
void BookOracle::judge_resets(const Incarnation& i, Instant now) {
  // RFC 9112 9.6: a server discards text behind its answer for a while only. What it resets then
  // has ended by `reset` at both ends.
  if (i.server.lingered) return;
  const FourTuple& tuple = book_.tuple(i.tuple);
  const auto hold_of = [&](std::size_t host) {
    return scenario_.hosts[host].settings.time_wait.hold;
  };
  const auto violated = [&](const char* what) {
    judge_.violated(now, "reset", what + describe(book_, i));
  };
  if (was_reset(i.client) && i.server.opened &&
      !was_late(i.client, i.server, hold_of(tuple.server)))
    violated("the client was reset, and the server had not given it up: ");
  if (was_reset(i.server) && !was_late(i.server, i.client, hold_of(tuple.client)))
    violated("the server was reset, and the client had not given it up: ");
}

}  // namespace mayfly::world
