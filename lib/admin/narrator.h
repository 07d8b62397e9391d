// What an operator has to hear of a running server: each problem when it begins and when it is
// over, and once a minute how things are. It is fed samples (sampler.h); it does no I/O.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "admin/log.h"

namespace mayfly::admin {

class Narrator {
 public:
  /// A problem is over when it has been absent for so long, in seconds: one that comes and goes is
  /// told of once.
  static constexpr double kOverAfter = 10;
  static constexpr double kSummaryEvery = 60;

  /// What there is to say after this sample, one about each second.
  std::vector<News> hear(const nlohmann::ordered_json& sample);

 private:
  struct Trouble {
    double began, last_seen;
    std::string what;
  };
  using Json = nlohmann::ordered_json;

  void hear_problem(const Json& problem, double t, std::vector<News>& news);
  void end_troubles(double t, std::vector<News>& news);
  void sum_up(const Json& sample, double t, std::vector<News>& news);

  std::map<std::string, Trouble> troubles_;  // by the key of the problem
  // Of the minute so far.
  double minute_began_ = -1, seconds_ = 0, completed_ = 0, busiest_ = 0;
  std::map<std::string, double> dropped_;
};

}  // namespace mayfly::admin
