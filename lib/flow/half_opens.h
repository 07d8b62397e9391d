// Handshakes under way, and what happens when there are too many of them (RFC 4987): SYN cookies,
// or refusal, and in either case less patience with those who do not answer. One core's own; not
// thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "flow/block.h"
#include "flow/flow_secret.h"
#include "flow/metrics.h"
#include "flow/settings.h"
#include "tcp/settings.h"
#include "tcp/syn_cookie.h"
#include "wire/flow_key.h"
#include "wire/segment.h"

namespace mayfly::flow {

class HalfOpens {
 public:
  /// `policy` and `stats` outlive this object, the policy until follow() replaces it.
  HalfOpens(const FlowSecret& secret, const SynPolicy& policy, ShardStats& stats)
      : policy_(&policy), secret_(secret), stats_(stats) {}

  /// `policy` holds from here on, until the next call.
  void follow(const SynPolicy& policy) noexcept { policy_ = &policy; }

  // -- counting

  /// A passive open that was begun; counted once.
  void begin(ConnectionBlock& b) noexcept;
  /// The handshake is over, well or not. Does nothing for a block that is not counted.
  void end(ConnectionBlock& b) noexcept;
  std::uint32_t count() const noexcept { return count_; }
  /// From the limit on, until a quarter of it is free again.
  bool is_pressed() const noexcept { return pressed_; }

  // -- what a SYN gets

  enum class SynAnswer : std::uint8_t {
    block,   ///< a connection block of its own
    cookie,  ///< a cookie: make_cookie()
    refuse,  ///< nothing (Drop::half_open_full)
  };
  SynAnswer answer_syn() const noexcept;

  // -- cookies

  /// The SYN-ACK that carries a cookie for `syn`.
  Emission make_cookie(const FlowKey4& key, const Segment& syn, const tcp::TcpSettings& tcp,
                       Instant now) noexcept;
  /// Cookies are believed only while some may be under way, so that no stream of guesses opens
  /// anything when there is no flood.
  bool expects_cookies(Instant now) const noexcept { return now < cookies_until_; }
  /// The SYN that this ACK of an unknown flow answers for; none: it carries no cookie of ours.
  std::optional<Segment> redeem(const FlowKey4& key, const Segment& ack,
                                const tcp::TcpSettings& tcp, Instant now) const noexcept;

  // -- patience

  /// Is this handshake to be given up, now that its timer has fired? Under pressure it is after one
  /// SYN-ACK more: it holds a block for three seconds instead of minutes. One that reopens a
  /// TIME_WAIT is not: its peer is no stranger.
  bool gives_up(const ConnectionBlock& b, Instant now) const noexcept;

 private:
  tcp::CookieFlow cookie_flow(const FlowKey4& key) const noexcept;
  void recount(std::int32_t change) noexcept;

  const SynPolicy* policy_;
  std::uint32_t count_ = 0;  // passive opens in SYN_RECEIVED
  bool pressed_ = false;
  Instant cookies_until_;  // no cookie under way is good for longer
  FlowSecret secret_;
  ShardStats& stats_;
};

inline HalfOpens::SynAnswer HalfOpens::answer_syn() const noexcept {
  using Cookies = SynPolicy::Cookies;
  if (!pressed_ && policy_->cookies != Cookies::always) [[likely]]
    return SynAnswer::block;
  return policy_->cookies == Cookies::never ? SynAnswer::refuse : SynAnswer::cookie;
}

inline void HalfOpens::recount(std::int32_t change) noexcept {
  count_ += static_cast<std::uint32_t>(change);
  stats_.half_open.set(count_);
  const std::uint32_t limit = policy_->half_open;
  if (limit != 0 && count_ >= limit) {
    pressed_ = true;
  } else if (limit == 0 || count_ <= limit - limit / 4) {
    pressed_ = false;
  }
}

inline void HalfOpens::begin(ConnectionBlock& b) noexcept {
  MAYFLY_ASSERT(!b.tcp.has(block_flag::half_open));
  b.tcp.set(block_flag::half_open);
  recount(1);
}

inline void HalfOpens::end(ConnectionBlock& b) noexcept {
  if (!b.tcp.has(block_flag::half_open)) return;
  MAYFLY_ASSERT(count_ > 0);
  b.tcp.clear(block_flag::half_open);
  recount(-1);
}

}  // namespace mayfly::flow
