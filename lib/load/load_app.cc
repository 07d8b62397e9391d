#include "load/load_app.h"

#include <fmt/format.h>

#include <utility>

#include "wire/print.h"

namespace mayfly::load {

std::string make_request(const TargetSettings& target, bool close) {
  std::string host = target.host;
  if (host.empty()) host = target.name.empty() ? address_of(target) : target.name;
  // RFC 9110 7.2: the port is named unless it is the default of the scheme.
  if (target.host.empty() && target.port != 80) host += fmt::format(":{}", target.port);
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", target.path, host,
                     close ? "Connection: close\r\n" : "");
}

LoadApp::LoadApp(const ClientSettings& settings, Share core, const SipKey& secret, FlowFilter mine)
    : settings_(settings),
      sources_(own_sources(settings)),
      close_(&settings.close),
      schedule_(settings.load, core),
      tuples_(sources_, settings.target, secret, mine),
      challenged_(usable_sources(sources_)),
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
  // A closed loop tries again and again where it has no room: it offers nothing by that.
  const LoadCounters& c = results_.counters;
  if (schedule_.open_loop())
    results_.latency.unmade(c.offered - c.opened + c.behind,
                            static_cast<std::uint64_t>(schedule_.lateness(now).us));
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
    if (refused_in_a_row_ >= kRefusedInARow) schedule_.pause(now + refused_pause());
    return;
  }
  if (outcome == TuplePool::Outcome::exhausted)
    ++results_.counters.port_exhausted;
  else
    results_.counters.fail(Cause::no_room);
  schedule_.pause(now + kNoRoomPause);
}

void LoadApp::back_off(Instant now) noexcept {
  if (++refused_in_a_row_ >= kRefusedInARow) schedule_.pause(now + refused_pause());
}

Duration LoadApp::refused_pause() const noexcept {
  const std::uint32_t doublings = std::min(refused_in_a_row_ - kRefusedInARow, 10U);
  return std::min(kNoRoomPause * (std::int64_t{1} << doublings), kRefusedPauseMax);
}

void LoadApp::count_challenge(std::uint32_t source) noexcept {
  if (challenged_.add(source)) ++results_.counters.challenged_sources;
}

/// A connection that was open or not has failed: it waited until now, and would have waited longer.
void LoadApp::count_failure(const LoadState& s, Cause cause, Instant now) noexcept {
  results_.counters.fail(cause);
  const auto us_since = [now](Instant begin) {
    return static_cast<std::uint64_t>((now - begin).us);
  };
  if (!s.answered) results_.latency.failed(us_since(s.intended));
  if (!s.is_open) results_.connect_latency.failed(us_since(s.asked_at()));
  if (s.is_open && !s.answered) results_.request_latency.failed(us_since(s.asked_at()));
  if (cause == Cause::syn_unanswered) ++unanswered_;
  if (cause == Cause::refused || cause == Cause::unreachable) back_off(now);
}

/// Did the SYNs that nobody has answered leave at all? `silent`: the next hop, if it does not
/// answer ARP or neighbour discovery. That takes a second to show; where nothing was ever answered,
/// earlier failures have the same cause.
void LoadApp::judge_unanswered(const SilentHop& silent) noexcept {
  auto& causes = results_.counters.causes;
  std::uint64_t& unanswered = causes[static_cast<std::size_t>(Cause::syn_unanswered)];
  const std::uint64_t count =
      results_.counters.established == 0 ? unanswered : std::exchange(unanswered_, 0);
  if (!silent.is_known()) return;
  results_.silent = silent;
  unanswered -= count;
  causes[static_cast<std::size_t>(Cause::no_arp_answer)] += count;
}

Cause LoadApp::cause_of_reset(tcp::State before) noexcept {
  switch (before) {
    case tcp::State::close_wait: return Cause::reset_in_close_wait;
    case tcp::State::fin_wait_1: return Cause::reset_in_fin_wait_1;
    case tcp::State::fin_wait_2: return Cause::reset_in_fin_wait_2;
    case tcp::State::closing: return Cause::reset_in_closing;
    case tcp::State::last_ack: return Cause::reset_in_last_ack;
    default: return Cause::reset_in_established;
  }
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
