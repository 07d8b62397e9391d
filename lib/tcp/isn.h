// Initial sequence numbers and timestamp offsets that outsiders cannot guess.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "wire/seq.h"

namespace mayfly::tcp {

/// 128 secret bits, drawn at the start of the process (in the simulator, from its seed).
using Secret = std::array<std::uint64_t, 2>;

/// RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secret), M a 4 us timer; F is
/// SipHash-2-4 over `key`, the flow key's bytes. Rises monotonically for each four-tuple.
Seq initial_sequence(std::span<const std::byte> key, const Secret& secret, Instant now) noexcept;

/// RFC 7323 7.1, RFC 6191 4: one offset for each pair of hosts, so that timestamps are monotonic
/// between them across connections. `hosts`: both addresses' bytes, local first.
std::uint32_t timestamp_offset(std::span<const std::byte> hosts, const Secret& secret) noexcept;

}  // namespace mayfly::tcp
