// Whether there are enough source pairs for the wanted rate, with the arithmetic, before the run.
//
// The end that closes first holds the pair in TIME_WAIT (RFC 9293 3.6.1), so a client that does can
// open at most pairs / hold connections a second to one server address and port.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "load/settings.h"

namespace mayfly::load {

/// The most pairs that one pool keeps track of; sources beyond that are not used.
inline constexpr std::uint32_t kPairsMax = 1U << 26;

std::uint64_t addresses_of(const SourceSettings& sources) noexcept;
std::uint32_t ports_of(const SourceSettings& sources) noexcept;
/// Addresses x ports, at most kPairsMax.
std::uint32_t usable_pairs(const SourceSettings& sources) noexcept;

/// The arithmetic of a load.
struct TuplePlan {
  std::uint64_t addresses = 0, ports = 0;
  std::uint64_t pairs = 0;  ///< addresses x ports, at most kPairsMax
  Duration hold{};          ///< how long our end holds a pair after its connection
  double rate_max = 0;      ///< connections a second that the pairs allow; 0 = no limit of ours
  double rate = 0;          ///< wanted; 0 = closed loop
  std::uint32_t concurrency = 0;  ///< wanted; 0 = open loop
  Duration lasts{};             ///< open loop: when the pairs run out; max() = not within this run
  bool short_of_pairs = false;  ///< the rate x hold, or the concurrency, exceeds the pairs
};

TuplePlan plan_tuples(const ClientSettings& settings) noexcept;

/// "64,512 ports x 1 address = 64,512 pairs; held 60 s each: at most 1,075 connections/s; offered
/// 10,000/s"
std::string arithmetic_of(const TuplePlan& plan);

/// The warning to print at the start; empty if there are enough pairs.
std::string warning_of(const TuplePlan& plan);

/// An error of usage, with the arithmetic, if the pairs run out before this load ends and
/// load.overcommit is not set. Only the client's side is known, so only that is judged.
Result<void> check_pairs(const ClientSettings& settings);

}  // namespace mayfly::load
