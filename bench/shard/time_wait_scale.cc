// Does the number of TIME_WAIT entries held make a connection dearer? Three servers that close
// first, in turn: one that holds next to nothing, one with 16 M entries, one with 64 M, each in
// balance: every connection makes an entry and ends one. Then a million entries whose holds end in
// one tick, and how long the polls take that end them. Prints JSON.
//
//   time_wait_scale [millions] [millions] [pairs of blocks]        default 16 64 15
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "canned_clients.h"

namespace mayfly::bench {
namespace {

constexpr std::size_t kInFlight = 512;
constexpr int kRounds = 400, kSettle = 40;  // of a block; the first few warm the caches

using Json = nlohmann::ordered_json;

/// How much simulated time a connection takes, in microseconds.
double time_of_a_connection() {
  constexpr std::uint32_t kConnections = 64 * kInFlight;
  CannedClients clients("time", kInFlight, {.hold = 1_s, .capacity = 2 * kConnections}, true);
  const Instant begin = clients.now();
  for (std::size_t i = 0; i < kConnections; i += kInFlight) clients.round();
  return static_cast<double>((clients.now() - begin).us) / kConnections;
}

struct Held {
  explicit Held(std::uint64_t entries)
      : clients(std::make_unique<CannedClients>(
            fmt::format("held{}", entries), kInFlight,
            flow::TimeWaitPolicy{
                .hold = Duration{static_cast<std::int64_t>(static_cast<double>(entries) *
                                                           time_of_a_connection())},
                .capacity = static_cast<std::uint32_t>(entries + entries / 8 + 65'536)},
            true)) {}

  void fill() {
    while (clients->stats().time_wait_expired.get() < kInFlight) clients->round();
  }
  /// Cycles a connection over one block, the median of its rounds.
  double block() {
    std::vector<std::uint64_t> rounds;
    for (int i = 0; i < kRounds; ++i) {
      const std::uint64_t spent = clients->round();
      if (i >= kSettle) rounds.push_back(spent);
    }
    std::ranges::nth_element(rounds, rounds.begin() + std::ssize(rounds) / 2);
    return static_cast<double>(rounds[rounds.size() / 2]) / kInFlight;
  }

  std::unique_ptr<CannedClients> clients;
  std::vector<double> cycles;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Json result_of(const Held& held, const Held& empty) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < held.cycles.size(); ++i)
    ratios.push_back(empty.cycles[i] / held.cycles[i]);
  const auto [least, most] = std::ranges::minmax(ratios);
  return {{"held", held.clients->time_waits()},
          {"cycles_per_connection", median(held.cycles)},
          {"rate_against_empty", {{"median", median(ratios)}, {"min", least}, {"max", most}}}};
}

/// A million entries end in the same tick, while nothing else is to be done: what each poll takes,
/// in cycles.
std::vector<std::uint64_t> polls_of_mass_expiry(std::uint32_t entries) {
  CannedClients clients("expiry", kInFlight,
                        {.hold = Duration::from_s(120), .capacity = 2 * entries}, true);
  clients.stop_clock();
  while (clients.time_waits() < entries) clients.round();
  std::vector<std::uint64_t> polls{clients.idle(Duration::from_s(121))};
  while (clients.time_waits() > 0) polls.push_back(clients.idle(1_us));
  return polls;
}

/// The same polls do the same in every run, but the kernel's timer interrupts some of them, others
/// in each: what a poll takes is the median of all runs.
Json mass_expiry() {
  constexpr std::uint32_t kEntries = 1'000'000;
  constexpr std::size_t kRuns = 5;
  std::vector<std::vector<std::uint64_t>> runs;
  while (runs.size() < kRuns) runs.push_back(polls_of_mass_expiry(kEntries));
  const double per_us = static_cast<double>(rte_get_tsc_hz()) / 1e6;
  std::vector<double> polls;
  double longest_of_all = 0;
  const std::size_t count =
      std::ranges::min_element(runs, {}, &std::vector<std::uint64_t>::size)->size();
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double> one;
    for (const auto& run : runs) one.push_back(static_cast<double>(run[i]) / per_us);
    longest_of_all = std::max(longest_of_all, std::ranges::max(one));
    polls.push_back(median(std::move(one)));
  }
  std::ranges::sort(polls);
  return {{"entries", kEntries},
          {"runs", kRuns},
          {"polls", polls.size()},
          {"poll_us",
           {{"median", polls[polls.size() / 2]},
            {"p99", polls[polls.size() * 99 / 100]},
            {"max", polls.back()},
            {"max_interrupted", longest_of_all}}}};
}

int run(int argc, char** argv) {
  Held empty(1'000), some(number(argc, argv, 1, 16) * 1'000'000),
      many(number(argc, argv, 2, 64) * 1'000'000);
  const std::uint64_t pairs = number(argc, argv, 3, 15);
  for (Held* held : {&empty, &some, &many}) {
    held->fill();
    std::fprintf(stderr, "%llu held\n",
                 static_cast<unsigned long long>(held->clients->time_waits()));
  }
  for (std::uint64_t i = 0; i < pairs; ++i)
    for (Held* held : {&empty, &some, &many}) held->cycles.push_back(held->block());
  Json json;
  json["bytes_per_entry"] =
      static_cast<double>(flow::TimeWaitLogMemory::bytes_needed(64'000'000)) / 64'000'000;
  json["empty"] = {{"held", empty.clients->time_waits()},
                   {"cycles_per_connection", median(empty.cycles)}};
  json["held"] = {result_of(some, empty), result_of(many, empty)};
  json["expiry_in_one_tick"] = mass_expiry();
  std::puts(json.dump(2).c_str());
  return 0;
}

}  // namespace
}  // namespace mayfly::bench

int main(int argc, char** argv) {
  return mayfly::bench::start_eal("1024") ? mayfly::bench::run(argc, argv) : 1;
}
