// The keys of a shard, each map with its own schema: connections, the protocol, TIME_WAIT, and how
// connections end.
#pragma once

#include "config/form.h"
#include "config/settings.h"

namespace mayfly::config {

/// Limits of long durations.
inline constexpr Duration kHour = 60_min, kWeek = kHour * (24 * 7);

Schema<shard::EndSettings> connection_schema();
Schema<shard::ShardSettings> tcp_schema();
Schema<tcp::TcpSettings> fin_wait_2_schema();
/// That of the client also has the reuse of its own TIME_WAITs.
Schema<flow::TimeWaitPolicy> time_wait_schema();
Schema<flow::TimeWaitPolicy> client_time_wait_schema();
Schema<shard::CloseSettings> serve_close_schema();
Schema<shard::CloseSettings> load_close_schema();
Schema<shard::ClusterSettings> cluster_schema();

}  // namespace mayfly::config
