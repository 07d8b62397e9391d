// Control of a run from outside: by the API on the control socket and the page's address, or by the
// caller. All use the same change of settings.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "admin/actions.h"
#include "admin/reading.h"
#include "admin/sampler.h"
#include "admin/server.h"
#include "base/result.h"
#include "config/live.h"
#include "run/connection_list.h"
#include "run/dump.h"
#include "run/state_import.h"
#include "run/stop.h"

namespace mayfly::run {

/// T is ServeSettings or LoadSettings. The API has its own thread.
template <class T>
class Controls {
 public:
  using Json = nlohmann::ordered_json;

  /// The run that is controlled. What the functions use outlives the Controls.
  struct Run {
    /// Makes the run use the settings that are in effect now.
    std::function<void(const config::LiveSettings<T>&)> use;
    std::function<Json()> stats;  ///< the counters; called on any thread
    /// Called with the result of every request for a change, what it was in words, and who made it;
    /// one at a time, on any thread.
    std::function<void(const config::Change&, const std::string& what, const std::string& by)>
        on_change;
    /// The counters of each core, and what else the live figures are made of; called on any thread.
    std::function<std::vector<flow::ShardStats>()> cores;
    std::function<void(admin::Reading&)> add_to;  ///< may be empty
    std::function<Json()> links;
    ListedCores listed;  ///< for the list of connections; called on the API's thread
    TappedCores tapped;  ///< for captures; likewise
    /// The cores that take TIME_WAIT entries of others, held for so long; empty: none do.
    std::function<ImportingCores(Duration hold)> importing;
  };

  Controls(config::LiveSettings<T> live, Run run) : live_(std::move(live)), run_(std::move(run)) {}

  /// Opens the control socket and the page, if the settings have them. `kind` names the socket in
  /// its default place. Says where it is, or why there is none there.
  struct Opened {
    std::string socket;   ///< empty = none
    std::string warning;  ///< empty = all is as the settings say
  };
  Result<Opened> open(const std::string& kind);
  /// Reads the configuration again. Any thread may call it.
  config::Change reload(const std::string& by);
  /// The preset in effect; empty = none.
  std::string policy();
  /// `asked`, or Stop::leave if somebody has asked for a drain here. Any thread may call it.
  Stop or_drain(Stop asked) const {
    const bool is_due =
        Clock::now().time_since_epoch() >= drain_at_.load(std::memory_order_relaxed);
    return asked == Stop::no && is_due ? Stop::leave : asked;
  }
  /// The counters now. Any thread.
  admin::Reading reading();
  /// Says that no new connection is accepted any more.
  void set_draining() { is_draining_.store(true, std::memory_order_relaxed); }

 private:
  /// A policy that goes back by itself.
  struct Trial {
    std::chrono::steady_clock::time_point until;
    std::string back;  ///< the policy before; empty = none
  };
  static constexpr std::size_t kHistoryMax = 1'000;
  static constexpr std::chrono::steady_clock::duration kNever =
      std::chrono::steady_clock::duration::max();

  using Clock = std::chrono::steady_clock;
  bool is_drain_asked() const { return drain_at_.load(std::memory_order_relaxed) != kNever; }
  admin::Actions actions();
  using Wish = std::function<config::Change(config::LiveSettings<T>&)>;
  /// Carries out the wish. `what` is the request in words, for the history.
  config::Change apply(const Wish& wish, const std::string& what, const std::string& by);
  config::Change take(const Wish& wish, const std::string& what, const std::string& by);
  config::Change set_policy(const std::string& name, std::optional<Duration> trial,
                            const std::string& by);
  void end_trial();
  void note(const config::Change& change, const std::string& what, const std::string& by);
  Json sample();
  Json health();
  Json policies();
  Result<Json> planned(const admin::Actions::Query& query);
  Json settings();
  Json history();
  Json import_files(const std::vector<std::string>& files, const std::string& by);
  Json begin_dump(const Json& wanted);
  std::optional<std::string> read_dump();
  Json end_dump();
  bool polls_soon();

  std::mutex changing_;  // guards all below: the API's thread and the one that calls reload()
  config::LiveSettings<T> live_;
  Run run_;
  std::optional<Trial> trial_;
  std::deque<Json> history_;
  std::uint64_t changes_ = 0;
  admin::Sampler sampler_;  // of the API's thread
  Json last_sample_;
  std::atomic<std::chrono::steady_clock::duration> drain_at_{kNever};
  std::atomic<bool> is_draining_{false};
  std::unique_ptr<Dump> dump_;                  // of the API's thread
  std::unique_ptr<admin::AdminServer> server_;  // the last: its thread uses the others
};

}  // namespace mayfly::run
