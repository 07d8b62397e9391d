// Whether there are enough sources for the rate, with the arithmetic, before the run.
//
// The end that closes first holds the four-tuple in TIME_WAIT (RFC 9293 3.6.1), so a client that
// does can open at most sources / hold connections a second to one server address and port.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "load/settings.h"

namespace mayfly::load {

/// The most sources that one pool manages; further ones are not used.
inline constexpr std::uint32_t kSourcesMax = 1U << 26;

/// The target's address as a URL has it: "198.18.0.1", "[2001:db8::1]".
std::string address_of(const TargetSettings& target);

/// The number of source addresses, and of ports at each.
std::uint64_t addresses_of(const SourceSettings& sources) noexcept;
std::uint32_t ports_of(const SourceSettings& sources) noexcept;
/// Addresses x ports, at most kSourcesMax.
std::uint32_t usable_sources(const SourceSettings& sources) noexcept;

/// The arithmetic of a load.
struct TuplePlan {
  std::uint64_t addresses = 0, ports = 0;
  std::uint64_t sources = 0;      ///< addresses x ports, at most kSourcesMax
  Duration hold{};                ///< how long our end holds a source after its connection
  double rate_max = 0;            ///< connections a second that the sources allow; 0 = no limit
  double rate = 0;                ///< wanted; 0 = closed loop
  std::uint32_t concurrency = 0;  ///< wanted; 0 = open loop
  Duration lasts{};               ///< open loop: when the sources run out; max() = not in this run
  bool short_of_sources = false;  ///< the rate x hold, or the concurrency, exceeds the sources
};

/// Does the arithmetic.
TuplePlan plan_tuples(const ClientSettings& settings) noexcept;

/// "64,512 ports x 1 address = 64,512 sources; held 60 s each: at most 1,075 connections/s; offered
/// 10,000/s"
std::string arithmetic_of(const TuplePlan& plan);

/// The warning to print at the start; empty if there are enough sources.
std::string warning_of(const TuplePlan& plan);

/// An error of usage, with the arithmetic, if the sources run out before this load ends and
/// load.overcommit is not set. Only the client is checked, as the server is not known.
Result<void> check_sources(const ClientSettings& settings);

}  // namespace mayfly::load
