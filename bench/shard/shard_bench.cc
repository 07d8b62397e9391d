// Whole connections through one server Shard on one core. Prints TSC cycles a connection.
//
//   cycles_per_connection [connections] [in_flight] [time_wait capacity] [server|client: who closes
//   first] [bare|http: what the clients are, canned_clients.h] [ipv4|ipv6]
#include <cstdio>

#include "canned_clients.h"

namespace mayfly::bench {
namespace {

/// The stages of a poll, if the build has a clock for them: means of all connections.
void print_stages(const flow::ShardStats& stats, std::uint64_t connections) {
  for_each_counted_stage(stats, [&](flow::Stage stage, std::uint64_t cycles) {
    std::printf("  %s %.0f\n", std::string(name_of(stage)).c_str(),
                static_cast<double>(cycles) / static_cast<double>(connections));
  });
}

template <class App>
int measure(int argc, char** argv) {
  const std::uint64_t connections = number(argc, argv, 1, 2'000'000);
  const std::uint64_t in_flight = number(argc, argv, 2, 512);
  const auto time_wait = static_cast<std::uint32_t>(number(argc, argv, 3, 1'000'000));
  const bool server_closes = argc > 4 && std::string(argv[4]) == "server";
  flow::TimeWaitPolicy policy{.hold = Duration::from_ms(2'000), .capacity = time_wait};
  const bool is_ipv6 = argc > 6 && std::string(argv[6]) == "ipv6";
  ClientsOf<App> bench("bench", in_flight, policy, server_closes, 65'536,
                       is_ipv6 ? Family::ipv6 : Family::ipv4);
  for (std::uint64_t i = 0; i < 20'000; i += in_flight) bench.round();
  std::vector<double> rounds;
  for (std::uint64_t done = 0; done < connections; done += in_flight)
    rounds.push_back(static_cast<double>(bench.round()) / static_cast<double>(in_flight));
  std::ranges::sort(rounds);
  std::printf(
      "%s closes first, %llu in flight, TIME_WAIT %llu of %u: cycles a connection: "
      "p5 %.0f, median %.0f, p95 %.0f (%llu closed)\n",
      server_closes ? "server" : "client", static_cast<unsigned long long>(in_flight),
      static_cast<unsigned long long>(bench.time_waits()), time_wait, rounds[rounds.size() / 20],
      rounds[rounds.size() / 2], rounds[rounds.size() * 19 / 20],
      static_cast<unsigned long long>(bench.closed()));
  print_stages(bench.stats(), bench.closed());
  return 0;
}

int run(int argc, char** argv) {
  const bool is_http = argc > 5 && std::string(argv[5]) == "http";
  return is_http ? measure<HttpApp>(argc, argv) : measure<AnswerApp>(argc, argv);
}

}  // namespace
}  // namespace mayfly::bench

int main(int argc, char** argv) {
  return mayfly::bench::start_eal("512") ? mayfly::bench::run(argc, argv) : 1;
}
