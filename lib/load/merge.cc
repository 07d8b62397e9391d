#include "load/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace mayfly::load {
namespace {

/// Why two parts do not belong together; empty if they do.
std::string why_apart(const NamedPart& a, const NamedPart& b) {
  const PartReport &first = a.report, &second = b.report;
  if (first.plan != second.plan || first.part.count != second.part.count)
    return fmt::format("{} and {} are parts of different plans", a.name, b.name);
  if (first.part.index == second.part.index)
    return fmt::format("{} and {} are both part {} of {}", a.name, b.name, first.part.index + 1,
                       first.part.count);
  const auto over_at = [](const PartReport& r) { return r.began + r.total.results.ran; };
  if (over_at(first) < second.began || over_at(second) < first.began)
    return fmt::format(
        "{} and {} were not under way at the same time: one began {:.1f} s after "
        "the other",
        a.name, b.name, std::abs((first.began - second.began).seconds()));
  return "";
}

}  // namespace

Result<Gathered> gather(std::vector<NamedPart> parts) {
  MAYFLY_ASSERT(!parts.empty());
  std::ranges::sort(parts, {}, [](const NamedPart& p) { return p.report.part.index; });
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (std::size_t j = i + 1; j < parts.size(); ++j)
      if (std::string why = why_apart(parts[i], parts[j]); !why.empty())
        return Error{std::move(why), ErrorKind::usage};
  Gathered gathered;
  const std::uint32_t count = parts.front().report.part.count;
  const auto [first, last] =
      std::ranges::minmax_element(parts, {}, [](const NamedPart& p) { return p.report.began; });
  gathered.spread = last->report.began - first->report.began;
  std::uint32_t expected = 0;
  for (NamedPart& part : parts) {
    for (; expected < part.report.part.index; ++expected) gathered.missing.push_back(expected + 1);
    ++expected;
    gathered.parts.push_back(std::move(part.report));
  }
  for (; expected < count; ++expected) gathered.missing.push_back(expected + 1);
  return gathered;
}

std::string missing_in_words(const Gathered& gathered) {
  if (gathered.missing.empty()) return "";
  const bool is_one = gathered.missing.size() == 1;
  return fmt::format(
      "part{} {} of {} {} missing: killed, or not given; these are the figures of the others",
      is_one ? "" : "s", fmt::join(gathered.missing, ", "), gathered.parts.front().part.count,
      is_one ? "is" : "are");
}

}  // namespace mayfly::load
