#include "load/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "load/schedule.h"
#include "load/words.h"
#include "wire/print.h"

namespace mayfly::load {
namespace {

/// Our end holds the source if it closes first, or takes the TIME_WAIT over from the end that did.
Duration hold_of(const ClientSettings& settings) noexcept {
  const bool takes_over =
      settings.close.first == shard::Closer::server && settings.shard.time_wait.hand_over;
  if (settings.close.first != shard::Closer::client && !takes_over) return {};
  const bool reuses = settings.shard.time_wait.reuse == 1 && settings.shard.tcp.timestamps;
  return reuses ? std::min(settings.shard.time_wait.hold, settings.shard.time_wait.reuse_delay)
                : settings.shard.time_wait.hold;
}

/// When more sources are held than there are for the first time, or max() if that is after the run.
/// The number held at t is that of the starts in (t - hold, t]. It does not fall while the rate
/// does not fall.
Duration sources_last(const LoadShape& shape, std::uint64_t sources, Duration hold) noexcept {
  const auto short_at = [&](Duration t) {
    return starts_before(shape, t) - starts_before(shape, t - hold) > sources;
  };
  Duration late = shape.duration > Duration{} ? shape.duration : shape.ramp + hold + hold;
  if (shape.connections > 0) late = std::min(late, intended_start(shape, shape.connections));
  if (!short_at(late)) return Duration::max();
  for (Duration early{}; late - early > Duration::from_ms(1);) {
    const Duration middle = early + (late - early) / 2;
    (short_at(middle) ? late : early) = middle;
  }
  return late;
}

}  // namespace

std::string address_of(const TargetSettings& target) {
  return target.six ? "[" + to_string(*target.six) + "]" : to_string(target.address);
}

std::uint64_t addresses_of(const SourceSettings& sources) noexcept {
  return std::uint64_t{sources.last.host} - sources.first.host + 1;
}

std::uint32_t ports_of(const SourceSettings& sources) noexcept {
  return static_cast<std::uint32_t>(sources.port_last) - sources.port_first + 1;
}

std::uint32_t usable_sources(const SourceSettings& sources) noexcept {
  const std::uint64_t all = addresses_of(sources) * ports_of(sources);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(all, kSourcesMax));
}

TuplePlan plan_tuples(const ClientSettings& settings) noexcept {
  const LoadShape& shape = settings.load;
  TuplePlan plan{.addresses = addresses_of(settings.sources),
                 .ports = ports_of(settings.sources),
                 .sources = usable_sources(settings.sources),
                 .hold = hold_of(settings),
                 .rate = shape.concurrency == 0 ? shape.rate : 0,
                 .concurrency = shape.concurrency,
                 .lasts = Duration::max()};
  const auto sources = static_cast<double>(plan.sources);
  if (plan.hold > Duration{}) plan.rate_max = sources / plan.hold.seconds();
  plan.short_of_sources =
      plan.concurrency > plan.sources || (plan.rate_max > 0 && plan.rate > plan.rate_max);
  if (plan.short_of_sources && plan.rate > 0)
    plan.lasts = sources_last(shape, plan.sources, plan.hold);
  return plan;
}

std::string arithmetic_of(const TuplePlan& plan) {
  std::string words =
      fmt::format("{} port{} x {} address{} = {} sources", grouped(plan.ports),
                  plan.ports == 1 ? "" : "s", grouped(plan.addresses),
                  plan.addresses == 1 ? "" : "es", grouped(plan.addresses * plan.ports));
  if (plan.sources < plan.addresses * plan.ports)
    words += fmt::format(", of which {} are used", grouped(plan.sources));
  if (plan.rate_max > 0)
    words += fmt::format("; held {:.6g} s each: at most {} connections/s", plan.hold.seconds(),
                         grouped(plan.rate_max));
  if (plan.rate > 0) words += fmt::format("; offered {}/s", grouped(plan.rate));
  if (plan.concurrency > 0) words += fmt::format("; {} at once", grouped(plan.concurrency));
  return words;
}

std::string warning_of(const TuplePlan& plan) {
  if (!plan.short_of_sources) return {};
  std::string words = "too few sources: " + arithmetic_of(plan);
  if (plan.rate > 0 && plan.lasts < Duration::max())
    words += fmt::format("; they run out after {:.1f} s", plan.lasts.seconds());
  else if (plan.rate > 0)
    words += "; this run ends before they run out";
  return words + ". More sources, a shorter time_wait.hold or close.first: server helps";
}

Result<void> check_sources(const ClientSettings& settings) {
  if (settings.load.overcommit) return {};
  const TuplePlan plan = plan_tuples(settings);
  const bool runs_out = plan.concurrency > plan.sources || plan.lasts < Duration::max();
  if (!runs_out) return {};
  return Error{warning_of(plan) + "; to run it all the same: load.overcommit: true",
               ErrorKind::usage};
}

}  // namespace mayfly::load
