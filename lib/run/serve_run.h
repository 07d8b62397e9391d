// One run of the server: its engine, its orderly end, its summary.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/stats_json.h"
#include "config/settings.h"
#include "run/connection_list.h"
#include "run/device_engine.h"
#include "run/dump.h"
#include "run/state_import.h"
#include "run/stop.h"
#include "service/services.h"

namespace mayfly::run {

/// All calls are for the control thread, except those that are said to be for any thread.
class ServeRun {
 public:
  /// The functions that watch() calls, on its own thread.
  struct Watcher {
    StopAsked stop_asked;
    std::function<void()> each_round;  ///< several times a second
    /// Called when the orderly end has begun, with the number of open connections.
    std::function<void(std::uint32_t open)> on_drain;
  };

  ~ServeRun();

  /// `settings` and `devices` outlive the run. `secrets` key its sequence numbers.
  static Result<std::unique_ptr<ServeRun>> create(const config::ServeSettings& settings,
                                                  service::Site site,
                                                  std::vector<nic::Device>& devices,
                                                  const nic::TscClock& clock,
                                                  const ShardSecrets& secrets);
  /// Bytes of the services for each core, without the shard.
  static std::size_t bytes_needed(const config::ServeSettings& settings);

  void start(nic::Eal& eal, std::size_t first_worker) {
    start_on(*engine_, eal, first_worker, settings_.process.capabilities);
  }
  /// Serves until `duration` has passed (without end if it is not set) or a stop is asked for. Then
  /// no new connection is accepted; open ones finish, or are reset after drain_timeout or when
  /// Stop::now is asked for. Then the poll loops end; after Stop::leave (a drain) when no entry is
  /// in TIME_WAIT: in a cluster as late as that is, else after drain_timeout at the most.
  void watch(std::optional<Duration> duration, const Watcher& watcher);
  /// Makes ready for use(wanted): the answers of other routes, or of the files of the same ones if
  /// `rereads`. An error changes nothing. One thread at a time, the one that calls use().
  Result<void> prepare(const config::ServeSettings& wanted, bool rereads);
  /// Replaces what may change, at once: listeners, http with what prepare() has read, close,
  /// fin_wait_2, tcp and time_wait. A port that is given up accepts no connection; its open ones
  /// go on. One thread at a time.
  void use(const config::ServeSettings& settings);
  /// The counters of all cores.
  flow::ShardStats totals() const { return total_of(engine_->stats()); }
  /// A gateway that does not answer ARP. Strangers who do not are no news to a server.
  SilentNeighbours silent_neighbour() const { return engine_->silent_gateway(); }
  /// An IPv6 address of ours that somebody else has too.
  std::optional<Ipv6Address> duplicate_address() const { return engine_->duplicate_address(); }
  /// Notes the times of the first and last connection, and tells the site the time; call it about
  /// ten times a second.
  void sample();
  /// Resets open connections and ends the poll loops.
  void stop();

  /// Those of each core, and of its services together. Any thread may call them.
  std::vector<flow::ShardStats> cores() const { return engine_->stats(); }
  service::ServiceCounters services() const;
  /// The cores whose frames can be watched.
  TappedCores tapped() { return tapped_cores(*engine_, settings_.process, clock_); }
  /// Those that take TIME_WAIT entries of another server, which are held here for `hold`. For one
  /// thread.
  ImportingCores importing(Duration hold);
  /// Any thread may ask for its list of connections, one at a time.
  ListedCores listed() { return listed_cores(*engine_, clock_); }
  /// The counters so far. Any thread may call it.
  nlohmann::ordered_json json() const;
  /// Calls f(access) for each request that the log is to tell of, since the last call.
  template <class F>
  void read_requests(F&& f) {
    for (const auto& core : engine_->cores()) core->app().http().access_log().read(f);
  }
  /// Requests that were to be told, but for which there was no room.
  std::uint64_t requests_untold() const;
  /// The result in a few lines; after the loops have returned.
  std::string summary() const;

 private:
  ServeRun(const config::ServeSettings& settings, service::Site site);
  /// What Date says (RFC 9110 6.6.1).
  void tell_time();
  /// Frees the sites that no core and no connection uses any more.
  void free_sites();
  /// A slot without a site; none if all have one.
  std::optional<std::uint8_t> free_slot();

  const config::ServeSettings& settings_;
  std::mutex serving_;  // guards the sites: reread() and sample() are for different threads
  std::array<std::unique_ptr<service::Site>, service::Site::kSlots> sites_;  // by their slots
  std::uint8_t newest_site_ = 0;
  std::vector<service::RouteSettings> routes_;  // of the newest site
  std::optional<std::uint8_t> next_site_;       // prepared, not yet in use
  std::vector<service::RouteSettings> next_routes_;
  std::unique_ptr<DeviceEngine<service::Services>> engine_;
  nic::TscClock clock_;
  flow::FlowSecret secret_{tcp::Secret{}};
  std::uint64_t secret_fingerprint_ = 0;
  std::vector<const nic::DpdkPort*>
      owners_;                   // the first port of each core; empty: no core is known
  mutable std::mutex sampling_;  // guards the rest: json() is for any thread
  std::uint64_t accepted_ = 0, completed_ = 0;
  Instant first_, last_;  // samples at which the first connection was seen, and the last one ended
};

}  // namespace mayfly::run
