#include "transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

namespace mayfly::testing {
namespace {

/// The beginning of a segment's text, in quotes.
std::string quoted(std::span<const std::byte> text) {
  constexpr std::size_t kShown = 32;
  std::string quoted = " \"";
  for (const std::byte each : text.first(std::min(text.size(), kShown))) {
    const auto letter = std::to_integer<char>(each);
    quoted += std::isprint(std::to_integer<unsigned char>(each)) != 0 ? letter : '.';
  }
  return quoted + (text.size() > kShown ? "\"..." : "\"");
}

/// Counters that only tell what the lines of the frames tell too, or how long the run was.
bool is_of_every_frame(std::string_view name) {
  return name.starts_with("rx_") || name.starts_with("tx_") || name.ends_with("polls") ||
         name.ends_with("_peak") || name == "time_wait_hold_us";
}

}  // namespace

std::optional<Seq> Transcript::first_of(const FlowKey4& key) const {
  const auto found = std::ranges::find(firsts_, key, &std::pair<FlowKey4, Seq>::first);
  return found == firsts_.end() ? std::nullopt : std::optional(found->second);
}

wire::SeqOrigins Transcript::origins_of(const wire::ParsedFrame& parsed) {
  if (parsed.kind != wire::FrameKind::tcp) return {};
  const FlowKey4& key = parsed.key;
  const auto back =
      FlowKey4::of(key.remote(), key.remote_port_host(), key.local(), key.local_port_host());
  const auto sender = first_of(key);
  if (!sender) firsts_.emplace_back(key, parsed.segment.seq);
  return {sender.value_or(Seq{}), first_of(back).value_or(Seq{})};
}

void Transcript::note(Instant now, Way way, std::span<const std::byte> frame) {
  if (!start_) start_ = now;
  const wire::ParsedFrame parsed = wire::overhear(frame);
  text_ += fmt::format("+{:.6f} {} {}", (now - *start_).seconds(), static_cast<char>(way),
                       print_frame(frame, origins_of(parsed)));
  if (parsed.kind == wire::FrameKind::tcp && parsed.segment.payload_len > 0)
    text_ += quoted(frame.subspan(parsed.segment.payload_off, parsed.segment.payload_len));
  text_ += '\n';
}

std::string counter_lines(const flow::ShardStats& stats) {
  std::string text;
  const auto say = [&](std::string_view kind, std::string_view name, const Counter& counter) {
    if (counter.get() != 0 && !is_of_every_frame(name))
      fmt::format_to(std::back_inserter(text), "{}{} {}\n", kind, name, counter.get());
  };
  for (const Metric<flow::ShardStats>& metric : flow::kShardMetrics)
    say("", metric.name, stats.*metric.value);
  for (std::size_t i = 0; i < flow::kCloseReasonCount; ++i)
    say("closed ", name_of(static_cast<flow::CloseReason>(i)), stats.closed[i]);
  for (std::size_t i = 0; i < wire::kDropCount; ++i)
    say("drop ", name_of(static_cast<Drop>(i)), stats.drops[i]);
  return text;
}

}  // namespace mayfly::testing
