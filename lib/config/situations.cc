#include "config/situations.h"

#include <algorithm>

#include "world/as_proxy.h"

namespace mayfly::config {
namespace {

/// RFC 6298 2.4: on a wire as short as the lab's, RTO is at its least.
Duration recycled(const shard::ShardSettings& shard) { return shard.tcp.rto_min * 7 / 2; }

void hasten(shard::ShardSettings& shard, std::uint32_t clock) {
  flow::TimeWaitPolicy& policy = shard.time_wait;
  if (policy.recycle && shard.tcp.timestamps) policy.hold = std::min(policy.hold, recycled(shard));
  policy.hold = policy.hold / clock;
  policy.floor = policy.floor / clock;
  policy.reuse_delay = policy.reuse_delay / clock;
  for (flow::NearPrefix& near : policy.nearness) near.hold = near.hold / clock;
}

}  // namespace

LabExperiment experiment_in(const lab::SituationSettings& situation, const std::string& policy) {
  LabExperiment experiment;
  experiment.name = std::string(world::name_of(situation.situation)) + "." + policy;
  experiment.title = policy;
  experiment.situation = situation.situation;
  experiment.share = situation.share;
  experiment.warm_up = situation.warm_up;
  return experiment;
}

void put_into(const lab::SituationSettings& situation, BothEnds& ends) {
  if (situation.situation == world::Situation::proxy) {
    world::EndPolicies proxy = world::as_proxy({ends.server, ends.client});
    static_cast<shard::EndSettings&>(ends.server) = std::move(proxy.server);
    static_cast<shard::EndSettings&>(ends.client) = std::move(proxy.client);
  }
  if (situation.capacity > 0) ends.server.shard.time_wait.capacity = situation.capacity;
  hasten(ends.server.shard, situation.clock);
  hasten(ends.client.shard, situation.clock);
}

}  // namespace mayfly::config
