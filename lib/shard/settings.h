// What may change while a shard runs: a snapshot, swapped at a burst boundary.
#pragma once

#include "flow/settings.h"
#include "tcp/settings.h"

namespace mayfly {

struct ShardSettings {
  TcpSettings tcp;
  TimeWaitPolicy time_wait;
  SynPolicy syn;
};

}  // namespace mayfly
