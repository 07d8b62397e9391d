// What one seed stands for: hosts and their settings, links and their faults, what happens when,
// and what is exchanged. Every choice is drawn from a generator of its own, so that a fault that is
// taken away leaves all others as they were; that is what makes a failing seed smaller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/wire.h"
#include "shard/shard.h"
#include "world/fault.h"

namespace mayfly {

/// No frame is under way for longer, so a hold of twice this is what RFC 9293 asks for.
inline constexpr Duration kSimMsl = Duration::from_s(30);

/// What a shard of either end goes by.
struct EndPolicies {
  ShardSettings server, client;
};

struct SimOptions {
  std::uint64_t seed = 1;
  std::uint32_t connections = 0;      ///< 0 = as the seed says
  std::optional<FaultSet> faults;     ///< nothing = as the seed says (swarm)
  std::optional<EndPolicies> policy;  ///< of both ends; nothing = as the seed says
  Duration duration{};                ///< of the faults; 0 = until every connection was tried
  bool no_harm = false;               ///< what a hasty policy does is a violation as well
};

/// How the two ends of a connection part.
enum class Parting : std::uint8_t {
  client_first,   ///< when it has the whole answer
  server_first,   ///< after its answer
  half_close,     ///< the client after its request, and reads on
  both_at_once,   ///< each sends all it has to say, closes and reads on
  client_aborts,  ///< RST in the midst of it
  server_aborts,
};
inline constexpr std::uint32_t kPartings = 6;

/// What the connections of a world have in common.
struct Traffic {
  std::uint32_t connections = 0;
  std::uint32_t request_max = 0, answer_max = 0;  ///< octets, at least 1
  std::uint32_t at_once = 1;                      ///< opened in one go
  Duration pause_max{};                           ///< between two goes of a host
  bool patient = true;   ///< a four-tuple rests for the longest hold before it is used again
  Duration think_max{};  ///< before an answer, and between two reads
};

struct HostPlan {
  std::string name;        ///< "server-1", "client-1"
  std::size_t number = 0;  ///< among all hosts
  ShardSizes sizes;
  ShardSettings settings;
  WireSettings link;
  double no_buffer = 0;         ///< share of frame buffers that are not to be had
  std::uint32_t addresses = 1;  ///< of a client
  std::uint16_t first_port = 10'000, ports = 1;
  bool is_server = false, behind_nat = false;
};

/// Something that happens to a host.
struct Happening {
  enum class What : std::uint8_t { cut, uncut, crash, step_timestamps };
  Instant at;
  What what = What::cut;
  std::size_t host = 0;
  Duration down{};                 ///< crash: until it is back
  std::uint32_t stamps_ahead = 0;  ///< ms, modulo 2^32
};

struct Scenario {
  std::uint64_t seed = 0;
  FaultSet faults;
  Instant start;  ///< of the simulated clock
  Traffic traffic;
  std::vector<HostPlan> hosts;        ///< the servers first
  std::vector<Happening> happenings;  ///< in the order of time
  Duration faults_last{};             ///< the network heals at the latest then; 0 = see SimOptions
  /// No byte of an old incarnation may reach a new one, and nobody in LAST_ACK may be reset: all
  /// hold TIME_WAIT for 2MSL and forget nothing, or SimOptions::no_harm wants it so.
  bool keeps_promises = true;

  bool has(SimFault fault) const { return faults.has(fault); }
  Duration longest_hold() const;
};

Scenario make_scenario(const SimOptions& options);

/// One line about it: "2 servers, 3 clients, 40 connections, faults loss,nat".
std::string describe(const Scenario& scenario);

}  // namespace mayfly
