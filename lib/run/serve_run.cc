#include "run/serve_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "admin/stats_json.h"
#include "run/orderly_end.h"

namespace mayfly::run {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kSampleEvery{50};

}  // namespace

ServeRun::ServeRun(const config::ServeSettings& settings, service::Site site)
    : settings_(settings), routes_(settings.http.routes) {
  sites_[0] = std::make_unique<service::Site>(std::move(site));
}

ServeRun::~ServeRun() = default;

std::size_t ServeRun::bytes_needed(const config::ServeSettings&) {
  return service::Services::kMemoryBytes;
}

namespace {

/// What comes inside another packet has to find the core of its flow.
Result<void> check_owners(const config::ServeSettings& settings,
                          const std::vector<nic::Device>& devices) {
  if (settings.cluster.outer_header() == 0) return {};
  for (std::size_t i = 0; i < devices.size(); ++i)
    if (devices[i].steering() == nic::Steering::device_own)
      return Error{fmt::format(
          "ports.{}: the device spreads flows over the cores in its own way, and what comes inside "
          "other packets (cluster) would not find the core of its flow: set ports.{}.queues: 1",
          i, i)};
  return {};
}

}  // namespace

Result<std::unique_ptr<ServeRun>> ServeRun::create(const config::ServeSettings& settings,
                                                   service::Site site,
                                                   std::vector<nic::Device>& devices,
                                                   const nic::TscClock& clock,
                                                   const ShardSecrets& secrets) {
  std::unique_ptr<ServeRun> run(new ServeRun(settings, std::move(site)));
  run->clock_ = clock;
  auto wires = wire_up("server", secrets, settings, settings.process, devices, clock);
  if (!wires) return wires.error();
  if (auto fit = check_owners(settings, devices); !fit) return fit.error();
  for (CoreWires& core : *wires) core.config.cluster = settings.cluster;
  const service::Site& first = *run->sites_[0];
  auto engine = make_engine<service::Services>(
      *std::move(wires), settings.shard, clock, [&](std::size_t, const nic::DpdkPort& port) {
        run->owners_.push_back(&port);
        return std::make_unique<service::Services>(settings, first);
      });
  if (!engine) return engine.error();
  run->engine_ = std::move(*engine);
  run->secret_ = flow::FlowSecret(secrets.now);
  run->secret_fingerprint_ = fingerprint_of(secrets.now);
  // Devices may lead the same flow to different cores.
  if (devices.size() > 1 || devices[0].steering() == nic::Steering::device_own)
    run->owners_.clear();
  run->tell_time();
  return run;
}

ImportingCores ServeRun::importing(Duration hold) {
  return {engine_->cores().size(),
          [this](std::size_t core, flow::ForeignBatch& batch) {
            return engine_->cores()[core]->take(batch);
          },
          [this](const FlowKey4& key) -> std::optional<std::size_t> {
            const bool is_alone = engine_->cores().size() == 1;
            if (!is_alone && (owners_.empty() || key.is_ipv6_name())) return std::nullopt;
            return is_alone ? std::size_t{0} : std::size_t{owners_[0]->shard_of(key)};
          },
          [this, hold](const std::string& path) {
            return flow::read_time_waits(path, secret_, secret_fingerprint_, hold, clock_.now());
          }};
}

void ServeRun::watch(std::optional<Duration> duration, const Watcher& watcher) {
  const Instant begin = clock_.now();
  while (watcher.stop_asked() == Stop::no && (!duration || clock_.now() - begin < *duration)) {
    std::this_thread::sleep_for(kSampleEvery);
    sample();
    watcher.each_round();
  }
  // In a cluster the others send here what is for this server, and do so to the end.
  const EndRules rules{settings_.drain_timeout, !settings_.cluster.members.empty()};
  end_orderly(*engine_, clock_, rules, watcher.stop_asked, watcher.on_drain, [&] {
    sample();
    watcher.each_round();
  });
}

void ServeRun::tell_time() {
  using std::chrono::system_clock;
  if (settings_.http.date)
    sites_[newest_site_]->set_time(system_clock::to_time_t(system_clock::now()));
}

