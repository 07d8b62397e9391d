#include "net/network.h"

#include <algorithm>
#include <utility>

#include "net/rewrite.h"
#include "wire/layout.h"

namespace mayfly::net {
namespace {

MacAddress destination_of(const SimFrame& frame) noexcept {
  MacAddress mac;
  std::memcpy(mac.octets.data(), &frame.room[wire::ethernet_at::destination], mac.octets.size());
  return mac;
}

constexpr auto kLater = [](const auto& a, const auto& b) {
  return std::pair(a.due, a.number) > std::pair(b.due, b.number);
};

}  // namespace

void Network::heal() noexcept {
  for (Station& station : stations_) station.wire.heal(pool_);
}

void Network::attach(SimPort& port, const MacAddress& mac, const WireSettings& wire,
                     std::uint8_t segment) {
  MAYFLY_ASSERT(port.network_ == nullptr);  // a port has one wire
  port.network_ = this;
  port.pool_ = &pool_;
  port.station_ = stations_.size();
  stations_.push_back({&port, mac, SimWire(wire), segment, 0});
}

void Network::send(const SimPort& from, SimFrame* frame, Instant now) noexcept {
  MAYFLY_ASSERT(from.network_ == this);
  const std::size_t station = from.station_;
  if (stations_[station].stamps_ahead != 0)
    shift_timestamps(frame->bytes(), stations_[station].stamps_ahead, 0);
  stations_[station].wire.carry(pool_, frame, now, random_,
                                [&](SimFrame* f, Instant at) { forward(station, f, at); });
}

// The switch.
void Network::forward(std::size_t from, SimFrame* frame, Instant at) noexcept {
  const MacAddress to = destination_of(*frame);
  for (std::size_t i = 0; i < stations_.size(); ++i) {
    if (i == from || stations_[i].segment != stations_[from].segment) continue;
    if (stations_[i].mac == to) return launch(i, frame, at);
    if (!to.is_group()) continue;
    if (SimFrame* const copy = pool_.copy(*frame)) launch(i, copy, at);
  }
  pool_.give_back(frame);
}

void Network::launch(std::size_t to, SimFrame* frame, Instant at) noexcept {
  MAYFLY_ASSERT(to < stations_.size());
  constexpr Duration kLeast{1};  // or two hosts that answer each other would stop the clock
  stations_[to].wire.carry(pool_, frame, at, random_, [&](SimFrame* f, Instant due) {
    flights_.push_back({std::max(due, at + kLeast), number_++, f, to});
    std::push_heap(flights_.begin(), flights_.end(), kLater);
  });
}

void Network::deliver(Instant now) noexcept {
  while (next_arrival() <= now) {
    std::pop_heap(flights_.begin(), flights_.end(), kLater);
    const Flight flight = flights_.back();
    flights_.pop_back();
    MAYFLY_ASSERT(flight.due <= now && flight.station < stations_.size());
    const Station& station = stations_[flight.station];
    if (station.stamps_ahead != 0)
      shift_timestamps(flight.frame->bytes(), 0, 0 - station.stamps_ahead);
    station.port->arrive(flight.frame);
  }
}

std::size_t SimPort::receive(std::span<Frame> frames, Instant now) noexcept {
  const std::size_t n = std::min(frames.size(), arrived_.size());
  for (std::size_t i = 0; i < n; ++i) {
    frames[i] = arrived_.front();
    arrived_.pop_front();
    if (tap_) tap_(frames[i]->bytes(), false, now);
  }
  return n;
}

std::size_t SimPort::transmit(std::span<Frame> frames, Instant now) noexcept {
  MAYFLY_ASSERT(network_ != nullptr);
  if (stuck_) return 0;
  for (const Frame frame : frames) {
    if (tap_) tap_(frame->bytes(), true, now);
    if (swallow_ && swallow_(frame->bytes())) {
      release(frame);
    } else {
      network_->send(*this, frame, now);
    }
  }
  return frames.size();
}

void SimPort::arrive(Frame frame) noexcept {
  if (arrivals_max_ == 0 || arrived_.size() < arrivals_max_) return arrived_.push_back(frame);
  ++overflowed_;
  release(frame);
}

void SimPort::lose_arrivals() noexcept {
  for (const Frame frame : arrived_) release(frame);
  arrived_.clear();
}

}  // namespace mayfly::net
