#include "run/engine.h"

#include <sys/random.h>

#include "base/assert.h"

namespace mayfly {

Secret random_secret() {
  Secret secret{};
  const ssize_t got = getrandom(secret.data(), sizeof secret, 0);
  MAYFLY_ASSERT(got == static_cast<ssize_t>(sizeof secret));
  return secret;
}

ShardSettings shard_settings(const CommonSettings& settings) {
  return {.tcp = settings.tcp, .time_wait = settings.time_wait, .syn = settings.syn};
}

ShardSizes shard_sizes(const CommonSettings& settings) {
  ShardSizes sizes;
  sizes.connections = settings.connections.capacity;
  sizes.time_wait = settings.time_wait.capacity;
  sizes.chunks = settings.connections.send_chunks;
  sizes.receive_buffers = settings.connections.receive_buffers;
  sizes.receive_window = settings.tcp.receive_window;
  return sizes;
}

}  // namespace mayfly
