// What nearly all frames are: TCP over untagged Ethernet, whole, without options of IPv4 or
// extension headers of IPv6. For these, parse_frame and emit_tcp have a way of their own, with a
// third of the instructions; what comes out is the same, which tests compare. For users of the wire
// layer: parse.h and emit.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/emit.h"
#include "wire/parse.h"

namespace mayfly::wire {

/// Parses the frame if it is plain, to our MAC address, and right in every way. False: `parsed`,
/// which is empty before, is as it was, and all that parse_frame asks is still to be asked, by
/// parse_unplain.
bool parse_plain_tcp(std::span<const std::byte> frame, const ParseRules& rules, RxChecks checks,
                     ParsedFrame& parsed) noexcept;
[[gnu::noinline]] bool parse_plain_tcp6(std::span<const std::byte> frame, const ParseRules& rules,
                                        RxChecks checks, ParsedFrame& parsed) noexcept;

/// A segment that emit_plain_tcp can write: without options, or with timestamps alone.
inline bool is_plain(const LinkHeader& link, const Emission& emission) noexcept {
  constexpr std::uint8_t kOthers = static_cast<std::uint8_t>(~tcp_option::timestamps);
  return link.vlan == 0 && (emission.options & kOthers) == 0;
}
using PayloadSum = std::optional<std::uint64_t>;
/// As emit_tcp: of a plain segment, and of any.
std::size_t emit_plain_tcp(std::span<std::byte> frame, const LinkHeader& link, const FlowKey4& key,
                           const Emission& emission, std::uint16_t ip_id, ChecksumBy ip,
                           ChecksumBy tcp, PayloadSum payload_sum) noexcept;
std::size_t emit_plain_tcp6(std::span<std::byte> frame, const LinkHeader& link, const FlowKey6& key,
                            const Emission& emission, ChecksumBy tcp,
                            PayloadSum payload_sum) noexcept;
[[gnu::noinline]] std::size_t emit_any_tcp(std::span<std::byte> frame, const LinkHeader& link,
                                           const FlowKey4& key, const Emission& emission,
                                           std::uint16_t ip_id, ChecksumBy ip, ChecksumBy tcp,
                                           PayloadSum payload_sum) noexcept;
[[gnu::noinline]] std::size_t emit_any_tcp6(std::span<std::byte> frame, const LinkHeader& link,
                                            const FlowKey6& key, const Emission& emission,
                                            ChecksumBy tcp, PayloadSum payload_sum) noexcept;

}  // namespace mayfly::wire

#include "wire/plain_inl.h"
