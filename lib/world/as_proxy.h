// A policy where the client is the end that closes first and holds, as a proxy does towards its
// upstreams. Presets are written for a server that closes first.
#pragma once

#include <utility>

#include "world/settings.h"

namespace mayfly::world {

/// The client follows what the policy says for the end that closes first, and the server what it
/// says for the other. The tables stay as large as they are, and `reuse` with the client, who
/// alone connects.
inline EndPolicies as_proxy(const EndPolicies& policy) {
  EndPolicies proxy = policy;
  const bool client_held = policy.server.close.first == shard::Closer::client;
  if (!client_held) {
    flow::TimeWaitPolicy &server = proxy.server.shard.time_wait,
                         &client = proxy.client.shard.time_wait;
    std::swap(server, client);
    std::swap(server.capacity, client.capacity);
    std::swap(server.reuse, client.reuse);
    std::swap(server.reuse_delay, client.reuse_delay);
  }
  const bool resets =
      policy.server.close.abort || policy.client.close.first == shard::Closer::reset;
  proxy.server.close.abort = false;
  proxy.server.close.first = shard::Closer::client;
  proxy.client.close.first = resets ? shard::Closer::reset : shard::Closer::client;
  return proxy;
}

}  // namespace mayfly::world
