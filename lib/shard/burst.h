// The frames of one receive call, on their way through a shard (receive.h): parsed, their flows
// listed, found, and handled in the order in which they came.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/burst.h"
#include "wire/flow_key.h"
#include "wire/parse.h"

namespace mayfly::shard {

/// Owned by one shard, and made once: only what is listed in it has a meaning. Frames are numbered
/// in the order in which they came.
template <class Frame>
struct Burst {
  std::array<Frame, kBurstMax> frames;
  std::array<wire::ParsedFrame, kBurstMax> parsed;
  std::array<FlowKey6, kBurstMax> sixes;  // the four-tuples of the IPv6 segments, by frame
  // The look-ups, those of IPv4 from the front and those of IPv6 from the end, in each array. A
  // key of IPv6 is in `keys` by its name.
  std::array<const FlowKey4*, kBurstMax> keys;
  std::array<const FlowKey6*, kBurstMax> keys6;
  std::array<std::uint32_t, kBurstMax> hashes;
  std::array<std::int32_t, kBurstMax> positions;
  std::array<std::uint8_t, kBurstMax> look_up;  // frame -> its place among them
  std::array<std::uint8_t, kBurstMax> missed;   // places without a live connection
  std::array<std::uint64_t, 4> made;            // a bit for each hash of a flow made in this burst
  std::size_t fours_listed = 0, sixes_listed = 0;
  std::size_t put_off = 0;  // SYNs among them that wait in the backlog
  std::size_t passed = 0;   // SYNs among them that need not
  std::size_t others = 0;   // frames handled in this poll, on all links
  std::uint32_t epoch = 0;

  void note_made(std::uint32_t hash) noexcept {
    made[hash / 64 % made.size()] |= std::uint64_t{1} << hash % 64;
  }
  // False: no flow with this hash was made in this burst.
  bool may_have_made(std::uint32_t hash) const noexcept {
    return (made[hash / 64 % made.size()] >> hash % 64 & 1) != 0;
  }
  void begin() noexcept { fours_listed = sixes_listed = put_off = passed = 0; }
  const FlowKey6* six(std::size_t frame) const noexcept {
    return parsed[frame].is_ipv6() ? &sixes[frame] : nullptr;
  }
  // The flow of a segment is to be found.
  void list(std::size_t frame, std::uint32_t hash) noexcept {
    std::size_t place = fours_listed;
    if (parsed[frame].is_ipv6()) [[unlikely]] {
      place = kBurstMax - ++sixes_listed;
      keys6[place] = &sixes[frame];
    } else {
      ++fours_listed;
    }
    look_up[frame] = static_cast<std::uint8_t>(place);
    keys[place] = &parsed[frame].key;
    hashes[place] = hash;
  }
};

}  // namespace mayfly::shard
