// What a load asks of both ends, before anything runs: entries of TIME_WAIT, memory, source pairs,
// and what of it runs out first. Plain arithmetic on Little's law: entries = rate x hold.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "load/settings.h"

namespace mayfly::plan {

/// What one TIME_WAIT entry takes: 48 bytes of record and at most 8 of buckets (TimeWaitTable).
inline constexpr std::uint64_t kTimeWaitBytes = 56;

/// Connections that somebody wants to be opened to one server address and port.
struct Demand {
  double rate = 0;                                       ///< connections a second, above 0
  Duration hold = Duration::from_s(60);                  ///< 2MSL, above 0
  std::uint64_t clients = 100;                           ///< client addresses, at least 1
  std::uint16_t port_first = 1'024, port_last = 65'535;  ///< source ports of each
  std::uint64_t capacity = 0;  ///< entries of the server's table; 0 = as many as will be held
  shard::Closer first = shard::Closer::server;  ///< server or client
  std::uint64_t memory = 0;                     ///< bytes to be had; 0 = enough

  std::uint64_t ports() const noexcept { return std::uint64_t{port_last} - port_first + 1; }
};

/// One thing that there is too little of.
struct Shortage {
  enum class Of : std::uint8_t { memory, table, pairs };
  Of of = Of::table;
  std::uint64_t needed = 0, there = 0;  ///< bytes, entries, pairs
  Duration after{};     ///< from the start of the load until it runs out; 0 = there is no start
  double rate_max = 0;  ///< connections a second that what there is allows in the long run
};

struct DemandPlan {
  std::uint64_t entries = 0;  ///< Little's law: rate x hold
  std::uint64_t pairs = 0;    ///< addresses x ports: four-tuples to the one server address and port
  /// TIME_WAITs at once, at most: an entry is a four-tuple, so no more than there are of those.
  std::uint64_t held = 0;
  Duration comes_back{};    ///< between two uses of a four-tuple, when all are used in turn
  std::uint64_t table = 0;  ///< entries for which the end that closes first takes memory
  std::uint64_t bytes = 0;  ///< of that table
  std::uint64_t addresses_needed = 0;  ///< for the clients to close first
  double client_rate_max = 0;          ///< that their pairs allow when they close first
  std::vector<Shortage> shortages;     ///< the first to give way comes first; none: all is there
};

DemandPlan plan_demand(const Demand& demand);

/// "the server's table: 60,000,000 entries are needed, but it has 16,000,000: full after 16 s, then
/// 266,666/s"
std::string words_of(const Shortage& shortage);

/// A preset of conf/policy as far as it bears on the arithmetic. The configuration's reader makes
/// it of the preset's file.
struct PresetFacts {
  std::string name;
  std::optional<shard::Closer> holder;    ///< the end that holds TIME_WAIT; none = as demanded
  std::optional<Duration> hold;           ///< none = as demanded; 0 = no TIME_WAIT
  std::optional<std::uint64_t> capacity;  ///< entries of either end; none = as demanded
  flow::TimeWaitPolicy::OnFull on_full = flow::TimeWaitPolicy::OnFull::evict_oldest;
  bool balance = false;    ///< the hold follows the capacity, down to the floor
  Duration floor{};        ///< the shortest hold that `balance` may set
  bool reuse = false;      ///< the client takes a pair again after reuse_delay
  Duration reuse_delay{};  ///< with `reuse`
  std::string harm;        ///< what it costs however much room there is; empty = nothing
};

enum class Fit : std::uint8_t {
  fits,
  harms,  ///< the load gets through, at a price
  fails,  ///< it does not get through
};

/// What a preset of conf/policy makes of the demand.
struct PolicyFit {
  std::string policy;
  Fit fit = Fit::fits;
  std::string because;  ///< one line: the room that there is, the harm, or what is lacking
};

/// One for each of `presets`. Some of them decide for themselves who holds TIME_WAIT, and how long.
std::vector<PolicyFit> fits_of(const Demand& demand, std::span<const PresetFacts> presets);

}  // namespace mayfly::plan
