// The eleven states of RFC 9293 3.3.2, and the groups of states that rules apply to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mayfly::tcp {

/// The state of a connection.
enum class State : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait
};

inline constexpr std::size_t kStateCount = 11;

/// "FIN-WAIT-1", as the RFC writes it.
std::string_view name_of(State state) noexcept;

/// A set of states; a look-up is one shift.
struct StateSet {
  std::uint16_t bits = 0;
  constexpr bool has(State s) const { return ((bits >> static_cast<unsigned>(s)) & 1) != 0; }
};
/// The set of these states.
template <class... S>
consteval StateSet states(S... s) {
  return {static_cast<std::uint16_t>((0u | ... | (1u << static_cast<unsigned>(s))))};
}

/// Both SYNs are acknowledged.
inline constexpr StateSet kSynchronized =
    states(State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait,
           State::closing, State::last_ack, State::time_wait);
/// The peer may still send text (RFC 9293 3.10.7.4, seventh).
inline constexpr StateSet kReceivesText =
    states(State::established, State::fin_wait_1, State::fin_wait_2);
/// The user may still send text (RFC 9293 3.10.2).
inline constexpr StateSet kSendsText = states(State::established, State::close_wait);
/// Our FIN is queued or sent, and may need retransmission.
inline constexpr StateSet kFinQueued = states(State::fin_wait_1, State::closing, State::last_ack);

}  // namespace mayfly::tcp
