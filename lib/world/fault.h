// The faults of a simulated world. Each seed has a subset of its own (swarm testing,
// Groce et al. 2012): what never happens together in one world is seen in another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mayfly::world {

// X(name, what it does)
#define MAYFLY_SIM_FAULTS(X)                                                          \
  X(delay, "every link delays its frames")                                            \
  X(jitter, "each frame has a different delay, so that frames overtake each other")   \
  X(loss, "single frames are lost")                                                   \
  X(bursts, "frames are lost in bursts")                                              \
  X(duplicate, "frames arrive twice")                                                 \
  X(reorder, "some frames are delayed for up to a millisecond more")                  \
  X(corrupt, "a bit of a frame flips")                                                \
  X(stray, "a copy arrives seconds later: an old duplicate")                          \
  X(replay, "the latest frames of a link arrive once more, all in one burst")         \
  X(bunch, "frames arrive in bunches: SYN, ACK, FIN and the next SYN in one burst")   \
  X(rate, "links are slow and their queues short")                                    \
  X(partition, "a host is cut off for a while")                                       \
  X(restart, "a host crashes, and restarts later with empty tables")                  \
  X(clock_step, "the timestamps of a host jump, forward or back")                     \
  X(tiny_tables, "few connection blocks, few TIME_WAIT entries")                      \
  X(half_open, "few handshakes at once: SYN cookies, or SYNs refused")                \
  X(tiny_pools, "few send extents, chunks and receive buffers")                       \
  X(no_buffer, "frame buffers run out now and then")                                  \
  X(slow_app, "the apps are slow to read and to answer")                              \
  X(abort, "the apps give up some connections with RST")                              \
  X(wrap, "sequence numbers and timestamps begin just below their wrap-around")       \
  X(hasty, "policies that do harm: short holds, evictions, RST accepted, recycling")  \
  X(nat, "some clients share one address behind a NAT")                               \
  X(two_ports, "servers have a second port, with a network and clients of its own")   \
  X(stuck_port, "a server's device takes no frames for a while, at most minutes")     \
  X(hostile_pools, "greedy clients beside honest ones, at servers with small pools")  \
  X(client_text, "clients send more text while they are answered")                    \
  X(overload, "slow servers are offered twice as many connections as they can serve") \
  X(moving_router, "servers share an address, and a router moves flows between them")

enum class SimFault : std::uint8_t {
#define MAYFLY_X(name, help) name,
  MAYFLY_SIM_FAULTS(MAYFLY_X)
#undef MAYFLY_X
};

inline constexpr std::size_t kSimFaultCount = 0
#define MAYFLY_X(name, help) +1
    MAYFLY_SIM_FAULTS(MAYFLY_X)
#undef MAYFLY_X
    ;

/// As the command line has it: "clock_step".
std::string_view name_of(SimFault fault) noexcept;
/// What it does, in a few words.
std::string_view help_of(SimFault fault) noexcept;

class FaultSet {
 public:
  static constexpr FaultSet all() { return FaultSet{(1u << kSimFaultCount) - 1}; }
  constexpr FaultSet() = default;

  constexpr bool has(SimFault fault) const { return (bits_ & bit(fault)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr FaultSet with(SimFault fault) const { return FaultSet{bits_ | bit(fault)}; }
  constexpr FaultSet without(SimFault fault) const { return FaultSet{bits_ & ~bit(fault)}; }
  constexpr FaultSet without(FaultSet others) const { return FaultSet{bits_ & ~others.bits_}; }
  constexpr bool has_any(FaultSet others) const { return (bits_ & others.bits_) != 0; }
  friend constexpr bool operator==(FaultSet, FaultSet) = default;

  /// Calls f(fault) for each.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < kSimFaultCount; ++i)
      if (const auto fault = static_cast<SimFault>(i); has(fault)) f(fault);
  }

 private:
  explicit constexpr FaultSet(std::uint32_t bits) : bits_(bits) {}
  static constexpr std::uint32_t bit(SimFault fault) { return 1u << static_cast<unsigned>(fault); }

  std::uint32_t bits_ = 0;
};

/// Whole situations rather than faults of a wire or a host. A seed draws them apart from the
/// others, and each has an oracle of its own.
inline constexpr FaultSet kSituations = FaultSet{}
                                            .with(SimFault::two_ports)
                                            .with(SimFault::stuck_port)
                                            .with(SimFault::hostile_pools)
                                            .with(SimFault::client_text)
                                            .with(SimFault::overload)
                                            .with(SimFault::moving_router);

/// "loss,reorder", or "none".
std::string to_string(FaultSet faults);
/// Reads that again, and "all". The error names what is no fault.
Result<FaultSet> parse_faults(std::string_view text);

}  // namespace mayfly::world
