// From one reading to the next: the live figures of the page, of `mayfly top` and of /api/events.
// The sample is JSON; doc/json.md lists its keys under "live".
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "admin/reading.h"
#include "base/json_fields.h"

namespace mayfly::admin {

/// The number of TIME_WAIT entries by age, from the rate at which they were made: entries leave in
/// the order in which they came, except the few that end by a SYN or an RST.
class TimeWaitAges {
 public:
  /// Index i counts ages below 2^i s and not below 2^(i-1) s; the last one all older ones.
  static constexpr std::size_t kAges = 10;

  /// `opened` is the total so far at the time `t`, in seconds; `now` is how many are held.
  std::array<std::uint64_t, kAges> at(double t, std::uint64_t opened, std::uint64_t now);

 private:
  struct Point {
    double t;
    std::uint64_t opened;
  };
  double opened_at(double t) const;

  std::deque<Point> past_;  // one a second at most, ten minutes
};

/// The keys of a sample, for doc/json.md.
std::vector<JsonKey> live_json_keys();

class Sampler {
 public:
  /// The figures of the time since the last call. The first one has rates of 0.
  nlohmann::ordered_json sample(const Reading& now);

 private:
  std::optional<Reading> before_;
  std::optional<load::LoadResults> load_;  // the last that a generator gave: it may miss one
  double load_t_ = 0;
  TimeWaitAges ages_, client_ages_;
  double peak_rate_ = 0;  // entries made a second, the most of about the last minute
};

}  // namespace mayfly::admin
