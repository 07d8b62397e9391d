#include "load/part.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include "load/plan.h"
#include "wire/print.h"

namespace mayfly::load {
namespace {

/// A launcher, and the variables in which it says which of how many processes this is.
struct Launcher {
  const char *name, *rank, *size;
  std::uint32_t first;  ///< the rank of the first process
};
constexpr auto kLaunchers = std::to_array<Launcher>({
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", 0},
    {"MPICH", "PMI_RANK", "PMI_SIZE", 0},
    {"Slurm's job array", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 0},
    {"Slurm", "SLURM_PROCID", "SLURM_NTASKS", 0},
    {"Kubernetes", "JOB_COMPLETION_INDEX", "MAYFLY_PARTS", 0},
    {"GNU parallel", "PARALLEL_SEQ", "MAYFLY_PARTS", 1},
});

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Error usage(std::string what) { return {std::move(what), ErrorKind::usage}; }

/// The smallest task of an array is not always 0.
std::uint32_t first_rank(const Launcher& launcher, const Environment& environment) {
  if (std::string_view(launcher.rank) != "SLURM_ARRAY_TASK_ID") return launcher.first;
  return number_of(environment("SLURM_ARRAY_TASK_MIN").value_or("")).value_or(launcher.first);
}

Result<Share> part_by_environment(const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    const auto rank_text = environment(launcher.rank);
    if (!rank_text) continue;
    const auto size_text = environment(launcher.size);
    if (!size_text)
      return usage(
          fmt::format("--part auto: {} sets {}, but {} is not set: set it to the number "
                      "of parts",
                      launcher.name, launcher.rank, launcher.size));
    const auto rank = number_of(*rank_text), size = number_of(*size_text);
    const std::uint32_t first = first_rank(launcher, environment);
    if (!rank || !size || *rank < first || *rank - first >= *size || *size > kPartsMax)
      return usage(fmt::format("--part auto: {}={} and {}={} name no part of at most {}",
                               launcher.rank, *rank_text, launcher.size, *size_text, kPartsMax));
    return Share{*rank - first, *size};
  }
  return usage(
      "--part auto: no launcher has said which part this is; mpirun, srun, an indexed Job of "
      "Kubernetes and GNU parallel do. By hand: --part 1/3");
}

/// The `share`th of `count` runs into which first .. last is cut.
std::pair<std::uint32_t, std::uint32_t> run_of(std::uint32_t first, std::uint32_t last,
                                               Share share) noexcept {
  const std::uint64_t all = std::uint64_t{last} - first + 1;
  const auto cut = [&](std::uint64_t index) {
    return static_cast<std::uint32_t>(first + all * index / share.count);
  };
  return {cut(share.index), cut(share.index + 1) - 1};
}

/// The seconds of "2026-11-29T18:00:00" in UTC, and what follows.
std::optional<std::int64_t> take_date(std::string& text) {
  std::tm time{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) return std::nullopt;
  text.erase(0, static_cast<std::size_t>(rest - text.c_str()));
  return timegm(&time);
}

/// "" or ".25"
std::optional<double> fraction_of(std::string_view text) {
  if (text.empty()) return 0;
  double fraction = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), fraction, std::chars_format::fixed);
  const bool is_one = text.front() == '.' && text.size() > 1 && error == std::errc() &&
                      end == text.data() + text.size();
  return is_one ? std::optional(fraction) : std::nullopt;
}

Duration to_the_microsecond(double seconds) { return {std::llround(seconds * 1e6)}; }

/// Seconds without a sign, up to the year 2500.
std::optional<double> seconds_of(std::string_view text) {
  double seconds = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  const bool is_one =
      error == std::errc() && end == text.data() + text.size() && seconds >= 0 && seconds < 1.7e10;
  return is_one ? std::optional(seconds) : std::nullopt;
}

}  // namespace

Result<Share> parse_part(std::string_view text, const Environment& environment) {
  if (text == "auto") return part_by_environment(environment);
  const std::size_t slash = text.find('/');
  if (slash != text.npos) {
    const auto part = number_of(text.substr(0, slash)), parts = number_of(text.substr(slash + 1));
    if (part && parts && *part >= 1 && *part <= *parts && *parts <= kPartsMax)
      return Share{*part - 1, *parts};
  }
  return usage(
      fmt::format("--part {}: expected 1/N to N/N, N at most {}, or auto", text, kPartsMax));
}

SourceSettings own_sources(const ClientSettings& settings) noexcept {
  const Share part = settings.load.part;
  SourceSettings own = settings.sources;
  if (addresses_of(own) >= part.count) {
    std::tie(own.first.host, own.last.host) = run_of(own.first.host, own.last.host, part);
  } else if (ports_of(own) >= part.count) {
    const auto [first, last] = run_of(own.port_first, own.port_last, part);
    own.port_first = static_cast<std::uint16_t>(first);
    own.port_last = static_cast<std::uint16_t>(last);
  }
  return own;
}

Result<void> check_part(const ClientSettings& settings) {
  const LoadShape& load = settings.load;
  if (load.part.count == 1) return {};
  const auto too_few = [&](std::uint64_t there, const char* what) -> Result<void> {
    return usage(
        fmt::format("--part: {} {} cannot be dealt out to {} parts", there, what, load.part.count));
  };
  if (addresses_of(settings.sources) < load.part.count &&
      ports_of(settings.sources) < load.part.count)
    return too_few(usable_sources(settings.sources), "sources");
  if (load.concurrency > 0 && load.concurrency < load.part.count)
    return too_few(load.concurrency, "connections at once (load.concurrency)");
  if (load.connections > 0 && load.connections < load.part.count)
    return too_few(load.connections, "connections (load.connections)");
  return {};
}

std::string part_in_words(const ClientSettings& settings) {
  const Share part = settings.load.part;
  if (part.count == 1) return "";
  const SourceSettings own = own_sources(settings);
  std::string words =
      fmt::format("part {} of {}: sources {} to {}, ports {} to {}", part.index + 1, part.count,
                  to_string(own.first), to_string(own.last), own.port_first, own.port_last);
  if (addresses_of(settings.sources) < part.count)
    words += "; there are fewer addresses than parts, so the parts must not share a link";
  return words;
}

Result<Duration> parse_start_time(std::string_view text, Duration now) {
  const Error expected = usage(fmt::format(
      "--at {}: expected a time as 2026-11-29T18:00:00Z, @SECONDS since 1970, or +10s", text));
  if (text.starts_with("@")) {
    const auto seconds = seconds_of(text.substr(1));
    if (!seconds) return expected;
    return to_the_microsecond(*seconds);
  }
  if (text.starts_with("+")) {
    if (text.ends_with("s")) text.remove_suffix(1);
    const auto seconds = seconds_of(text.substr(1));
    if (!seconds) return expected;
    return now + to_the_microsecond(*seconds);
  }
  if (!text.ends_with("Z")) return expected;
  std::string rest(text.substr(0, text.size() - 1));
  const auto date = take_date(rest);
  const auto fraction = fraction_of(rest);
  if (!date || !fraction) return expected;
  return Duration::from_s(*date) + to_the_microsecond(*fraction);
}

}  // namespace mayfly::load
