// The simulated network: segments, each a switch with a wire to every port, and the frames that are
// under way. The same seed and the same frames at the same times give the same network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "net/frame_pool.h"
#include "net/sim_port.h"
#include "net/wire.h"
#include "wire/ethernet.h"

namespace mayfly::net {

class Network {
 public:
  /// `frames`: how many there may be at once, those that hosts hold included.
  explicit Network(std::uint64_t seed, std::size_t frames = 65'536)
      : random_(seed), pool_(frames) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// `port` outlives the network's last deliver(). A switch brings a frame to the station that has
  /// its destination address, or to all others of the segment if that is a group address.
  void attach(SimPort& port, const MacAddress& mac, const WireSettings& wire,
              std::uint8_t segment = 0);

  /// Takes ownership. A frame crosses the wires of its sender and of its receiver.
  void send(const SimPort& from, SimFrame* frame, Instant now) noexcept;
  /// When the next frame arrives, or never.
  Instant next_arrival() const noexcept {
    return flights_.empty() ? Instant::never() : flights_.front().due;
  }
  /// Frames that have not arrived yet.
  std::size_t under_way() const noexcept { return flights_.size(); }
  /// What is due by `now` arrives at its ports.
  void deliver(Instant now) noexcept;

  /// While it is cut, the wire of `port` carries nothing.
  void cut(const SimPort& port, bool is_cut) noexcept { station_of(port).wire.cut(is_cut); }
  /// The timestamps of `port`'s host are so far ahead of its clock, in ms modulo 2^32, from now on:
  /// its TSvals on their way out are rewritten, and the TSecrs that answer them on their way in.
  void step_timestamps(const SimPort& port, std::uint32_t ahead) noexcept {
    station_of(port).stamps_ahead = ahead;
  }
  /// From now on every wire is perfect. Frames that are under way are not affected.
  void heal() noexcept;

  FramePool& pool() noexcept { return pool_; }
  /// Of the wire of `port`.
  const WireCounts& counts(const SimPort& port) const noexcept {
    MAYFLY_ASSERT(port.network_ == this);
    return stations_[port.station_].wire.counts();
  }

 private:
  struct Station {
    SimPort* port;
    MacAddress mac;
    SimWire wire;
    std::uint8_t segment;
    std::uint32_t stamps_ahead;
  };
  struct Flight {
    Instant due;
    std::uint64_t number;  // of two due at once, the first to leave arrives first
    SimFrame* frame;
    std::size_t station;
  };

  Station& station_of(const SimPort& port) noexcept {
    MAYFLY_ASSERT(port.network_ == this);
    return stations_[port.station_];
  }
  void forward(std::size_t from, SimFrame* frame, Instant at) noexcept;
  void launch(std::size_t to, SimFrame* frame, Instant at) noexcept;

  Prng random_;
  FramePool pool_;
  std::deque<Station> stations_;
  std::vector<Flight> flights_;  // a heap by due time
  std::uint64_t number_ = 0;
};

}  // namespace mayfly::net
