// A live connection as the stack holds it: the TCP control block, what it has to send, what it
// received and has not handed on, and the app's own words.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/slab.h"
#include "flow/app_state.h"
#include "flow/rx_queue.h"
#include "flow/tx_queue.h"
#include "tcp/connection.h"

namespace mayfly::flow {

/// Facts that the stack keeps in Connection::flags, above conn_flag::user.
namespace block_flag {
// clang-format off
inline constexpr std::uint32_t
    pending = tcp::conn_flag::user << 0,      ///< in the list of blocks with output to send
    dead = tcp::conn_flag::user << 1,         ///< off the flow table; freed by the pending list
    opened = tcp::conn_flag::user << 2,       ///< on_open was called, or the app opened it
    owes_rst = tcp::conn_flag::user << 3,     ///< aborted: an RST with SND.NXT is to be sent
    orphan = tcp::conn_flag::user << 4,       ///< in the list of Orphans
    close_later = tcp::conn_flag::user << 5,  ///< close() was called before TCP had all text
    close_later_both = tcp::conn_flag::user << 6,  ///< the same for close_both()
    half_open = tcp::conn_flag::user << 7;  ///< a passive open that is counted as under way
// clang-format on
}  // namespace block_flag

/// A tcp::LossRecord in the pool of a core.
struct PooledLossRecord : tcp::LossRecord {
  std::uint32_t next_free = kNoIndex;
  std::uint32_t owner = kNoIndex;  ///< the block that it is lent to
  Instant since;                   ///< for so long
};

/// One connection of a core. `Connections` owns the blocks and links them by index.
struct alignas(64) ConnectionBlock {
  tcp::Connection tcp;

  // -- the rest of its line 4
  AppState app;                                        ///< 32 bytes
  std::uint32_t older = kNoIndex, younger = kNoIndex;  ///< neighbours in the list of Orphans
  Instant opened_at;

  // -- line 5
  TxQueue tx;                          ///< 24 bytes
  Instant wake_at = Instant::never();  ///< when on_wake is due (Conn::wake_at)
  RxQueue rx;
  union {
    std::uint32_t next_pending = kNoIndex;  ///< the next block with output to send
    std::uint32_t next_free;                ///< the next free block (Slab)
  };
  std::uint32_t hash = 0;                      ///< of the four-tuple (FlowSecret::hash)
  std::uint32_t generation = 0;                ///< connections that the block has had before
  std::uint16_t local_port = 0;                ///< host order
  std::uint16_t retransmits = 0;               ///< segments sent again, up to 65,535
  std::uint8_t port = 0;                       ///< index of the shard's port
  tcp::State last_state = tcp::State::closed;  ///< Conn::last_state
  tcp::State counted_as = tcp::State::closed;  ///< in ShardStats::states; closed: not counted
  bool is_challenged : 1 = false;              ///< Conn::was_challenged
  /// The previous incarnation's TIME_WAIT entry is kept until the handshake is complete.
  bool on_trial : 1 = false;
};
static_assert(offsetof(ConnectionBlock, tx) == 5 * 64 && sizeof(ConnectionBlock) == 6 * 64);

/// The trial is over; was there one?
inline bool end_trial(ConnectionBlock& b) noexcept {
  const bool was = b.on_trial;
  b.on_trial = false;
  return was;
}

/// Queued bytes that TCP was not told of: it counts to 2^30.
inline std::uint64_t unannounced(const ConnectionBlock& b) noexcept {
  return b.tx.queued_after(b.tcp.snd_end);
}

}  // namespace mayfly::flow
