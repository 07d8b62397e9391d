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

/// What a greedy client does to keep memory of the server from others.
enum class Greed : std::uint8_t {
  none,
  reads_nothing,    ///< asks, and never takes the answer
  text_behind_gap,  ///< the first segment of its text never arrives, the others do
  half_request,     ///< sends half of its request, and no more
};

struct Traffic {
  std::uint32_t connections = 0;
  std::uint32_t request_min = 1, request_max = 1;  ///< octets, 1 <= min <= max
  std::uint32_t answer_min = 1, answer_max = 1;    ///< octets, 1 <= min <= max
  std::uint32_t at_once = 1;                       ///< a host opens at most so many in one go
  Duration pause_max{};                            ///< between two goes of a host
  Duration rest_max{};   ///< of a four-tuple after a connection, beside what `patient` asks for
  Duration rest_min{};   ///< and at least so much
  bool patient = true;   ///< a four-tuple rests for the longest hold before it is used again
  Duration think_max{};  ///< before an answer, and between two reads
  bool answers_early = false;                ///< a server answers when the request begins to arrive
  Duration handshake_max = Duration::max();  ///< then the client gives it up
  /// A server that lets its client close first closes when its answer has been acknowledged for so
  /// long.
  Duration grace = Duration::max();
  std::optional<Parting> parting;  ///< of every connection; nothing = each draws its own
  Greed greed = Greed::none;
  Duration stay{};  ///< of a greedy client's connection; it ends with an RST
  /// A client sends up to so many octets more while it is answered, whether or not the server has
  /// closed already; 0 = none.
  std::uint32_t chatter_max = 0;
  /// How long a server discards what comes after its FIN, once its answer is acknowledged, when its
  /// client may send more.
  Duration linger = Duration::from_s(5);
  bool copies = false;  ///< answers are copied to chunks piece by piece as there is room

  // What is promised to its connections, whatever the others do.

  /// Each of them begins and ends well within this time; max() = no promise.
  Duration bound = Duration::max();
  /// While they are opened, so many of them complete a second; 0 = no promise.
  double goodput_least = 0;
};

}  // namespace mayfly::world
