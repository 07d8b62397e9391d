// What a shard and its app go by. ShardSettings and CloseSettings may change while it runs: a
// snapshot, swapped at a burst boundary.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "flow/memory.h"
#include "flow/settings.h"
#include "tcp/settings.h"

namespace mayfly::shard {

struct ShardSettings {
  tcp::TcpSettings tcp;
  flow::TimeWaitPolicy time_wait;
  flow::SynPolicy syn;
};

/// Who closes a connection first. `reset`: the client, with a reset.
enum class Closer : std::uint8_t { server, client, reset };

struct CloseSettings {
  Closer first = Closer::server;
  Duration grace =
      Duration::from_ms(200);  ///< first: client: how long the server waits for its FIN
  bool abort = false;          ///< the server closes with RST; of a client: that is the planned end
};

/// One end of the connections, a server or a client, whatever its ports are: what both kinds of
/// app and their shards have in common.
struct EndSettings {
  std::vector<std::uint32_t> cores{0};   ///< one shard each
  flow::ConnectionSettings connections;  ///< sized at the start
  ShardSettings shard;
  CloseSettings close;

  /// The memory that each of its shards takes at the start.
  flow::ShardSizes sizes() const {
    return {.connections = connections.capacity,
            .time_wait = shard.time_wait.capacity,
            .chunks = connections.send_chunks,
            .receive_buffers = connections.receive_buffers,
            .receive_window = shard.tcp.receive_window};
  }
};

}  // namespace mayfly::shard
