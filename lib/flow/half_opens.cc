#include "flow/half_opens.h"

#include <span>

namespace mayfly::flow {

tcp::CookieFlow HalfOpens::cookie_flow(const FlowKey4& key) const noexcept {
  return {std::as_bytes(std::span(&key, 1)), secret_.bits(), secret_.timestamp_offset(key)};
}

Emission HalfOpens::make_cookie(const FlowKey4& key, const Segment& syn,
                                const tcp::TcpSettings& tcp, Instant now) noexcept {
  stats_.syn_cookies_sent.add();
  cookies_until_ = now + tcp::kCookieLife;
  return cookie_syn_ack(syn, cookie_flow(key), tcp, now);
}

std::optional<Segment> HalfOpens::redeem(const FlowKey4& key, const Segment& ack,
                                         const tcp::TcpSettings& tcp, Instant now) const noexcept {
  if (!expects_cookies(now) || ack.has(wire::tcp_flag::syn | wire::tcp_flag::rst))
    return std::nullopt;
  return syn_of_cookie(ack, cookie_flow(key), tcp, now);
}

bool HalfOpens::gives_up(const ConnectionBlock& b, Instant now) const noexcept {
  constexpr std::uint8_t kPressedRetries = 1;
  return pressed_ && b.tcp.has(block_flag::half_open) && !b.on_trial &&
         b.tcp.retries >= kPressedRetries && b.tcp.retransmit_at <= now;
}

}  // namespace mayfly::flow
