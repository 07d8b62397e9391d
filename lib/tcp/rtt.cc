// Fixed-point arithmetic in microseconds; the clock's granularity G is one tick of the timer wheel.
#include "tcp/rtt.h"

#include <algorithm>

#include "base/assert.h"
#include "tcp/congestion/rack.h"

namespace mayfly::tcp {
namespace {

constexpr std::uint32_t kGranularityUs = 1'000;

constexpr std::uint32_t clamp_us(std::int64_t us, Duration low, Duration high) {
  return static_cast<std::uint32_t>(std::clamp(us, low.us, std::max(low.us, high.us)));
}

}  // namespace

void time_segment(Connection& c, Seq seq, Instant now) noexcept {
  if (c.has(conn_flag::rtt_timing)) return;
  c.set(conn_flag::rtt_timing);
  MAYFLY_ASSERT(at_or_after(seq, c.snd_una));
  c.rtt_seq = seq;
  c.rtt_sent_us = static_cast<std::uint32_t>(now.us);
}

void measure_round_trip(Connection& c, Seq ack, const TcpSettings& cfg, Instant now) noexcept {
  if (!c.has(conn_flag::rtt_timing) || !after(ack, c.rtt_seq)) return;
  c.clear(conn_flag::rtt_timing);
  take_sample(c, timed_for(c, now), cfg);
}

void take_sample(Connection& c, Duration round_trip, const TcpSettings& cfg) noexcept {
  const std::uint32_t r = clamp_us(round_trip.us, Duration{1}, cfg.rto_max);
  if (c.srtt_us == 0) {  // RFC 6298 (2.2)
    c.srtt_us = r;
    c.rttvar_us = r / 2;
  } else {  // RFC 6298 (2.3): beta = 1/4, alpha = 1/8
    const std::uint32_t error = r > c.srtt_us ? r - c.srtt_us : c.srtt_us - r;
    c.rttvar_us = c.rttvar_us - c.rttvar_us / 4 + error / 4;
    c.srtt_us = std::max(1u, c.srtt_us - c.srtt_us / 8 + r / 8);
  }
  note_round_trip(c.rack, r);
  const std::int64_t rto = std::int64_t{c.srtt_us} + std::max(kGranularityUs, 4 * c.rttvar_us);
  c.rto_us = clamp_us(rto, cfg.rto_min, cfg.rto_max);
  MAYFLY_ASSERT(c.rto_us > 0 && c.srtt_us > 0);
}

void back_off(Connection& c, const TcpSettings& cfg) noexcept {
  c.rto_us = clamp_us(2 * std::int64_t{c.rto_us}, cfg.rto_min, cfg.rto_max);
}

}  // namespace mayfly::tcp
