#include "flow/half_opens.h"

#include <span>
#include <type_traits>

namespace mayfly::flow {

namespace {

/// `key` and `secret` must outlive it.
template <class Key>
tcp::CookieFlow cookie_flow(const Key& key, const FlowSecret& secret) noexcept {
  constexpr std::size_t size = std::is_same_v<Key, FlowKey6> ? FlowKey6::kSize : sizeof(FlowKey4);
  return {std::as_bytes(std::span(&key, 1)).first(size), secret.bits(),
          secret.timestamp_offset(key)};
}

}  // namespace

template <class Key>
Emission HalfOpens::make_cookie(const Key& key, const Segment& syn, const tcp::TcpSettings& tcp,
                                Instant now) noexcept {
  stats_.syn_cookies_sent.add();
  cookies_until_ = now + tcp::kCookieLife;
  return cookie_syn_ack(syn, cookie_flow(key, secret_), tcp, now);
}

template <class Key>
std::optional<HalfOpens::Redeemed> HalfOpens::redeem(const Key& key, const Segment& ack,
                                                     const tcp::TcpSettings& tcp,
                                                     Instant now) const noexcept {
  if (!expects_cookies(now) || ack.has(wire::tcp_flag::syn | wire::tcp_flag::rst))
    return std::nullopt;
  const FlowSecret* const secrets[] = {&secret_, others_.former ? &*others_.former : nullptr};
  for (const FlowSecret* secret : secrets) {
    if (secret == nullptr) continue;
    const tcp::CookieFlow flow = cookie_flow(key, *secret);
    if (const auto syn = syn_of_cookie(ack, flow, tcp, now)) return Redeemed{*syn, flow.ts_offset};
  }
  return std::nullopt;
}

template Emission HalfOpens::make_cookie(const FlowKey4&, const Segment&, const tcp::TcpSettings&,
                                         Instant) noexcept;
template Emission HalfOpens::make_cookie(const FlowKey6&, const Segment&, const tcp::TcpSettings&,
                                         Instant) noexcept;
template std::optional<HalfOpens::Redeemed> HalfOpens::redeem(const FlowKey4&, const Segment&,
                                                              const tcp::TcpSettings&,
                                                              Instant) const noexcept;
template std::optional<HalfOpens::Redeemed> HalfOpens::redeem(const FlowKey6&, const Segment&,
                                                              const tcp::TcpSettings&,
                                                              Instant) const noexcept;

bool HalfOpens::gives_up(const ConnectionBlock& b, Instant now) const noexcept {
  constexpr std::uint8_t kPressedRetries = 1;
  return pressed_ && b.tcp.has(block_flag::half_open) && !b.on_trial &&
         b.tcp.retries >= kPressedRetries && b.tcp.retransmit_at <= now;
}

}  // namespace mayfly::flow
