// The last timestamp of each remote host. Linux's tcp_tw_recycle kept these, and because of them it
// silently dropped clients behind one NAT, whose clocks differ. Here to demonstrate that hazard.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "wire/flow_key.h"

namespace mayfly::flow {

/// One remote host and its last timestamp.
struct HostStamp {
  std::uint32_t ip = 0;       ///< as in FlowKey4; 0 = unused
  std::uint32_t ts_val = 0;   ///< its last TSval when a connection with it closed last
  std::uint32_t seen_ms = 0;  ///< when, as Instant::ts_ms
};

/// A cache of fixed size, as Linux's was, in sets of four places. A new host replaces the oldest in
/// its set.
class HostStamps {
 public:
  static constexpr std::size_t kWays = 4;

  HostStamps() = default;
  /// `places` outlive this object. Their number is a power of two, at least kWays.
  explicit HostStamps(std::span<HostStamp> places) : places_(places) {}

  /// Records TSval `ts_val` for the host at key.remote_ip.
  void remember(const FlowKey4& key, std::uint32_t ts_val, Instant now) noexcept {
    const std::span<HostStamp> set = set_of(key.remote_ip);
    auto place = std::ranges::find(set, key.remote_ip, &HostStamp::ip);
    if (place == set.end())
      place = std::ranges::max_element(set, {}, [&](auto& s) { return age_ms(s, now); });
    *place = {key.remote_ip, ts_val, now.ts_ms()};
  }

  /// True if the host's TSval was recorded less than a minute ago (Linux's TCP_PAWS_MSL), and that
  /// of a SYN is more than one tick (TCP_PAWS_WINDOW) behind it, or the SYN has none.
  bool is_old(const FlowKey4& key, std::optional<std::uint32_t> ts_val,
              Instant now) const noexcept {
    constexpr std::uint32_t kPawsMslMs = 60'000;
    const std::span<HostStamp> set = set_of(key.remote_ip);
    const auto place = std::ranges::find(set, key.remote_ip, &HostStamp::ip);
    if (place == set.end() || age_ms(*place, now) >= kPawsMslMs) return false;
    return !ts_val || static_cast<std::int32_t>(place->ts_val - *ts_val) > 1;
  }

 private:
  static std::uint32_t age_ms(const HostStamp& s, Instant now) noexcept {
    return s.ip == 0 ? ~0u : now.ts_ms() - s.seen_ms;
  }
  std::span<HostStamp> set_of(std::uint32_t ip) const noexcept {
    const std::size_t sets = places_.size() / kWays;
    return places_.subspan((mix(ip) & (sets - 1)) * kWays, kWays);
  }
  /// Neighbouring addresses fall into different sets (the finalizer of MurmurHash3).
  static std::uint32_t mix(std::uint32_t ip) noexcept {
    ip = (ip ^ (ip >> 16)) * 0x85eb'ca6b;
    ip = (ip ^ (ip >> 13)) * 0xc2b2'ae35;
    return ip ^ (ip >> 16);
  }

  std::span<HostStamp> places_;
};

}  // namespace mayfly::flow
