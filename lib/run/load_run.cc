#include "run/load_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "load/part.h"
#include "load/plan.h"
#include "run/orderly_end.h"
#include "run/state_file.h"

namespace mayfly::run {
namespace {

using std::chrono::milliseconds;

// Accepts the four-tuples whose answers arrive at this core (by RSS, or software RSS).
template <class Key>
bool comes_back_here(const void* context, const Key& key) noexcept {
  const auto* port = static_cast<const nic::DpdkPort*>(context);
  return port->shard_of(key) == port->core_index();
}

/// The sources of the other parts are addresses of other hosts: of `ranges` that have some of all
/// sources, those of this part are left.
template <class Range, class Address>
void leave_to_other_parts(std::vector<Range>& ranges, const Address& all_first,
                          const Address& all_last, const Address& first, const Address& last) {
  std::erase_if(ranges, [&](Range& range) {
    if (range.last < all_first || all_last < range.first) return false;
    range.first = std::max(range.first, first);
    range.last = std::min(range.last, last);
    return range.last < range.first;
  });
}

template <class Range, class Address>
bool covers(const std::vector<Range>& ranges, const Address& address) {
  return std::ranges::any_of(
      ranges, [&](const Range& r) { return address >= r.first && address <= r.last; });
}

/// Adds them to the ranges, if they are not among these.
template <class Range, class Address>
void own(std::vector<Range>& ranges, const Address& first, const Address& last,
         std::uint8_t prefix_length) {
  if (covers(ranges, first) && covers(ranges, last)) return;
  ranges.push_back({first, last, prefix_length});
}

}  // namespace

LoadRun::~LoadRun() = default;

std::size_t LoadRun::bytes_needed(const config::LoadSettings& settings) {
  // Two rings of source numbers and a set of them (tuples.h), and the app with its histograms.
  const std::size_t sources = usable_sources(load::own_sources(settings));
  return sources * 2 * sizeof(std::uint32_t) + sources / 8 + sizeof(load::LoadApp);
}

void LoadRun::own_sources(config::LoadSettings& settings) {
  nic::PortSettings& port = settings.process.ports.front();
  const load::SourceSettings &all = settings.sources, part = load::own_sources(settings);
  if (all.six) {
    const std::uint8_t length = port.addresses6.empty() ? 64 : port.addresses6[0].prefix_length;
    const auto six = [&](Ipv4Address low) { return all.six->with_low(low.host); };
    leave_to_other_parts(port.addresses6, six(all.first), six(all.last), six(part.first),
                         six(part.last));
    return own(port.addresses6, six(part.first), six(part.last), length);
  }
  const std::uint8_t length = port.addresses.front().prefix_length;
  leave_to_other_parts(port.addresses, all.first, all.last, part.first, part.last);
  own(port.addresses, part.first, part.last, length);
}

Result<std::unique_ptr<LoadRun>> LoadRun::create(const config::LoadSettings& settings,
                                                 std::vector<nic::Device>& devices,
                                                 const nic::TscClock& clock,
                                                 const ShardSecrets& secrets) {
  std::unique_ptr<LoadRun> run(new LoadRun(settings));
  run->clock_ = clock;
  const auto cores = static_cast<std::uint32_t>(settings.cores.size());
  // Not the secret that outlives the run: each begins elsewhere among the sources.
  const tcp::Secret order = random_secret();
  auto wires = wire_up("client", secrets, settings, settings.process, devices, clock);
  if (!wires) return wires.error();
  for (CoreWires& core : *wires) core.rx_events.clear();  // it starts connections by the clock
  auto engine = make_engine<load::LoadApp>(
      *std::move(wires), settings.shard, clock, [&](std::size_t i, const nic::DpdkPort& port) {
        const load::FlowFilter mine = cores > 1 ? load::FlowFilter{comes_back_here<FlowKey4>, &port,
                                                                   comes_back_here<FlowKey6>}
                                                : load::FlowFilter{};
        return std::make_unique<load::LoadApp>(
            settings, load::Share{static_cast<std::uint32_t>(i), cores}, order, mine);
      });
  if (!engine) return engine.error();
  run->engine_ = std::move(*engine);
  return run;
}

void LoadRun::start(nic::Eal& eal, std::size_t first_worker) {
  began_ = wall_clock() + std::max(Duration{}, settings_.load.begin_at - clock_.now());
  start_on(*engine_, eal, first_worker, settings_.process.capabilities);
}

LoadRun::SoFar LoadRun::results_so_far() {
  SoFar so_far;
  for (const auto& results : ask_cores()) {
    so_far.of_all_cores = so_far.of_all_cores && results.has_value();
    if (results) so_far.sum.merge(*results);
  }
  return so_far;
}

void LoadRun::add_to(admin::Reading& reading) {
  SoFar so_far = results_so_far();
  if (so_far.of_all_cores) reading.load = std::move(so_far.sum);
}

std::vector<std::optional<load::LoadResults>> LoadRun::ask_cores() {
  const std::lock_guard guard(asking_);
  std::vector<std::optional<load::LoadResults>> answers;
  for (auto& core : engine_->cores()) core->app().exchange().ask();
  const auto give_up = std::chrono::steady_clock::now() + milliseconds(200);
  for (auto& core : engine_->cores()) {
    const load::LoadResults* answer = nullptr;
    while ((answer = core->app().exchange().answer()) == nullptr &&
           std::chrono::steady_clock::now() < give_up)
      std::this_thread::sleep_for(milliseconds(1));
    answers.push_back(answer == nullptr ? std::nullopt : std::optional(*answer));
  }
  return answers;
}

Result<nlohmann::ordered_json> LoadRun::json_so_far() {
  std::vector<load::CoreReport> reports;
  const auto results = ask_cores();
  const std::vector<flow::ShardStats> stats = engine_->stats();
  for (std::size_t i = 0; i < stats.size(); ++i) {
    const std::uint32_t core = settings_.cores[i];
    if (!results[i]) return Error{fmt::format("core {} does not answer", core)};
    reports.push_back({core, *results[i], stats[i]});
  }
  return load_json(settings_, reports);
}

void LoadRun::watch(const Watcher& watcher) {
  const Duration until_start = std::max(Duration{}, settings_.load.begin_at - clock_.now());
  const auto begin = std::chrono::steady_clock::now() + std::chrono::microseconds(until_start.us);
  const auto elapsed = [&] {
    return Duration{std::chrono::duration_cast<std::chrono::microseconds>(
                        std::chrono::steady_clock::now() - begin)
                        .count()};
  };
  auto next_second = begin + milliseconds(1000);
  bool stopping = false;
  while (!finished() && watcher.stop_asked() != Stop::now) {
    std::this_thread::sleep_for(milliseconds(20));
    watcher.each_round();
    const Stop asked = watcher.stop_asked();
    is_interrupted_ |= asked != Stop::no;
    if (asked != Stop::no && !stopping) {
      stopping = true;
      drain();
    }
    if (std::chrono::steady_clock::now() < next_second) continue;
    next_second += milliseconds(1000);
    watcher.each_second(results_so_far().sum, totals(), elapsed());
  }
  stop();
}

void LoadRun::stop() {
  reset_and_stop(*engine_, [] {});
}

std::vector<load::CoreReport> LoadRun::reports() {
  std::vector<load::CoreReport> reports;
  const std::vector<flow::ShardStats> stats = engine_->stats();
  for (std::size_t i = 0; i < stats.size(); ++i)
    reports.push_back(
        {settings_.cores[i], engine_->cores()[i]->app().results(clock_.now()), stats[i]});
  return reports;
}

bool LoadRun::succeeded() {
  load::LoadCounters sum;
  for (const load::CoreReport& report : reports()) sum.merge(report.results.counters);
  return sum.completed > 0 && sum.failed_total() == 0;
}

}  // namespace mayfly::run
