// Stations on a simulated network, and frames that say who they are.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/endian.h"
#include "net/network.h"
#include "wire/layout.h"

namespace mayfly::testing {

inline MacAddress mac_of(std::uint8_t station) { return {{2, 0, 0, 0, 0, station}}; }

/// A frame that arrived.
struct Arrived {
  Instant at;
  std::string text;
  friend bool operator==(const Arrived&, const Arrived&) = default;
};

/// A network whose stations 0, 1, 2, ... are ports that the test holds.
class Stations {
 public:
  explicit Stations(std::uint64_t seed = 1, std::size_t frames = 4'096) : network(seed, frames) {}
  ~Stations() { EXPECT_EQ(network.pool().in_use(), under_way()) << "frames were lost track of"; }

  net::SimPort& add(const net::WireSettings& link = {}, std::uint8_t segment = 0) {
    ports.emplace_back();
    network.attach(ports.back(), mac_of(static_cast<std::uint8_t>(ports.size() - 1)), link,
                   segment);
    return ports.back();
  }

  void send(std::size_t from, const MacAddress& to, std::string_view text,
            std::uint16_t type = wire::ethertype::ipv4) {
    net::SimFrame* frame = ports[from].allocate();
    ASSERT_NE(frame, nullptr);
    std::memcpy(frame->room.data(), to.octets.data(), 6);
    store_be16(&frame->room[wire::ethernet_at::type], type);
    std::memcpy(&frame->room[wire::kEthernetHeaderSize], text.data(), text.size());
    ports[from].set_length(frame, wire::kEthernetHeaderSize + text.size());
    ports[from].transmit(std::span(&frame, 1), now);
  }

  /// All that arrives there from now on, until nothing is under way.
  std::vector<Arrived> all_for(std::size_t station) {
    std::vector<Arrived> arrived;
    for (;;) {
      net::SimFrame* frame = nullptr;
      while (ports[station].receive(std::span(&frame, 1), now) == 1) {
        const auto bytes = ports[station].bytes(frame).subspan(wire::kEthernetHeaderSize);
        arrived.push_back(
            {now, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
        ports[station].release(frame);
      }
      if (network.next_arrival().is_never()) return arrived;
      now = network.next_arrival();
      network.deliver(now);
    }
  }

  net::Network network;
  Instant now{1'000'000};
  std::deque<net::SimPort> ports;

 private:
  // Arrived, and not yet received.
  std::size_t under_way() {
    std::size_t n = 0;
    net::SimFrame* frame = nullptr;
    for (net::SimPort& port : ports)
      while (port.receive(std::span(&frame, 1), now) == 1) ++n;
    return n;
  }
};

}  // namespace mayfly::testing
