// Both directions go through open_passive, so a cookie agrees to exactly what a connection would.
#include "tcp/syn_cookie.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.h"
#include "base/siphash.h"
#include "tcp/input.h"

namespace mayfly::tcp {
namespace {

/// The MSS values that three bits can tell apart: the least that is accepted, RFC 9293's default,
/// and what is common on links of 1,500 bytes with and without tunnels.
constexpr std::array<std::uint16_t, 8> kMss{kMssMin, 216, 536, 1'200, 1'360, 1'440, 1'452, 1'460};
constexpr std::uint32_t kMssMask = kMss.size() - 1;

/// The low bits of TSval: the window scale's shift, or that there is none, and SACK.
constexpr std::uint32_t kStampMask = 0x1f, kNoScale = 0x0f, kSack = 0x10;

std::uint32_t slot_of(Instant now) noexcept {
  return static_cast<std::uint32_t>(now.us / kCookieLife.us);
}

/// `stamped`: the SYN-ACK has timestamps, so that their absence from the ACK can be told.
std::uint64_t keyed_hash(const CookieFlow& flow, Seq peer_iss, std::uint32_t slot,
                         bool stamped) noexcept {
  // Not the key of the ISN and the timestamp offset.
  constexpr std::uint64_t kPurpose = 0x636f'6f6b'6965'7321, kPurposeStamped = kPurpose + 1;
  constexpr std::size_t kKeyMax = 40;
  std::array<std::byte, kKeyMax + 2 * sizeof(std::uint32_t)> message;
  MAYFLY_ASSERT(flow.key.size() <= kKeyMax);
  std::byte* at = std::copy(flow.key.begin(), flow.key.end(), message.data());
  std::memcpy(at, &peer_iss.raw, sizeof peer_iss.raw);
  std::memcpy(at + sizeof peer_iss.raw, &slot, sizeof slot);
  const std::size_t size = flow.key.size() + sizeof peer_iss.raw + sizeof slot;
  return siphash24(std::span(message).first(size),
                   {flow.secret[0] ^ (stamped ? kPurposeStamped : kPurpose), flow.secret[1]});
}

/// 29 bits of the hash, and the MSS masked with three others.
std::uint32_t cookie_of(std::uint64_t hash, std::uint32_t mss_index) noexcept {
  const auto low = static_cast<std::uint32_t>(hash), high = static_cast<std::uint32_t>(hash >> 32);
  return (low & ~kMssMask) | ((high ^ mss_index) & kMssMask);
}

std::uint32_t mss_index_of(const Segment& syn) noexcept {
  const std::uint16_t wanted =
      std::max<std::uint16_t>(syn.carries(wire::tcp_option::mss) ? syn.mss : 536,
                              kMssMin);  // RFC 9293 MUST-15
  return static_cast<std::uint32_t>(std::upper_bound(kMss.begin(), kMss.end(), wanted) -
                                    kMss.begin() - 1);
}

/// The clock with `options` in its low bits, not ahead of it.
std::uint32_t stamp_with(std::uint32_t clock, std::uint32_t options) noexcept {
  const std::uint32_t stamp = (clock & ~kStampMask) | options;
  return static_cast<std::int32_t>(stamp - clock) > 0 ? stamp - (kStampMask + 1) : stamp;
}

/// What the SYN offered beside the MSS, for a cookie whose SYN-ACK had timestamps.
void add_options(Segment& syn, const Segment& ack, const CookieFlow& flow) noexcept {
  syn.options |= wire::tcp_option::timestamps;
  if (!ack.carries(wire::tcp_option::timestamps)) {
    // Blanked on the way, and SACK and the scale with them. The peer may scale our window or not,
    // and its own: the lesser of both readings is safe. With a scale of ours the window that it
    // believes in is at most the one that it has, and its own is taken as it stands.
    syn.options |= wire::tcp_option::window_scale;
    return;
  }
  syn.ts.val = ack.ts.val;
  const std::uint32_t stamp = ack.ts.echo - flow.ts_offset;
  const std::uint32_t scale = stamp & kNoScale;
  if (scale != kNoScale) {
    syn.options |= wire::tcp_option::window_scale;
    syn.window_scale = static_cast<std::uint8_t>(scale);
  }
  if ((stamp & kSack) != 0) syn.options |= wire::tcp_option::sack_permitted;
}

}  // namespace

Emission cookie_syn_ack(const Segment& syn, const CookieFlow& flow, const TcpSettings& cfg,
                        Instant now) noexcept {
  Segment kept = syn;
  kept.flags &= static_cast<std::uint8_t>(~(wire::tcp_flag::ece | wire::tcp_flag::cwr));  // nor ECN
  const bool stamped = cfg.timestamps && syn.carries(wire::tcp_option::timestamps);
  if (!stamped)  // nowhere to keep them
    kept.options &= static_cast<std::uint8_t>(
        ~(wire::tcp_option::window_scale | wire::tcp_option::sack_permitted));
  MAYFLY_ASSERT(syn.has(wire::tcp_flag::syn));
  const Seq cookie{cookie_of(keyed_hash(flow, syn.seq, slot_of(now), stamped), mss_index_of(syn))};
  Connection c;
  open_passive(c, kept, cookie, flow.ts_offset, cfg, now);
  const std::uint32_t scale = c.has(conn_flag::window_scale) ? c.snd_wind_shift : kNoScale;
  const std::uint32_t options = scale | (c.has(conn_flag::sack) ? kSack : 0);
  c.ts_offset += stamp_with(now.ts_ms(), options) - now.ts_ms();
  Emission e;
  const bool said = next_emission(c, cfg, now, e);
  MAYFLY_ASSERT(said);
  return e;
}

std::optional<Segment> syn_of_cookie(const Segment& ack, const CookieFlow& flow,
                                     const TcpSettings& cfg, Instant now) noexcept {
  const Seq peer_iss = ack.seq - 1, cookie = ack.ack - 1;
  const std::uint32_t slot = slot_of(now);
  for (const std::uint32_t made : {slot, slot - 1}) {
    for (const bool stamped : {true, false}) {
      const std::uint64_t hash = keyed_hash(flow, peer_iss, made, stamped);
      const std::uint32_t mss_index =
          (cookie.raw ^ static_cast<std::uint32_t>(hash >> 32)) & kMssMask;
      if (cookie_of(hash, mss_index) != cookie.raw) continue;
      Segment syn;
      syn.seq = peer_iss;
      syn.flags = wire::tcp_flag::syn;
      syn.window = ack.window;
      syn.options = wire::tcp_option::mss;
      syn.mss = kMss[mss_index];
      if (stamped && cfg.timestamps) add_options(syn, ack, flow);
      return syn;
    }
  }
  return std::nullopt;
}

void open_from_cookie(Connection& c, const Segment& syn, const Segment& ack,
                      std::uint32_t ts_offset, const TcpSettings& cfg, Instant now) noexcept {
  MAYFLY_ASSERT(ack.has(wire::tcp_flag::ack));
  open_passive(c, syn, ack.ack - 1, ts_offset, cfg, now);
  c.snd_nxt = c.snd_max = ack.ack;
}

}  // namespace mayfly::tcp
