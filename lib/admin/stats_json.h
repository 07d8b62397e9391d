// A shard's counters as JSON: the machine-readable result of serve, and of the server's side of the
// lab.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "base/result.h"
#include "base/time.h"
#include "flow/metrics.h"
#include "service/counters.h"

namespace mayfly::admin {

/// Connections that ended with both FINs exchanged.
std::uint64_t completed_of(const flow::ShardStats& stats);

/// The keys of `serve` except `service`. `active` is the time from the first connection to the
/// last, the base of `cps`.
nlohmann::ordered_json server_json(std::span<const flow::ShardStats> cores, Duration active);

/// The keys under `service`, for the services of all cores together.
nlohmann::ordered_json service_json(const service::ServiceCounters& counters);

/// Every key that server_json and service_json may write, for doc/json.md.
std::vector<JsonKey> serve_json_keys();

/// The states that a connection is counted in, in the order of its life.
inline constexpr auto kCountedStates = std::to_array<tcp::State>(
    {tcp::State::syn_sent, tcp::State::syn_received, tcp::State::established,
     tcp::State::fin_wait_1, tcp::State::fin_wait_2, tcp::State::close_wait, tcp::State::closing,
     tcp::State::last_ack});
/// "fin_wait_1": a state's name as a key.
std::string key_of(tcp::State state);

/// Writes `json` to the file, or standard output for "-".
Result<void> write_json(const std::string& path, const nlohmann::ordered_json& json);

}  // namespace mayfly::admin
