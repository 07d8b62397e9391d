#include "run/telemetry.h"

#include <rte_telemetry.h>

#include <cmath>
#include <mutex>
#include <string>
#include <utility>

namespace mayfly::run {
namespace {

using Json = nlohmann::ordered_json;

// DPDK hands nothing of ours to a command.
std::mutex answering;
std::function<Json()> answered;

/// Adds each number below `json` under its path, "time_wait_now": DPDK permits no dots in names.
/// What is beyond the entries that an answer may have is left out.
void add_numbers(rte_tel_data& data, const std::string& path, const Json& json) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items())
      add_numbers(data, path.empty() ? key : path + "_" + key, value);
  } else if (json.is_number_float()) {
    rte_tel_data_add_dict_u64(&data, path.c_str(),
                              static_cast<std::uint64_t>(std::llround(json.get<double>())));
  } else if (json.is_number()) {
    rte_tel_data_add_dict_u64(&data, path.c_str(), json.get<std::uint64_t>());
  }
}

int stats(const char*, const char*, rte_tel_data* data) {
  const std::lock_guard guard(answering);
  rte_tel_data_start_dict(data);
  if (answered) add_numbers(*data, "", answered());
  return 0;
}

}  // namespace

Telemetry::Telemetry(std::function<Json()> stats_of) {
  const std::lock_guard guard(answering);
  answered = std::move(stats_of);
  rte_telemetry_register_cmd("/mayfly/stats", stats,
                             "Returns the counters, rounded to whole numbers. Takes no parameters");
}

Telemetry::~Telemetry() {
  const std::lock_guard guard(answering);
  answered = nullptr;
}

std::unique_ptr<Telemetry> telemetry(const nic::ProcessSettings& process,
                                     std::function<Json()> stats_of) {
  return process.telemetry ? std::make_unique<Telemetry>(std::move(stats_of)) : nullptr;
}

}  // namespace mayfly::run