Result<void> ServeRun::prepare(const config::ServeSettings& wanted, bool rereads) {
  if (!rereads && wanted.http.routes == routes_) return {};
  const std::optional<std::uint8_t> slot = free_slot();
  if (!slot)
    return Error{
        "the folders cannot be read again yet: connections still get answers of earlier "
        "readings"};
  // Without the lock, so that Date goes on meanwhile: this thread alone changes the newest site.
  auto site = sites_[newest_site_]->reload(wanted.http, *slot);
  if (!site) return site.error();
  const std::lock_guard guard(serving_);
  sites_[*slot] = std::make_unique<service::Site>(std::move(*site));
  next_site_ = slot;
  next_routes_ = wanted.http.routes;
  return {};
}

void ServeRun::use(const config::ServeSettings& settings) {
  const std::lock_guard guard(serving_);
  if (next_site_) {
    newest_site_ = *std::exchange(next_site_, std::nullopt);
    routes_ = std::move(next_routes_);
  }
  // With the site, since a core may pass over the settings that brought it.
  engine_->use(settings.shard,
               {settings.close, sites_[newest_site_].get(), settings.listen, settings.http});
}

std::optional<std::uint8_t> ServeRun::free_slot() {
  const std::lock_guard guard(serving_);
  free_sites();
  const auto free = std::ranges::find_if(sites_, [](const auto& site) { return !site; });
  if (free == sites_.end()) return std::nullopt;
  return static_cast<std::uint8_t>(free - sites_.begin());
}

void ServeRun::free_sites() {
  if (!engine_->settled()) return;
  for (const auto& site : sites_) {
    if (site == nullptr || site->slot() == newest_site_ || site->slot() == next_site_) continue;
    const std::uint8_t slot = site->slot();
    const bool is_used = std::ranges::any_of(engine_->cores(), [&](const auto& core) {
      return core->app().http().connections_of_site(slot) > 0;
    });
    if (!is_used) sites_[slot] = nullptr;
  }
}

void ServeRun::sample() {
  {
    const std::lock_guard guard(serving_);
    tell_time();
    free_sites();
  }
  const flow::ShardStats sum = totals();
  const std::uint64_t accepted = sum.accepted.get(), completed = admin::completed_of(sum);
  const std::lock_guard guard(sampling_);
  if (accepted_ == 0 && accepted > 0)
    first_ = clock_.now() - Duration::from_ms(kSampleEvery.count());
  if (accepted != accepted_ || completed != completed_) last_ = clock_.now();
  accepted_ = accepted;
  completed_ = completed;
}

void ServeRun::stop() {
  reset_and_stop(*engine_, [this] { sample(); });
}

service::ServiceCounters ServeRun::services() const {
  std::vector<service::ServiceCounters> all;
  for (const auto& core : engine_->cores()) all.push_back(core->app().counters());
  return total_of(all);
}

std::uint64_t ServeRun::requests_untold() const {
  std::uint64_t lost = 0;
  for (const auto& core : engine_->cores()) lost += core->app().http().access_log().lost();
  return lost;
}

nlohmann::ordered_json ServeRun::json() const {
  const Duration active = [this] {
    const std::lock_guard guard(sampling_);
    return last_ - first_;
  }();
  nlohmann::ordered_json json = admin::server_json(engine_->stats(), active);
  json["service"] = admin::service_json(services());
  return json;
}

std::string ServeRun::summary() const {
  const nlohmann::ordered_json j = json();
  std::string text = fmt::format(
      "accepted {}, completed {} ({:.0f}/s), reset {}, TIME_WAIT {} now, {} at most\n"
      "packets {} in, {} out ({:.2f} a connection), {:.0f} cycles a connection, busy {:.0f} %\n",
      j["accepted"].get<std::uint64_t>(), j["completed"].get<std::uint64_t>(),
      j["cps"].get<double>(), j["reset"].get<std::uint64_t>(),
      j["time_wait"]["now"].get<std::uint64_t>(), j["time_wait"]["peak"].get<std::uint64_t>(),
      j["packets"]["rx"].get<std::uint64_t>(), j["packets"]["tx"].get<std::uint64_t>(),
      j["packets_per_connection"].get<double>(), j["cycles_per_connection"].get<double>(),
      100 * j["busy_ratio"].get<double>());
  std::string drops;
  for (const auto& [reason, count] : j["drops"].items())
    drops += fmt::format("{}{} {}", drops.empty() ? "" : ", ", reason, count.get<std::uint64_t>());
  if (!drops.empty()) text += "dropped: " + drops + "\n";
  return text;
}

}  // namespace mayfly::run
