#include "net/wire.h"

#include <algorithm>
#include <cmath>

#include "base/endian.h"
#include "net/rewrite.h"
#include "wire/ethernet.h"
#include "wire/layout.h"

namespace mayfly::net {
namespace {

std::int64_t below(Prng& random, std::int64_t n) noexcept {
  return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n)));
}

}  // namespace

// Or neighbour discovery, which does the same for IPv6.
bool SimWire::is_arp(const SimFrame& frame) noexcept {
  if (frame.length < wire::kEthernetHeaderSize) return false;
  const std::uint16_t type = load_be16(&frame.room[wire::ethernet_at::type]);
  constexpr std::size_t kIp = wire::kEthernetHeaderSize, kIcmp = kIp + wire::kIpv6HeaderSize;
  if (type != wire::ethertype::ipv6 || frame.length <= kIcmp) return type == wire::ethertype::arp;
  return wire::load_u8(&frame.room[kIp + wire::ipv6_at::next_header]) == wire::next_header::icmp6;
}

void SimWire::blank(SimFrame& frame) noexcept {
  blank_timestamps(std::span(frame.room).first(frame.length));
}

bool SimWire::is_lost(Prng& random) noexcept {
  if (settings_.burst_begins > 0)
    in_burst_ =
        in_burst_ ? !random.chance(settings_.burst_ends) : random.chance(settings_.burst_begins);
  return random.chance(settings_.faults.loss) || in_burst_;
}

// A queue that drops what comes when it is full; `at` becomes the time at which the frame is out.
bool SimWire::passes_queue(const SimFrame& frame, Instant& at) noexcept {
  if (settings_.rate == 0) return true;
  constexpr std::uint64_t kSecond = 1'000'000, kFullFrame = 1'514;
  const auto time_for = [&](std::uint64_t octets) {
    return Duration{static_cast<std::int64_t>(octets * kSecond / settings_.rate)};
  };
  const Instant begins = std::max(free_at_, at);
  if (begins - at > time_for(settings_.queue_frames * kFullFrame)) return false;
  at = free_at_ = begins + time_for(frame.length);
  return true;
}

Instant SimWire::arrival(Instant at, Prng& random) noexcept {
  constexpr std::int64_t kHeldBackMaxUs = 1'000;  // as the fault port holds back
  const link::FaultSettings& faults = settings_.faults;
  at.us += faults.delay.us;
  if (faults.jitter.us > 0) at.us += below(random, faults.jitter.us);
  if (random.chance(faults.reorder)) {
    at.us += 1 + below(random, kHeldBackMaxUs);
    ++counts_.reordered;
  }
  if (const std::int64_t bunch = settings_.bunch.us; bunch > 0)
    at.us = (at.us + bunch - 1) / bunch * bunch;
  return at;
}

// Uniform in its logarithm: the longer the rarer.
Duration SimWire::stray_time(Prng& random) const noexcept {
  constexpr double kUnit = 1.0 / (std::uint64_t{1} << 53);
  const double part = static_cast<double>(random.next() >> 11) * kUnit;
  const double ratio = settings_.stray_max.seconds() / settings_.stray_min.seconds();
  const double us = static_cast<double>(settings_.stray_min.us) * std::pow(ratio, part);
  return {static_cast<std::int64_t>(us)};
}

// One bit, on whichever wire: TCP's checksum finds any such damage, while two or three flips may
// cancel out in it.
void SimWire::corrupt(SimFrame& frame, Prng& random) noexcept {
  MAYFLY_ASSERT(frame.length > 0);
  if (frame.damaged) return;
  frame.damaged = true;
  frame.room[random.below(frame.length)] ^= std::byte{1} << random.below(8);
  ++counts_.corrupted;
}

void SimWire::remember(FramePool& pool, const SimFrame& frame, Instant at) {
  while (!recent_.empty() &&
         (recent_.size() == kReplayed || at - recent_.front().at > kReplayAge)) {
    pool.give_back(recent_.front().frame);
    recent_.pop_front();
  }
  if (SimFrame* const twin = pool.copy(frame)) recent_.push_back({twin, at});
  MAYFLY_ASSERT(recent_.size() <= kReplayed);
}

void SimWire::forget(FramePool& pool) noexcept {
  for (const Recent& recent : recent_) pool.give_back(recent.frame);
  recent_.clear();
}

}  // namespace mayfly::net
