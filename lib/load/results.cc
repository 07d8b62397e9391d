#include "load/results.h"

#include <algorithm>
#include <numeric>

namespace mayfly {

std::string_view name_of(Failure failure) noexcept {
  // clang-format off
  static constexpr std::array<std::string_view, kFailureCount> kNames{
      "none",
#define MAYFLY_X(name, help) #name,
      MAYFLY_LOAD_FAILURES(MAYFLY_X)
#undef MAYFLY_X
  };
  // clang-format on
  return kNames[static_cast<std::size_t>(failure)];
}

std::uint64_t LoadCounters::failed_total() const noexcept {
  return std::accumulate(failed.begin(), failed.end(), std::uint64_t{0});
}

void LoadCounters::merge(const LoadCounters& other) noexcept {
  offered += other.offered;
  behind += other.behind;
  opened += other.opened;
  established += other.established;
  completed += other.completed;
  open += other.open;
  requests += other.requests;
  responses += other.responses;
  bytes += other.bytes;
  port_exhausted += other.port_exhausted;
  for (std::size_t i = 0; i < failed.size(); ++i) failed[i] += other.failed[i];
}

void LoadResults::merge(const LoadResults& other) noexcept {
  counters.merge(other.counters);
  latency.merge(other.latency);
  connect_latency.merge(other.connect_latency);
  ran = std::max(ran, other.ran);
}

}  // namespace mayfly
