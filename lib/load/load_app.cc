#include "load/load_app.h"

#include <fmt/format.h>

#include "wire/print.h"

namespace mayfly::load {

std::string make_request(const TargetSettings& target, bool close) {
  std::string host = target.host.empty() ? to_string(target.address) : target.host;
  // RFC 9110 7.2: the port is named unless it is the default of the scheme.
  if (target.host.empty() && target.port != 80) host += fmt::format(":{}", target.port);
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", target.path, host,
                     close ? "Connection: close\r\n" : "");
}

LoadApp::LoadApp(const ClientSettings& settings, CorePart part, const SipKey& secret,
                 FlowFilter mine)
    : settings_(settings),
      close_(&settings.close),
      schedule_(settings.load, part),
      tuples_(settings.sources, settings.target, secret, mine),
      request_(make_request(settings.target, false)),
      closing_request_(make_request(settings.target, true)) {}

bool LoadApp::finished(Instant now) const noexcept {
  if (over_at_.is_never()) return false;
  const Duration drain = std::min(kDrain, settings_.load.timeout);
  return results_.counters.open == 0 || now >= over_at_ + drain;
}

const LoadResults& LoadApp::results(Instant now) noexcept {
  results_.counters.offered = schedule_.taken();
  results_.counters.behind = schedule_.behind(now);
  if (!schedule_.begun()) return results_;
  // A run that is ended by the number of connections lasts until the last of them has ended.
  const bool all_ended = schedule_.spent() && results_.counters.open == 0;
  const Instant until = std::min(schedule_.end(), all_ended ? std::max(over_at_, last_end_) : now);
  results_.ran = until - schedule_.began_at();
  return results_;
}

void LoadApp::count_start(TuplePool::Outcome outcome, Instant now) noexcept {
  schedule_.take();
  if (outcome == TuplePool::Outcome::taken) {
    ++results_.counters.opened;
    ++results_.counters.open;
    return;
  }
  if (outcome == TuplePool::Outcome::exhausted)
    ++results_.counters.port_exhausted;
  else
    ++results_.counters.failures(Failure::table_full);
  schedule_.pause(now + kRefusedPause);
}

/// The failure as which a connection that ended with `why` is counted.
Failure LoadApp::verdict_on(const LoadState& s, flow::CloseReason why) const noexcept {
  if (s.failure != Failure::none) return s.failure;
  switch (why) {
    case flow::CloseReason::refused: return Failure::refused;
    case flow::CloseReason::reset:
      return s.answered && s.server_resets ? Failure::none : Failure::reset;
    case flow::CloseReason::timed_out:
    case flow::CloseReason::evicted: return Failure::timed_out;
    case flow::CloseReason::unreachable: return Failure::unreachable;
    case flow::CloseReason::fin_wait_2: return Failure::timed_out;
    case flow::CloseReason::aborted:
      return s.answered && s.closer == shard::Closer::reset ? Failure::none
                                                            : Failure::aborted_at_end;
    case flow::CloseReason::done:
    case flow::CloseReason::time_wait: return s.answered ? Failure::none : Failure::short_body;
  }
  return Failure::aborted_at_end;  // not reached: every reason has its case
}

}  // namespace mayfly::load
