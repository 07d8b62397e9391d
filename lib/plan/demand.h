// What a load needs at both ends, before anything runs: TIME_WAIT entries, memory and sources, and
// which of them runs out first. The arithmetic is Little's law: entries = rate x hold.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "load/settings.h"

namespace mayfly::plan {

/// The memory of one TIME_WAIT entry, with its share of the index and of the log's spare room
/// (TimeWaitLog).
inline constexpr std::uint64_t kTimeWaitBytes = 48;

/// The planned load: connections to one server address and port.
struct Demand {
  double rate = 0;                                       ///< connections a second, above 0
  Duration hold = Duration::from_s(60);                  ///< 2MSL, above 0
  std::uint64_t clients = 100;                           ///< client addresses, at least 1
  std::uint16_t port_first = 1'024, port_last = 65'535;  ///< source ports of each
  std::uint64_t capacity = 0;  ///< entries of the server's table; 0 = as many as are needed
  shard::Closer first = shard::Closer::server;  ///< server or client
  std::uint64_t memory = 0;                     ///< free bytes; 0 = enough

  std::uint64_t ports() const noexcept { return std::uint64_t{port_last} - port_first + 1; }
};

/// A resource of which there is too little.
struct Shortage {
  enum class Of : std::uint8_t { memory, table, pairs };
  Of of = Of::table;
  std::uint64_t needed = 0, there = 0;  ///< bytes, entries or four-tuples
  Duration after{};     ///< time from the start until it runs out; 0 = it cannot start
  double rate_max = 0;  ///< connections a second that are possible in the long run
};

/// The result of the arithmetic.
struct DemandPlan {
  std::uint64_t entries = 0;  ///< Little's law: rate x hold
  std::uint64_t pairs = 0;    ///< addresses x ports: four-tuples to the one server address and port
  /// The most TIME_WAITs at once: an entry has a four-tuple, so there are no more than four-tuples.
  std::uint64_t held = 0;
  Duration comes_back{};    ///< between two uses of a four-tuple, when all are used in turn
  std::uint64_t table = 0;  ///< entries for which the end that closes first has memory
  std::uint64_t bytes = 0;  ///< of that table
  std::uint64_t addresses_needed = 0;  ///< for the clients to close first
  double client_rate_max = 0;          ///< that their four-tuples allow when they close first
  std::vector<Shortage> shortages;     ///< the first to run out comes first; empty: enough of all
};

DemandPlan plan_demand(const Demand& demand);

/// "the server's table: 60,000,000 entries are needed, but it has 16,000,000: full after 16 s, then
/// 266,666/s"
std::string words_of(const Shortage& shortage);

/// The facts about a preset of conf/policy that the arithmetic uses. config/preset_facts.h reads
/// them from the file.
struct PresetFacts {
  std::string name;
  std::optional<shard::Closer> holder;    ///< the end that holds TIME_WAIT; none: as in the Demand
  std::optional<Duration> hold;           ///< none: as in the Demand; 0 = no TIME_WAIT
  std::optional<std::uint64_t> capacity;  ///< entries of either end; none: as in the Demand
  flow::TimeWaitPolicy::OnFull on_full = flow::TimeWaitPolicy::OnFull::evict_oldest;
  bool balance = false;    ///< the hold follows the capacity, down to the floor
  Duration floor{};        ///< the shortest hold that `balance` may set
  bool reuse = false;      ///< the client reuses a four-tuple after reuse_delay
  Duration reuse_delay{};  ///< with `reuse`
  std::string harm;        ///< the harm that it does in any case; empty = none
};

/// Whether a preset can carry the load.
enum class Fit : std::uint8_t {
  fits,
  harms,  ///< the load is carried, but connections are harmed
  fails,  ///< the load is not carried
};

/// How a preset of conf/policy fits the demand.
struct PolicyFit {
  std::string policy;
  Fit fit = Fit::fits;
  std::string because;  ///< one line: the free room, the harm, or what is missing
};

/// One for each of `presets`. A preset may itself decide which end holds TIME_WAIT, and how long.
std::vector<PolicyFit> fits_of(const Demand& demand, std::span<const PresetFacts> presets);

}  // namespace mayfly::plan
