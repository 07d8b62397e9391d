// The generator as an app of the stack: it opens connections on schedule, sends requests, checks
// the answers, closes as planned, and counts. One object a core.
//
// A connection is completed if all its answers arrived whole with status 2xx and it then closed as
// planned (LoadCounters::completed). Latency is measured from the intended start, not from the SYN.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <type_traits>

#include "base/assert.h"
#include "link/port.h"
#include "load/part.h"
#include "load/response.h"
#include "load/results.h"
#include "load/schedule.h"
#include "load/tuples.h"
#include "shard/app.h"
#include "tcp/state.h"

namespace mayfly::load {

/// What the generator keeps for a connection, in its AppState.
struct LoadState {
  Instant intended;  ///< when it should have started, by the schedule
  ResponseParser parser;
  std::uint32_t asked_us = 0;  ///< from `intended` to the SYN; once open, to the last request
  std::uint32_t source = 0;
  std::uint32_t answers_left = 0;
  Failure failure = Failure::none;
  shard::Closer closer = shard::Closer::server;  ///< who closes first; set at the last request
  bool is_open = false;                          ///< the handshake was completed
  bool answered : 1 = false;                     ///< all answers have arrived whole
  /// The planned end is the server's RST; set at the last request.
  bool server_resets : 1 = false;

  /// When the SYN was sent; once open, the last request.
  Instant asked_at() const noexcept { return intended + Duration{asked_us}; }
  void set_asked_at(Instant at) noexcept {
    constexpr std::int64_t kMost = 0xffff'ffff;
    asked_us = static_cast<std::uint32_t>(std::min((at - intended).us, kMost));
  }
};
static_assert(sizeof(LoadState) == sizeof(flow::AppState) &&
              std::is_trivially_copyable_v<LoadState>);

/// A request: "GET path HTTP/1.1", Host (RFC 9112 3.2) and, if `close`, `Connection: close` (9.6).
std::string make_request(const TargetSettings& target, bool close);

/// The generator of one core.
class LoadApp : public shard::AppBase {
 public:
  /// How connections are closed. New settings do not affect one whose last request has been sent.
  using Settings = shard::CloseSettings;

  /// The most starts in one poll. A generator that is late makes no more at once, so that received
  /// frames do not wait behind an endless series of SYNs.
  static constexpr std::size_t kStartsPerPoll = 64;
  /// The most while more frames wait than one poll takes. A connection brings at least three, so
  /// that a burst ends more than this begins: a generator that cannot follow its schedule falls
  /// behind it, and does not lose the answers to what it has begun.
  static constexpr std::size_t kStartsWhileFramesWait = kBurstMax / 8;
  /// Closed loop: the pause after a start that found no free source or no room in the stack.
  static constexpr Duration kNoRoomPause = Duration::from_ms(1);
  /// Closed loop: after so many connections in a row that the target has refused, one is tried at a
  /// time, with pauses that double from kNoRoomPause to kRefusedPauseMax, until one is open. A
  /// wrong port would otherwise be asked as fast as the wire carries it.
  static constexpr std::uint32_t kRefusedInARow = 8;
  static constexpr Duration kRefusedPauseMax = Duration::from_ms(100);
  /// How long connections may take after the end of the schedule; those still open then have
  /// failed.
  static constexpr Duration kDrain = Duration::from_s(5);

  /// `settings` outlives the app. `secret` keys the order of the sources. `mine` accepts the
  /// four-tuples whose answers arrive at this core.
  LoadApp(const ClientSettings& settings, Share core, const SipKey& secret, FlowFilter mine = {});
  LoadApp(const LoadApp&) = delete;
  LoadApp& operator=(const LoadApp&) = delete;

  // -- what the shard calls, see shard/app.h --
  using AppBase::listens, AppBase::next_due, AppBase::on_drain;
  template <class Conn>
  void on_open(Conn& c) noexcept;
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept;
  template <class Conn>
  void on_sent(Conn&) noexcept {}
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept;
  template <class Conn>
  void on_wake(Conn& c) noexcept;
  template <class Conn>
  void on_closed(Conn& c, flow::CloseReason why) noexcept;
  template <class Shard>
  void on_poll(Shard& shard, Instant now) noexcept;

