// Integers throughout: octets and milliseconds. C = 0.4 segments per second cubed, beta = 0.7 (RFC
// 9438 4.1, 5).
#include "tcp/congestion/cubic.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/congestion/growth.h"

namespace mayfly::tcp {
namespace cubic {
namespace {

constexpr std::uint32_t kSlowStartSegments = 8;
/// Further than this from K the function is above any window.
constexpr std::int64_t kSpanMs = 100'000;

/// The largest integer whose cube is at most `x`.
std::uint32_t cube_root(std::uint64_t x) noexcept {
  std::uint64_t root = 0;
  for (std::uint64_t bit = 1u << 20; bit > 0; bit >>= 1) {
    const std::uint64_t next = root | bit;
    if (next * next * next <= x) root = next;
  }
  return static_cast<std::uint32_t>(root);
}

/// RFC 9438 4.2, figure 2: K = cbrt((W_max - cwnd_epoch) / C), in milliseconds.
std::uint32_t time_to_w_max(std::uint32_t octets, std::uint32_t mss) noexcept {
  return cube_root(std::uint64_t{octets} * 2'500'000'000u / mss);
}

void begin_epoch(Connection& c, Instant now) noexcept {
  Cubic& cubic = c.cubic;
  cubic.epoch_ms = now.ts_ms();
  cubic.w_est = c.cwnd;
  if (cubic.w_max > c.cwnd) {
    cubic.k_ms = time_to_w_max(cubic.w_max - c.cwnd, smss(c));
  } else {
    cubic.k_ms = 0;
    cubic.w_max = c.cwnd;
  }
}

/// RFC 9438 4.2, figure 1: W_cubic(t), in octets.
std::int64_t w_cubic(const Connection& c, std::int64_t t_ms) noexcept {
  const std::int64_t dt = std::clamp(t_ms - std::int64_t{c.cubic.k_ms}, -kSpanMs, kSpanMs);
  return c.cubic.w_max + dt * dt * dt / 1'000'000 * smss(c) / 1'000 * 2 / 5;
}

/// RFC 9438 4.3: what Reno would have, were it as gentle in its decrease as CUBIC is.
void grow_w_est(Connection& c, std::uint32_t acked) noexcept {
  const bool passed = c.cubic.w_est >= c.cubic.w_max;
  const std::uint64_t alpha = passed ? 1'000 : 529;  // 3 * (1 - beta) / (1 + beta)
  c.cubic.w_est +=
      static_cast<std::uint32_t>(alpha * acked * smss(c) / (std::uint64_t{1'000} * c.cwnd));
}

}  // namespace

[[gnu::noinline]] void on_ack(Connection& c, std::uint32_t acked, const TcpSettings&,
                              Instant now) noexcept {
  const std::uint32_t mss = smss(c);
  MAYFLY_ASSERT(acked > 0 && c.cwnd >= mss);
  if (c.cwnd < c.ssthresh) {  // after a time-out 1 (RFC 3465 2.3)
    c.cwnd += std::min(acked, c.has(conn_flag::rto_recovery) ? mss : kSlowStartSegments * mss);
    return;
  }
  if (c.cubic.w_est == 0) begin_epoch(c, now);
  grow_w_est(c, acked);
  const std::int64_t t_ms = now.ts_ms() - c.cubic.epoch_ms;
  // RFC 9438 4.2: the window of one round trip ahead, within [cwnd, 1.5 * cwnd].
  const std::int64_t target = std::clamp<std::int64_t>(w_cubic(c, t_ms + c.srtt_us / 1'000), c.cwnd,
                                                       std::int64_t{c.cwnd} * 3 / 2);
  c.cwnd += static_cast<std::uint32_t>((target - c.cwnd) * std::min(acked, c.cwnd) / c.cwnd);
  if (w_cubic(c, t_ms) < c.cubic.w_est) c.cwnd = std::max(c.cwnd, c.cubic.w_est);
}

void on_loss(Connection& c, const TcpSettings&, Instant) noexcept {
  const std::uint32_t flight = growth::flight_at_loss(c);
  const std::uint32_t reached = std::min(flight, c.cwnd);
  // RFC 9438 4.7: a flow that stays below its last maximum gives way to newer ones.
  c.cubic.w_max = reached < c.cubic.w_max
                      ? static_cast<std::uint32_t>(std::uint64_t{reached} * 85 / 100)
                      : reached;
  c.cubic.w_est = 0;
  c.ssthresh = std::max(static_cast<std::uint32_t>(std::uint64_t{flight} * 7 / 10), 2 * smss(c));
}

void on_timeout(Connection& c, const TcpSettings& cfg, Instant now) noexcept {
  on_loss(c, cfg, now);
  c.cwnd = smss(c);
}

[[gnu::noinline]] void on_idle(Connection& c, const TcpSettings& cfg, Instant) noexcept {
  c.cubic.w_est = 0;
  c.cwnd = std::min(c.cwnd, growth::initial_window(c, cfg));
}

}  // namespace cubic
}  // namespace mayfly::tcp
