#include "wire/tcp_options.h"

#include "base/assert.h"
#include "base/endian.h"
#include "wire/layout.h"
#include "wire/options.h"

namespace mayfly::wire {
namespace {

/// RFC 9293 3.7.1, RFC 7323 2.2, RFC 2018 2: sent on SYN segments only, meaningless elsewhere.
void take_syn_option(std::uint8_t kind, std::span<const std::byte> option,
                     Segment& segment) noexcept {
  if (kind == tcp_option_kind::mss && option.size() == tcp_option_size::mss) {
    segment.options |= tcp_option::mss;
    segment.mss = load_be16(&option[2]);
  } else if (kind == tcp_option_kind::window_scale &&
             option.size() == tcp_option_size::window_scale) {
    segment.options |= tcp_option::window_scale;
    segment.window_scale = load_u8(&option[2]);
  } else if (kind == tcp_option_kind::sack_permitted &&
             option.size() == tcp_option_size::sack_permitted) {
    segment.options |= tcp_option::sack_permitted;
  }
}

/// RFC 2018 3: 8n + 2 bytes for n blocks. An option without blocks says nothing.
void take_sack(std::span<const std::byte> frame, std::span<const std::byte> option,
               Segment& segment) noexcept {
  const std::size_t blocks = (option.size() - tcp_option_size::sack) / tcp_option_size::sack_block;
  if (blocks == 0 ||
      option.size() != tcp_option_size::sack + blocks * tcp_option_size::sack_block) {
    return;
  }
  MAYFLY_ASSERT(blocks <= kSackBlocksMax);  // a header has at most 40 bytes of options
  segment.options |= tcp_option::sack;
  segment.sack_count = static_cast<std::uint8_t>(blocks);
  segment.sack_off =
      static_cast<std::uint16_t>(option.data() - frame.data() + tcp_option_size::sack);
}

}  // namespace

void take_timestamps(const std::byte* value, Segment& segment) noexcept {
  segment.options |= tcp_option::timestamps;
  segment.ts.val = load_be32(value);
  // RFC 7323 3.2: TSecr is to be ignored unless the ACK bit is set.
  if (segment.has(tcp_flag::ack)) segment.ts.echo = load_be32(value + 4);
}

bool read_tcp_options(std::span<const std::byte> frame, std::size_t begin, std::size_t end,
                      Segment& segment) noexcept {
  MAYFLY_ASSERT(begin <= end && end <= frame.size());
  return walk_options(
      frame.subspan(begin, end - begin), [&](std::uint8_t kind, std::span<const std::byte> option) {
        if (kind == tcp_option_kind::timestamps && option.size() == tcp_option_size::timestamps) {
          take_timestamps(&option[2], segment);
        } else if (kind == tcp_option_kind::sack) {
          take_sack(frame, option, segment);
        } else if (segment.has(tcp_flag::syn)) {
          take_syn_option(kind, option, segment);
        }
      });
}

}  // namespace mayfly::wire