  void on_settings(const shard::CloseSettings& close) noexcept { close_ = &close; }
  /// Starts no more connections; open ones continue.
  void stop(Instant now) noexcept { schedule_.stop(now); }
  /// True once the schedule is over, and all connections have ended or kDrain (load.timeout, if
  /// that is less) has passed. The caller then aborts those still open (Shard::abort_all) and polls
  /// once more, which counts them as aborted_at_end.
  bool finished(Instant now) const noexcept;

  /// The results until `now`. Only the polling core may call it; after the last poll, any thread.
  const LoadResults& results(Instant now) noexcept;

  // -- what any thread may call --
  /// How another thread gets a copy of the results during the run.
  ResultsExchange& exchange() noexcept { return exchange_; }

 private:
  template <class Conn>
  static LoadState& state_of(Conn& c) noexcept {
    return *std::launder(reinterpret_cast<LoadState*>(&c.state()));
  }
  template <class Shard>
  bool begin(Shard& shard, Instant now) noexcept;
  template <class Shard>
  void look_ahead(Shard& shard, std::size_t starts) noexcept;
  template <class Shard>
  TuplePool::Outcome start(Shard& shard, Instant intended, Instant now) noexcept;
  template <class Conn>
  void ask(Conn& c, LoadState& s) noexcept;
  template <class Conn>
  bool take_answer(Conn& c, LoadState& s) noexcept;
  template <class Conn>
  void close_as_planned(Conn& c, const LoadState& s) noexcept;
  template <class Conn>
  void fail(Conn& c, LoadState& s, Failure why) noexcept;

  void count_start(TuplePool::Outcome outcome, Instant now) noexcept;
  Failure verdict_on(const LoadState& s, flow::CloseReason why) const noexcept;
  template <class Conn>
  static Cause cause_of(const LoadState& s, Failure failure, const Conn& c) noexcept;
  static Cause cause_of_reset(tcp::State before) noexcept;
  void count_challenge(std::uint32_t source) noexcept;
  void count_failure(const LoadState& s, Cause cause, Instant now) noexcept;
  void judge_unanswered(const SilentHop& silent) noexcept;
  /// The first source, over IPv6.
  Ipv6Address first_source6() const noexcept { return sources_.six->with_low(sources_.first.host); }
  template <class Shard>
  SilentHop silent_hop(const Shard& shard) const noexcept {
    const TargetSettings& target = settings_.target;
    if (target.six) return {{}, shard.silent_hop(first_source6(), *target.six)};
    return {shard.silent_hop(sources_.first, target.address), {}};
  }
  template <class Shard>
  void look_for_hop(Shard& shard, Instant now) noexcept {
    const TargetSettings& target = settings_.target;
    if (target.six) return shard.look_for(first_source6(), *target.six, now);
    shard.look_for(sources_.first, target.address, now);
  }
  void back_off(Instant now) noexcept;
  Duration refused_pause() const noexcept;

