// Handshakes that peers began and that are under way, and what happens when there are too many of
// them (RFC 4987): SYNs get a cookie or are refused, and in either case a handshake whose peer does
// not answer is given up sooner. Owned by one core; not thread-safe.
#pragma once

#include <algorithm>
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

/// Whose cookies are accepted, apart from those that were sent here with the present secret.
struct OtherCookies {
  /// Other servers have the same secret, and a router may move a handshake from them to here.
  bool of_siblings = false;
  /// The secret before the present one, while both are in use.
  std::optional<FlowSecret> former;
};

class HalfOpens {
 public:
  /// `policy` must live until follow() replaces it, `stats` as long as this object. `capacity`: the
  /// number of blocks; a limit beyond three quarters of them is as good as that.
  HalfOpens(const FlowSecret& secret, const SynPolicy& policy, std::uint32_t capacity,
            ShardStats& stats, const OtherCookies& others = {})
      : policy_(&policy),
        most_(std::max(1u, capacity - capacity / 4)),
        secret_(secret),
        others_(others),
        stats_(stats) {}

  /// Replaces the policy; it must live until the next call.
  void follow(const SynPolicy& policy) noexcept { policy_ = &policy; }

  // -- counting

  /// Counts a passive open that was begun. Once for each block.
  void begin(ConnectionBlock& b) noexcept;
  /// Ends the count of a block whose handshake has succeeded or failed. Does nothing for a block
  /// that is not counted.
  void end(ConnectionBlock& b) noexcept;
  /// Handshakes under way.
  std::uint32_t count() const noexcept { return count_; }
  /// True from when count() reaches SynPolicy::half_open until it has fallen to three quarters of
  /// it.
  bool is_pressed() const noexcept { return pressed_; }

  // -- answers to SYNs

  enum class SynAnswer : std::uint8_t {
    block,   ///< a connection block of its own
    cookie,  ///< a cookie: make_cookie()
    refuse,  ///< nothing (Drop::half_open_full)
  };
  SynAnswer answer_syn() const noexcept;

  // -- cookies

  /// The SYN-ACK that carries a cookie for `syn`. The key is a FlowKey4 or a FlowKey6.
  template <class Key>
  Emission make_cookie(const Key& key, const Segment& syn, const tcp::TcpSettings& tcp,
                       Instant now) noexcept;
  /// True while a cookie that was sent may still come back. At other times no ACK is taken for a
  /// cookie, so that guessed ones open nothing.
  bool expects_cookies(Instant now) const noexcept {
    return now < cookies_until_ || others_.of_siblings;
  }
  struct Redeemed {
    Segment syn;              ///< that the cookie was made for
    std::uint32_t ts_offset;  ///< of the connection, as the SYN-ACK had it
  };
  /// What the cookie in this ACK stands for; nullopt if the ACK carries no valid cookie.
  template <class Key>
  std::optional<Redeemed> redeem(const Key& key, const Segment& ack, const tcp::TcpSettings& tcp,
                                 Instant now) const noexcept;

  // -- giving up

  /// True if this handshake is to be given up when its timer fires. While is_pressed(), that is
  /// after one retransmission of the SYN-ACK: the block is then in use for three seconds, not for
  /// minutes. A handshake that reopens a TIME_WAIT is exempt, as its peer is known.
  bool gives_up(const ConnectionBlock& b, Instant now) const noexcept;

 private:
  void recount(std::int32_t change) noexcept;

  const SynPolicy* policy_;
  const std::uint32_t most_;
  std::uint32_t count_ = 0;  // passive opens in SYN_RECEIVED
  bool pressed_ = false;
  Instant cookies_until_;  // cookies sent so far are valid until then
  FlowSecret secret_;
  OtherCookies others_;
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
  const std::uint32_t limit = std::min(policy_->half_open, most_);
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
