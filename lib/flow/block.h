// A live connection as the stack holds it: the TCP control block, what it has to send, what it
// received and has not handed on, and the app's own words.
#pragma once

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
    pending = tcp::conn_flag::user << 0,      ///< in the list of blocks that want output
    dead = tcp::conn_flag::user << 1,         ///< off the flow table; freed by the pending list
    opened = tcp::conn_flag::user << 2,       ///< the app has seen on_open (or opened it itself)
    owes_rst = tcp::conn_flag::user << 3,     ///< aborted: an RST with SND.NXT is to be sent
    close_later = tcp::conn_flag::user << 5,  ///< close() came before TCP had all text
    close_later_both = tcp::conn_flag::user << 6,
    half_open = tcp::conn_flag::user << 7;  ///< a passive open that is counted as under way
// clang-format on
}  // namespace block_flag

struct ConnectionBlock {
  tcp::Connection tcp;

  TxQueue tx;    ///< 32 bytes
  AppState app;  ///< 32 bytes

  std::uint64_t unannounced = 0;  ///< queued bytes beyond what TCP was told of (it counts to 2^30)
  Instant wake_at = Instant::never();
  Instant armed_for = Instant::never();  ///< what tcp.timer is armed for
  RxQueue rx;
  std::uint32_t time_wait_record =
      kNoIndex;  ///< the entry this incarnation replaces until it is proven
  std::uint32_t next_pending = kNoIndex;
  std::uint32_t next_free = kNoIndex;
  std::uint32_t generation = 0;  ///< counts the block's lives
  std::uint32_t hash = 0;        ///< the key's, in the flow table
  std::uint16_t local_port = 0;  ///< host order
  std::uint8_t port = 0;         ///< which of the shard's ports
};

}  // namespace mayfly::flow