  const ClientSettings& settings_;
  SourceSettings sources_;  ///< those of this part
  const shard::CloseSettings* close_;
  Schedule schedule_;
  TuplePool tuples_;
  SourceSet challenged_;  ///< sources that are counted in challenged_sources
  ResponseReader reader_;
  std::string request_, closing_request_;  ///< the second asks the server to close
  Instant over_at_ = Instant::never();     ///< when the schedule was found to be over
  Instant last_end_{};                     ///< of a connection
  std::uint32_t refused_in_a_row_ = 0;     ///< with no connection opened meanwhile
  std::uint32_t next_host_ = 0;            ///< whose connection the next one is
  bool is_waiting_ = false;                ///< for settings.load.begin_at
  std::uint64_t unanswered_ = 0;           ///< failures whose cause judge_unanswered() finds
  LoadResults results_;
  ResultsExchange exchange_;
};

template <class Shard>
void LoadApp::on_poll(Shard& shard, Instant now) noexcept {
  if (!schedule_.begun() && !begin(shard, now)) [[unlikely]] {
    if (exchange_.asked()) exchange_.give(results(now));
    return;
  }
  if (unanswered_ > 0) [[unlikely]]
    judge_unanswered(silent_hop(shard));
  const std::size_t most = shard.frames_wait() ? kStartsWhileFramesWait : kStartsPerPoll;
  std::size_t starts = 0;
  for (; starts < most && schedule_.due(now, results_.counters.open); ++starts) {
    const TuplePool::Outcome outcome = start(shard, schedule_.intended(now), now);
    if (outcome == TuplePool::Outcome::later) break;
    count_start(outcome, now);
  }
  if (starts > 0) look_ahead(shard, starts);
  if (over_at_.is_never() && schedule_.over(now)) over_at_ = now;
  if (exchange_.asked()) exchange_.give(results(now));
}

/// Begins the schedule, unless it is to begin later: until then the next hop is looked for, so that
/// the first SYN need not wait for it. False: it has not begun.
template <class Shard>
bool LoadApp::begin(Shard& shard, Instant now) noexcept {
  const Instant at = settings_.load.begin_at;
  if (now < at && !schedule_.stopped()) {
    if (!is_waiting_) look_for_hop(shard, now);
    is_waiting_ = true;
    return false;
  }
  schedule_.begin(is_waiting_ ? std::min(at, now) : now);
  return true;
}

/// The next poll will probably start as many: prefetches their buckets in the tables.
template <class Shard>
void LoadApp::look_ahead(Shard& shard, std::size_t starts) noexcept {
  std::array<FlowKey4, kBurstMax> keys;
  const std::size_t n = tuples_.peek(std::span(keys).first(std::min(starts, keys.size())));
  if (!settings_.target.six) return shard.expect(std::span<const FlowKey4>(keys).first(n));
  std::array<FlowKey6, kBurstMax> sixes;
  for (std::size_t i = 0; i < n; ++i)
    sixes[i] = six_of(keys[i], *settings_.sources.six, *settings_.target.six);
  shard.expect(std::span<const FlowKey6>(sixes).first(n));
}

template <class Shard>
TuplePool::Outcome LoadApp::start(Shard& shard, Instant intended, Instant now) noexcept {
  LoadState state;
  state.intended = intended;
  state.set_asked_at(now);
  state.answers_left = settings_.load.requests_per_connection;
  return tuples_.take([&](const FlowKey4& key, std::uint32_t source) noexcept {
    state.source = source;
    const auto words = std::bit_cast<flow::AppState>(state);
    const Instant end = now + settings_.load.timeout;
    const auto result =
        settings_.target.six
            ? shard.connect(six_of(key, *settings_.sources.six, *settings_.target.six), words, end,
                            next_host_)
            : shard.connect(key, words, end, next_host_);
    using Why = decltype(result.error);
    if (result.error == Why::none) {
      if (++next_host_ >= sources_.hosts) next_host_ = 0;
      return TuplePool::Answer::accepted;
    }
    return result.error == Why::table_full ? TuplePool::Answer::refused : TuplePool::Answer::held;
  });
}

template <class Conn>
void LoadApp::on_open(Conn& c) noexcept {
  LoadState& s = state_of(c);
  ++results_.counters.established;
  results_.connect_latency.answered(static_cast<std::uint64_t>((c.now() - s.asked_at()).us));
  if (c.was_challenged()) [[unlikely]]
    count_challenge(s.source);
  refused_in_a_row_ = 0;
  s.is_open = true;
  ask(c, s);
}

/// Sends the next request; one at a time, never pipelined.
template <class Conn>
void LoadApp::ask(Conn& c, LoadState& s) noexcept {
  MAYFLY_ASSERT(s.answers_left > 0);
  const bool is_last = s.answers_left == 1;
  if (is_last) {
    s.closer = close_->first;
    s.server_resets = close_->abort && s.closer == shard::Closer::server;
  }
  const std::string& request =
      is_last && s.closer == shard::Closer::server ? closing_request_ : request_;
  s.set_asked_at(c.now());
  if (c.send(std::as_bytes(std::span(request))) == 0) return fail(c, s, Failure::table_full);
  ++results_.counters.requests;
}

template <class Conn>
std::size_t LoadApp::on_data(Conn& c, std::span<const std::byte> text) noexcept {
  using Outcome = ResponseParser::Outcome;
  LoadState& s = state_of(c);
  results_.counters.bytes += text.size();
  std::size_t used = 0;
  const Outcome outcome = s.answered ? Outcome::malformed : reader_.read(s.parser, text, used);
  MAYFLY_ASSERT(used <= text.size());
  if (outcome == Outcome::more) return text.size();
  if (outcome == Outcome::bad_status) {
    results_.statuses.add(s.parser.bad_status());
    fail(c, s, Failure::bad_status);
  } else if (outcome == Outcome::malformed || used < text.size()) {
    fail(c, s, Failure::malformed_response);
  } else if (take_answer(c, s)) {
    close_as_planned(c, s);
  }
  return text.size();
}

/// An answer has arrived whole. Returns true if it was the last; otherwise requests the next.
template <class Conn>
bool LoadApp::take_answer(Conn& c, LoadState& s) noexcept {
  ++results_.counters.responses;
  results_.request_latency.answered(static_cast<std::uint64_t>((c.now() - s.asked_at()).us));
  if (--s.answers_left == 0) {
    s.answered = true;
    results_.latency.answered(static_cast<std::uint64_t>((c.now() - s.intended).us));
    return true;
  }
  // RFC 9112 9.6: after `close` no further request may be sent.
  if (s.parser.closes()) {
    fail(c, s, Failure::short_body);
  } else {
    s.parser = {};
    ask(c, s);
  }
  return false;
}

template <class Conn>
void LoadApp::close_as_planned(Conn& c, const LoadState& s) noexcept {
  switch (s.closer) {
    case shard::Closer::client: return c.close_both();
    case shard::Closer::server: return;  // its FIN comes, on_peer_closed answers it
    case shard::Closer::reset: return c.abort();
  }
}

template <class Conn>
void LoadApp::on_peer_closed(Conn& c) noexcept {
  LoadState& s = state_of(c);
  if (!s.answered) {
    if (s.parser.on_end() != ResponseParser::Outcome::complete)
      return fail(c, s, Failure::short_body);
    if (!take_answer(c, s)) return;
    close_as_planned(c, s);
  }
  if (s.closer == shard::Closer::server) c.close();
}

template <class Conn>
void LoadApp::on_wake(Conn& c) noexcept {
  fail(c, state_of(c), Failure::timed_out);
}

template <class Conn>
void LoadApp::fail(Conn& c, LoadState& s, Failure why) noexcept {
  s.failure = why;
  c.abort();
}

/// Why a connection failed as `failure`.
template <class Conn>
Cause LoadApp::cause_of(const LoadState& s, Failure failure, const Conn& c) noexcept {
  switch (failure) {
    case Failure::none:
    case Failure::refused: return Cause::refused;
    case Failure::reset: return cause_of_reset(c.last_state());
    case Failure::timed_out:
      if (!s.is_open) return c.was_challenged() ? Cause::challenged : Cause::syn_unanswered;
      return s.answered ? Cause::no_fin : Cause::no_answer;
    case Failure::unreachable: return Cause::unreachable;
    case Failure::bad_status: return Cause::status;
    case Failure::short_body: return Cause::short_body;
    case Failure::malformed_response: return Cause::malformed_response;
    case Failure::table_full: return Cause::no_room;
    case Failure::aborted_at_end:
      return s.is_open ? Cause::open_at_end : Cause::syn_unanswered_at_end;
  }
  return Cause::open_at_end;  // not reached: every failure has its case
}

template <class Conn>
void LoadApp::on_closed(Conn& c, flow::CloseReason why) noexcept {
  const LoadState& s = state_of(c);
  const Failure failure = verdict_on(s, why);
  if (failure == Failure::none) {
    ++results_.counters.completed;
  } else {
    if (!s.is_open && c.was_challenged()) count_challenge(s.source);
    count_failure(s, cause_of(s, failure, c), c.now());
  }
  MAYFLY_ASSERT(results_.counters.open > 0);
  --results_.counters.open;
  last_end_ = c.now();
  const bool rests = failure != Failure::none || why == flow::CloseReason::time_wait;
  tuples_.release(s.source, rests ? TuplePool::After::rest : TuplePool::After::ready);
}

}  // namespace mayfly::load
