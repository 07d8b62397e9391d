// The hazard lab's book: what both ends saw of each incarnation, and which harm that amounts to.
//
// An incarnation has a tag, 64 random bits that its text repeats from the first octet to the last.
// An octet that does not fit belongs to another incarnation: an old duplicate was taken for new
// (RFC 1337 H1). The book is kept from outside the two ends, so it also knows what neither can.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/prng.h"
#include "base/slab.h"
#include "lab/result.h"
#include "shard/app.h"

namespace mayfly {

/// What one end of an incarnation saw.
struct EndView {
  bool opened = false;       ///< the handshake was complete
  bool peer_closed = false;  ///< the peer's FIN was taken
  bool closed = false;       ///< this end has closed, or aborted
  bool aborted = false;      ///< with RST, and on purpose: the policy closes like that
  bool gave_up = false;      ///< nothing had happened for too long
  bool ended = false;
  CloseReason reason = CloseReason::done;  ///< once it ended
  std::uint32_t received = 0;              ///< octets
};

struct Incarnation {
  std::uint64_t tag = 0;
  std::uint32_t request = 0, answer = 0;  ///< octets that client and server send
  EndView client, server;
  std::uint32_t old_data = 0;  ///< texts and FINs taken that are not its own
  bool syn_arrived = false;    ///< at the server
  bool answered = false;       ///< the server sent it something after that
};

/// A stretch of an incarnation's text, long enough for Conn::send_repeating.
using HazardText = std::array<std::byte, 4'096>;

/// Are these the octets that `tag`'s text has from `offset` on?
bool is_text_of(std::uint64_t tag, std::uint64_t offset, std::span<const std::byte> text) noexcept;

/// Writes the text of `tag` from its first octet on.
void write_text_of(std::uint64_t tag, std::span<std::byte> text) noexcept;

class HazardLedger {
 public:
  explicit HazardLedger(std::uint64_t seed) : tags_(seed) {}

  /// A new incarnation's index.
  std::uint32_t begin(std::uint32_t request, std::uint32_t answer);
  Incarnation& operator[](std::uint32_t index) noexcept { return all_[index]; }
  const Incarnation& operator[](std::uint32_t index) const noexcept { return all_[index]; }
  /// kNoIndex: nobody's.
  std::uint32_t find(std::uint64_t tag) const noexcept;

  /// The server met a first text that no open client had sent.
  void count_stranger() noexcept { ++strangers_; }
  /// The server gave up a connection of which nothing was ever heard.
  void count_ghost() noexcept { ++ghosts_; }

  /// Adds what there was to the row.
  void add_to(LedgerRow& row) const noexcept;

 private:
  Prng tags_;
  std::vector<Incarnation> all_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_tag_;
  std::uint64_t strangers_ = 0, ghosts_ = 0;
};

}  // namespace mayfly
