// What crossed the wire, a line a frame.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "flow/metrics.h"
#include "wire/print.h"

namespace mayfly::testing {

class Transcript {
 public:
  enum class Way : char { in = '<', out = '>' };

  /// Appends "+0.000000 < FRAME": the time since the first frame, and the frame with sequence
  /// numbers that count from the first of its flow, which is told as it is.
  void note(Instant now, Way way, std::span<const std::byte> frame);

  const std::string& text() const { return text_; }

 private:
  wire::SeqOrigins origins_of(const wire::ParsedFrame& parsed);
  std::optional<Seq> first_of(const FlowKey4& key) const;

  std::optional<Instant> start_;
  std::string text_;
  std::vector<std::pair<FlowKey4, Seq>> firsts_;  ///< by receiver and sender
};

/// A line for each counter that is not zero, but for those that count frames and polls.
std::string counter_lines(const flow::ShardStats& stats);

}  // namespace mayfly::testing
