#include "load/results.h"

#include <algorithm>
#include <numeric>

namespace mayfly::load {

namespace {

#define MAYFLY_X(name, help) , #name
constexpr std::array<std::string_view, kFailureCount> kNames{"none" MAYFLY_LOAD_FAILURES(MAYFLY_X)};
#undef MAYFLY_X
#define MAYFLY_X(name, help) , help
constexpr std::array<std::string_view, kFailureCount> kHelps{"" MAYFLY_LOAD_FAILURES(MAYFLY_X)};
#undef MAYFLY_X

#define MAYFLY_X(name, failure, help) #name,
constexpr std::array<std::string_view, kCauseCount> kCauseNames{MAYFLY_LOAD_CAUSES(MAYFLY_X)};
#undef MAYFLY_X
#define MAYFLY_X(name, failure, help) help,
constexpr std::array<std::string_view, kCauseCount> kCauseHelps{MAYFLY_LOAD_CAUSES(MAYFLY_X)};
#undef MAYFLY_X
#define MAYFLY_X(name, failure, help) Failure::failure,
constexpr std::array<Failure, kCauseCount> kFailures{MAYFLY_LOAD_CAUSES(MAYFLY_X)};
#undef MAYFLY_X

}  // namespace

std::string_view name_of(Cause cause) noexcept {
  return kCauseNames[static_cast<std::size_t>(cause)];
}

std::string_view help_of(Cause cause) noexcept {
  return kCauseHelps[static_cast<std::size_t>(cause)];
}

std::string_view name_of(Failure failure) noexcept {
  return kNames[static_cast<std::size_t>(failure)];
}

std::string_view help_of(Failure failure) noexcept {
  return kHelps[static_cast<std::size_t>(failure)];
}

Failure failure_of(Cause cause) noexcept { return kFailures[static_cast<std::size_t>(cause)]; }

std::uint64_t LoadCounters::failures(Failure why) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < causes.size(); ++i)
    if (kFailures[i] == why) sum += causes[i];
  return sum;
}

std::uint64_t LoadCounters::failed_total() const noexcept {
  return std::accumulate(causes.begin(), causes.end(), std::uint64_t{0});
}

void LoadCounters::merge(const LoadCounters& other) noexcept {
  for (const auto& metric : kLoadMetrics) this->*metric.value += other.*metric.value;
  for (std::size_t i = 0; i < causes.size(); ++i) causes[i] += other.causes[i];
}

void LoadResults::merge(const LoadResults& other) noexcept {
  counters.merge(other.counters);
  statuses.merge(other.statuses);
  latency.merge(other.latency);
  connect_latency.merge(other.connect_latency);
  request_latency.merge(other.request_latency);
  if (!silent.is_known()) silent = other.silent;
  ran = std::max(ran, other.ran);
}

}  // namespace mayfly::load
