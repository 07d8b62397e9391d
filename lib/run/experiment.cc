#include "run/experiment.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "lab/evaluate.h"
#include "load/report.h"

namespace mayfly::run {
namespace {

using std::chrono::steady_clock;

/// The counters of both ends at one moment.
struct Reading {
  double t = 0;  // seconds since the experiment began
  load::LoadResults load;
  flow::ShardStats server, client;
};

std::uint64_t refused_by(const flow::ShardStats& s) {
  std::uint64_t sum = 0;
  for (const Drop why : {Drop::table_full, Drop::time_wait_full, Drop::time_wait_recycle})
    sum += s.drops[static_cast<std::size_t>(why)].get();
  return sum;
}

std::uint64_t reset_at(const flow::ShardStats& s) {
  return s.closed[static_cast<std::size_t>(flow::CloseReason::reset)].get();
}

double busy_between(const flow::ShardStats& before, const flow::ShardStats& now) {
  const std::uint64_t all = now.cycles.get() - before.cycles.get();
  const std::uint64_t busy = now.busy_cycles.get() - before.busy_cycles.get();
  return all == 0 ? 0 : static_cast<double>(busy) / static_cast<double>(all);
}

lab::LabSample between(const Reading& before, const Reading& now) {
  const double seconds = now.t - before.t;
  const auto rate = [&](std::uint64_t was, std::uint64_t is) {
    return seconds > 0 ? static_cast<double>(is - was) / seconds : 0.0;
  };
  const load::LoadCounters &was = before.load.counters, &is = now.load.counters;
  const load::Latencies latency = now.load.latency.since(before.load.latency);
  return {.t = now.t,
          .cps = rate(was.completed, is.completed),
          .offered = rate(was.offered + was.behind, is.offered + is.behind),
          .refused = rate(refused_by(before.server), refused_by(now.server)),
          .reset = rate(reset_at(before.server) + reset_at(before.client),
                        reset_at(now.server) + reset_at(now.client)),
          .failed = rate(was.failed_total(), is.failed_total()),
          .exhausted = rate(was.port_exhausted, is.port_exhausted),
          .server_time_wait = now.server.time_wait_now.get(),
          .client_time_wait = now.client.time_wait_now.get(),
          .server_open = now.server.connections.get(),
          .client_open = now.client.connections.get(),
          .server_hold = static_cast<double>(now.server.time_wait_hold_us.get()) / 1e6,
          .p50_us = static_cast<double>(latency.percentile(50).value_or(0)),
          .p99_us = static_cast<double>(latency.percentile(99).value_or(0)),
          .p999_us = static_cast<double>(latency.percentile(99.9).value_or(0)),
          .server_busy = busy_between(before.server, now.server),
          .client_busy = busy_between(before.client, now.client),
          .server_half_open = now.server.half_open.get(),
          .server_closing = now.server.orphans.get()};
}

/// Discards frames that the last experiment left between the devices.
void empty(std::vector<nic::Device>& devices, std::size_t cores, Instant now) {
  std::array<nic::DpdkPort::Frame, kBurstMax> frames;
  for (nic::Device& device : devices) {
    for (std::size_t core = 0; core < cores; ++core) {
      nic::DpdkPort port = device.port(static_cast<std::uint32_t>(core));
      while (const std::size_t n = port.receive(frames, now))
        for (nic::DpdkPort::Frame frame : std::span(frames).first(n)) port.release(frame);
    }
  }
}

}  // namespace

std::vector<MemoryPlan> largest_plans(const config::LabSettings& lab) {
  std::vector<MemoryPlan> largest;
  std::size_t most = 0;
  for (const config::LabExperiment& e : lab.experiments) {
    std::vector<MemoryPlan> plans = plans_of(e);
    const std::size_t bytes = plans[0].bytes + plans[1].bytes;
    if (bytes <= most) continue;
    most = bytes;
    largest = std::move(plans);
  }
  return largest;
}

Result<lab::ExperimentRun> run_experiment(const config::LabExperiment& settings,
                                          Duration sample_every, LabDevices& devices, nic::Eal& eal,
                                          const nic::TscClock& clock, const StopAsked& stop_asked,
                                          const OnSample& on_sample) {
  auto ends = LabEnds::create(settings, devices, clock);
  if (!ends) return ends.error();
  ServeRun& server = *ends->server;
  LoadRun& client = *ends->client;

  lab::ExperimentRun run;
  run.settings = settings.lab_settings();
  const auto begin = steady_clock::now();
  const auto read = [&]() -> std::optional<Reading> {
    LoadRun::SoFar load = client.results_so_far();
    if (!load.of_all_cores) return std::nullopt;
    Reading now{.load = std::move(load.sum), .server = server.totals(), .client = client.totals()};
    now.t = std::chrono::duration<double>(steady_clock::now() - begin).count();
    return now;
  };
  const double load_ends = lab::load_end(settings.client.load).seconds();
  ends->start(eal, settings);
  Reading before;
  const auto every = std::chrono::microseconds(sample_every.us);
  for (auto next = begin; !client.finished() && stop_asked() != Stop::now;) {
    next = std::max(next + every, steady_clock::now());  // a late one is not made up for
    std::this_thread::sleep_until(next);
    // A core that is kept from running has no sample; the next one is longer.
    if (auto now = read()) {
      const lab::LabSample sample = between(before, *now);
      // What comes after the load is the drain, which no figure is about.
      if (!run.interrupted && sample.t < load_ends + sample_every.seconds() / 2)
        run.samples.push_back(sample);
      on_sample(sample);
      before = std::move(*now);
    }
    server.sample();
    if (stop_asked() != Stop::no && !run.interrupted) {
      run.interrupted = true;
      client.drain();
    }
  }
  ends->stop();
  eal.wait();
  run.server = server.json();
  run.client = load_json(settings.client, client.reports());
  empty(devices.client, settings.client.cores.size(), clock.now());
  empty(devices.server, settings.server.cores.size(), clock.now());
  return run;
}

}  // namespace mayfly::run
