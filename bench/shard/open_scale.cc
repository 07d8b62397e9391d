// What open connections cost: the memory of each, and whether their number makes another one
// dearer. Two servers in turn: one with nothing else open, one with a million; connections come and
// go at both. Prints JSON.
//
//   open_scale [millions] [pairs of blocks]        default 1 9
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "canned_clients.h"

namespace mayfly::bench {
namespace {

constexpr std::size_t kInFlight = 512;
constexpr int kRounds = 200, kSettle = 20;  // of a block; the first few warm the caches

using Json = nlohmann::ordered_json;

/// Bytes of memory that this process has touched, those of large pages included.
std::uint64_t resident() {
  std::uint64_t sum = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:") || line.starts_with("HugetlbPages:"))
      sum += std::stoull(line.substr(line.find(':') + 1)) * 1'024;
  return sum;
}

std::unique_ptr<CannedClients> with_open(std::uint64_t connections) {
  const auto capacity = static_cast<std::uint32_t>(connections + 65'536);
  auto clients =
      std::make_unique<CannedClients>(fmt::format("open{}", connections), kInFlight,
                                      flow::TimeWaitPolicy{.capacity = 65'536}, false, capacity);
  while (clients->open() < connections) clients->open_to_stay();
  // The timer of each handshake is left to fire, and has nothing to do (decision 0002).
  for (int i = 0; i < 400; ++i) clients->idle(Duration::from_ms(10));
  return clients;
}

/// Cycles a connection that comes and goes, the median of a block's rounds.
double block(CannedClients& clients) {
  std::vector<std::uint64_t> rounds;
  for (int i = 0; i < kRounds; ++i) {
    const std::uint64_t spent = clients.round();
    if (i >= kSettle) rounds.push_back(spent);
  }
  std::ranges::nth_element(rounds, rounds.begin() + std::ssize(rounds) / 2);
  return static_cast<double>(rounds[rounds.size() / 2]) / kInFlight;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

int run(int argc, char** argv) {
  const std::uint64_t connections = number(argc, argv, 1, 1) * 1'000'000;
  const std::uint64_t pairs = number(argc, argv, 2, 9);
  const auto few = with_open(0);
  block(*few);
  const std::uint64_t before = resident();
  const auto many = with_open(connections);
  const std::uint64_t after = resident();
  const flow::ShardSizes sizes{.connections = static_cast<std::uint32_t>(connections)};
  std::uint64_t planned = 0;
  for (const flow::MemoryItem& item : flow::Connections::plan(sizes))
    if (item.count >= connections) planned += item.bytes;
  std::vector<double> alone, beside, ratios;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    alone.push_back(block(*few));
    beside.push_back(block(*many));
    ratios.push_back(beside.back() / alone.back());
  }
  const auto [least, most] = std::ranges::minmax(ratios);
  const auto each = static_cast<double>(many->open());
  Json json{{"open", many->open()},
            {"bytes_each",
             {{"resident", static_cast<double>(after - before) / each},
              {"planned", static_cast<double>(planned) / each},
              {"block", sizeof(flow::ConnectionBlock)}}},
            {"cycles_per_connection", {{"none_open", median(alone)}, {"beside", median(beside)}}},
            {"ratio", {{"median", median(ratios)}, {"min", least}, {"max", most}}}};
  std::puts(json.dump(2).c_str());
  return 0;
}

}  // namespace
}  // namespace mayfly::bench

int main(int argc, char** argv) {
  const std::uint64_t millions = mayfly::bench::number(argc, argv, 1, 1);
  const std::string heap = std::to_string(256 + millions * 256);  // rte_hash's keys and buckets
  return mayfly::bench::start_eal(heap.c_str()) ? mayfly::bench::run(argc, argv) : 1;
}
