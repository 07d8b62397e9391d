// The orderly end of an engine: no new connection is accepted, open ones may finish.
#pragma once

#include <chrono>
#include <thread>

#include "base/time.h"
#include "nic/clock.h"
#include "run/engine_core.h"
#include "run/stop.h"

namespace mayfly::run {

/// The time for frames that a command made to leave by the core that sends for the others.
inline constexpr std::chrono::milliseconds kFramesSent{20};
/// How long a core may take to obey a command, if its thread has to wait for its processor.
inline constexpr std::chrono::milliseconds kObeyPatience{1000};

/// Gives a command and waits until every core has obeyed it: one that another command replaces
/// before that would not be obeyed at all.
template <class Engine>
void tell_and_wait(Engine& engine, Command command) {
  engine.tell(command);
  std::this_thread::sleep_for(kFramesSent);
  const auto give_up = std::chrono::steady_clock::now() + kObeyPatience;
  while (!engine.obeyed(command) && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

/// Resets open connections and ends the poll loops. `each_round()` is called between the two, when
/// the counters include the resets.
template <class Engine, class EachRound>
void reset_and_stop(Engine& engine, EachRound&& each_round) {
  tell_and_wait(engine, Command::abort);
  each_round();
  engine.stop();
}

struct EndRules {
  Duration timeout;  ///< for connections to finish
  /// Of Stop::leave: TIME_WAIT is held as long as it must be (RFC 9293 3.6.1), and not for what is
  /// left of `timeout`.
  bool holds_to_the_end = false;
};

/// Drains `engine` and ends its poll loops. Connections that are still open are reset after
/// `timeout`, or when Stop::now is asked for. As long as Stop::leave is, TIME_WAIT entries are held
/// then. `on_drain(open)` is called once, with the number of open connections; `each_round()`
/// several times a second.
template <class Engine, class OnDrain, class EachRound>
void end_orderly(Engine& engine, const nic::TscClock& clock, const EndRules& rules,
                 const StopAsked& stop, OnDrain&& on_drain, EachRound&& each_round) {
  const Instant give_up = clock.now() + rules.timeout;
  tell_and_wait(engine, Command::drain);
  on_drain(engine.open_connections());
  while (engine.open_connections() > 0 && clock.now() < give_up && stop() != Stop::now) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    each_round();
  }
  tell_and_wait(engine, Command::abort);
  const Instant held_until = rules.holds_to_the_end ? Instant::never() : give_up;
  while (stop() == Stop::leave && engine.time_waits() > 0 && clock.now() < held_until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    each_round();
  }
  each_round();
  engine.stop();
}

}  // namespace mayfly::run
