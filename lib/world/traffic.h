// What the connections of a simulated world have in common: how much is sent, who closes first and
// how, how soon a four-tuple is used again.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace mayfly::world {

/// No frame is under way for longer, so a hold of twice this is what RFC 9293 asks for.
inline constexpr Duration kSimMsl = Duration::from_s(30);

/// How the two ends of a connection part.
enum class Parting : std::uint8_t {
  client_first,   ///< when it has the whole answer
  server_first,   ///< after its answer
  half_close,     ///< the client after its request, and reads on
  both_at_once,   ///< each sends all it has to send, closes and reads on
  client_aborts,  ///< RST in the midst of it
  server_aborts,
  client_resets,  ///< RST in place of a FIN: when it has the whole answer
  server_resets,  ///< RST in place of a FIN: when its answer is acknowledged
};
/// Where nothing else is asked for, a world draws from the first of them.
inline constexpr std::uint32_t kPartingsOrderly = 4, kPartingsWithAborts = 6;

struct Traffic {
  std::uint32_t connections = 0;
  std::uint32_t request_min = 1, request_max = 1;  ///< octets, 1 <= min <= max
  std::uint32_t answer_min = 1, answer_max = 1;    ///< octets, 1 <= min <= max
  std::uint32_t at_once = 1;                       ///< a host opens at most so many in one go
  Duration pause_max{};                            ///< between two goes of a host
  Duration rest_max{};   ///< of a four-tuple after a connection, beside what `patient` asks for
  bool patient = true;   ///< a four-tuple rests for the longest hold before it is used again
  Duration think_max{};  ///< before an answer, and between two reads
  bool answers_early = false;                ///< a server answers when the request begins to arrive
  Duration handshake_max = Duration::max();  ///< then the client gives it up
  /// A server that lets its client close first closes when its answer has been acknowledged for so
  /// long.
  Duration grace = Duration::max();
  std::optional<Parting> parting;  ///< of every connection; nothing = each draws its own
};

}  // namespace mayfly::world
