#include "load/schedule.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace mayfly::load {
namespace {

/// Starts that fall into the ramp: the area of its triangle.
double starts_in_ramp(const LoadShape& shape) noexcept {
  return shape.rate * shape.ramp.seconds() / 2;
}

Duration from_seconds(double seconds) noexcept {
  return {static_cast<std::int64_t>(seconds * 1e6)};
}

}  // namespace

Duration intended_start(const LoadShape& shape, std::uint64_t number) noexcept {
  const auto n = static_cast<double>(number);
  // The number of starts by t is rate t^2 / (2 ramp) in the ramp and rate (t - ramp / 2) after it.
  if (n < starts_in_ramp(shape))
    return from_seconds(std::sqrt(2 * n * shape.ramp.seconds() / shape.rate));
  return from_seconds(shape.ramp.seconds() / 2 + n / shape.rate);
}

std::uint64_t starts_before(const LoadShape& shape, Duration elapsed) noexcept {
  const double t = std::max(0.0, elapsed.seconds()), ramp = shape.ramp.seconds();
  const double starts = t < ramp ? shape.rate * t * t / (2 * ramp) : shape.rate * (t - ramp / 2);
  return static_cast<std::uint64_t>(std::ceil(starts));
}

std::uint32_t concurrency_at(const LoadShape& shape, Duration elapsed) noexcept {
  if (elapsed >= shape.ramp) return shape.concurrency;
  const double part = std::max(0.0, elapsed.seconds()) / shape.ramp.seconds();
  const auto wanted = static_cast<std::uint32_t>(std::ceil(part * shape.concurrency));
  return std::clamp(wanted, 1U, std::max(1U, shape.concurrency));
}

Schedule::Schedule(const LoadShape& shape, Share core) noexcept
    : shape_(shape),
      core_(core),
      number_(shape.part.index + std::uint64_t{shape.part.count} * core.index) {
  MAYFLY_ASSERT(core.index < core.count && shape.part.index < shape.part.count);
  if (shape.connections > 0) connections_ = shape.connections;
}

void Schedule::begin(Instant now) noexcept {
  MAYFLY_ASSERT(!begun_);
  begun_ = true;
  start_ = now;
  if (shape_.duration > Duration{}) end_ = std::min(end_, now + shape_.duration);
  if (!open_loop())
    next_at_ = now;
  else if (shape_.rate > 0)
    next_at_ = now + intended_start(shape_, number_);
}

void Schedule::take() noexcept {
  ++taken_;
  number_ += std::uint64_t{shape_.part.count} * core_.count;
  if (open_loop()) next_at_ = start_ + intended_start(shape_, number_);
}

std::uint64_t Schedule::behind(Instant now) const noexcept {
  if (!open_loop() || !begun_) return 0;
  const std::uint64_t whole =
      std::min(starts_before(shape_, std::min(now, end_) - start_), connections_);
  const std::uint64_t own = own_share(whole);
  return own > taken_ ? own - taken_ : 0;
}

std::uint64_t Schedule::wanted_at(Instant now) const noexcept {
  return own_share(concurrency_at(shape_, now - start_));
}

}  // namespace mayfly::load
