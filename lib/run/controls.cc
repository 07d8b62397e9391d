#include "run/controls.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "admin/default_socket.h"
#include "admin/metrics_text.h"
#include "config/preset.h"
#include "config/preset_facts.h"
#include "run/demand_texts.h"
#include "run/privileges.h"

namespace mayfly::run {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::steady_clock;

Json errors_of(const config::Change& change) {
  Json json;
  for (const config::ConfigError& error : change.errors) json["error"].push_back(to_string(error));
  return json;
}

Json changes_of(const config::Change& change) {
  Json json = Json::array();
  for (const auto& [key, from, to] : change.changes)
    json.push_back({{"key", key}, {"from", from}, {"to", to}});
  return json;
}

Json json_of(const config::Change& change) {
  if (!change.errors.empty()) return errors_of(change);
  return {{"changed", changes_of(change)}};
}

double epoch_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double steady_now() {
  return std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

template <class T>
auto Controls<T>::open(const std::string& kind) -> Result<Opened> {
  admin::AdminSettings settings = live_.now().admin;
  const bool is_default = settings.socket == "auto";
  Opened opened;
  // What nobody has asked for is no reason not to serve.
  const auto do_without = [&](const Error& why) {
    opened.warning = "there is no control socket: " + why.what;
    settings.socket.clear();
  };
  if (settings.socket == "none") settings.socket.clear();
  if (is_default) {
    const auto path = admin::default_socket(kind);
    if (path) settings.socket = *path;
    if (!path) do_without(path.error());
  }
  auto server = admin::AdminServer::create(settings, actions());
  if (!server && is_default && !settings.socket.empty()) {
    do_without(server.error());
    server = admin::AdminServer::create(settings, actions());
  }
  if (!server) return server.error();
  server_ = std::move(*server);
  opened.socket = settings.socket;
  return opened;
}

template <class T>
config::Change Controls<T>::reload(const std::string& by) {
  return apply([](auto& live) { return live.reload(); }, "reload", by);
}

template <class T>
std::string Controls<T>::policy() {
  const std::lock_guard guard(changing_);
  return config::preset_name(live_.source().policy);
}

template <class T>
admin::Actions Controls<T>::actions() {
  admin::Actions actions;
  actions.stats = run_.stats;
  actions.settings = [this] { return settings(); };
  actions.policies = [this] { return policies(); };
  actions.history = [this] { return history(); };
  actions.set = [this](const auto& overrides, const std::string& by) {
    return json_of(
        apply([&](auto& live) { return live.set(overrides); }, "set " + joined(overrides), by));
  };
  actions.unset = [this](const auto& keys, const std::string& by) {
    return json_of(
        apply([&](auto& live) { return live.unset(keys); }, "unset " + joined(keys), by));
  };
  actions.policy = [this](const std::string& name, std::optional<Duration> trial,
                          const std::string& by) { return json_of(set_policy(name, trial, by)); };
  actions.reload = [this](const std::string& by) { return json_of(reload(by)); };
  actions.drain = [this](Duration linger, const std::string& by) {
    drain_at_.store(Clock::now().time_since_epoch() + std::chrono::microseconds(linger.us),
                    std::memory_order_relaxed);
    const std::lock_guard guard(changing_);
    note({}, linger.us == 0 ? "drain" : fmt::format("drain after {:g} s", linger.seconds()), by);
    return Json{{"draining", true}, {"linger_s", linger.seconds()}};
  };
  actions.import_files = [this](const auto& files, const std::string& by) {
    return import_files(files, by);
  };
  actions.health = [this] { return health(); };
  actions.sample = [this] { return sample(); };
  actions.plan = [this](const auto& query) { return planned(query); };
  actions.connections = [this](const admin::Actions::Query& query) {
    return list_connections(run_.listed, query);
  };
  actions.begin_dump = [this](const Json& wanted) { return begin_dump(wanted); };
  actions.read_dump = [this] { return read_dump(); };
  actions.end_dump = [this] { return end_dump(); };
  actions.metrics = [this] { return admin::metrics_text(reading()); };
  if (live_.now().process.capabilities == nic::CapabilitiesMode::drop)
    actions.on_start = give_up_capabilities;
  actions.each_round = [this] {
    end_trial();
    if (dump_ && dump_->is_abandoned()) dump_ = nullptr;
  };
  return actions;
}

template <class T>
config::Change Controls<T>::apply(const Wish& wish, const std::string& what,
                                  const std::string& by) {
  const std::lock_guard guard(changing_);
  return take(wish, what, by);
}

template <class T>
config::Change Controls<T>::take(const Wish& wish, const std::string& what, const std::string& by) {
  config::Change change = wish(live_);
  // A reload may have read other files though no key has changed.
  if (change.errors.empty()) run_.use(live_);
  run_.on_change(change, what, by);
  if (!change.changes.empty()) note(change, what, by);
  return change;
}

template <class T>
config::Change Controls<T>::set_policy(const std::string& name, std::optional<Duration> trial,
                                       const std::string& by) {
  const std::lock_guard guard(changing_);
  const std::string before = trial_ ? trial_->back : live_.source().policy;
  std::string what = "policy " + name;
  if (trial) what += fmt::format(" for {:g} s", trial->seconds());
  config::Change change = take([&](auto& live) { return live.policy(name); }, what, by);
  if (!change.errors.empty()) return change;
  trial_.reset();
  if (trial) trial_ = Trial{steady_clock::now() + std::chrono::microseconds(trial->us), before};
  return change;
}

/// Puts the policy back when its trial is over. What was set meanwhile stays.
template <class T>
void Controls<T>::end_trial() {
  const std::lock_guard guard(changing_);
  if (!trial_ || steady_clock::now() < trial_->until) return;
  const std::string back = std::exchange(trial_, std::nullopt)->back;
  take([&](auto& live) { return live.policy(back); }, back.empty() ? "no policy" : "policy " + back,
       "the end of the trial");
}

template <class T>
void Controls<T>::note(const config::Change& change, const std::string& what,
                       const std::string& by) {
  ++changes_;
  history_.push_back(
      {{"t", epoch_now()}, {"by", by}, {"what", what}, {"changed", changes_of(change)}});
  if (history_.size() > kHistoryMax) history_.pop_front();
}

template <class T>
admin::Reading Controls<T>::reading() {
  admin::Reading reading;
  reading.links = run_.links();
  if (run_.add_to) run_.add_to(reading);
  reading.end.cores = run_.cores();
  reading.t = steady_now();
  reading.epoch = epoch_now();
  reading.is_draining = is_draining_.load(std::memory_order_relaxed) || is_drain_asked();
  const std::lock_guard guard(changing_);
  reading.policy = config::preset_name(live_.source().policy);
  reading.changes = changes_;
  reading.end.time_wait = live_.now().shard.time_wait;
  reading.end.connections_max = live_.now().connections.capacity;
  return reading;
}

template <class T>
Json Controls<T>::sample() {
  last_sample_ = sampler_.sample(reading());
  return last_sample_;
}

/// Whether every core finishes a poll within 100 ms. A core that shares its processor may have to
/// wait for its turn once, so it has three such times.
template <class T>
bool Controls<T>::polls_soon() {
  constexpr int kTimes = 3;
  for (int time = 0; time < kTimes; ++time) {
    const auto before = run_.cores();
    const auto give_up = steady_clock::now() + std::chrono::milliseconds(100);
    while (steady_clock::now() < give_up) {
      if (std::ranges::equal(before, run_.cores(), [](const auto& was, const auto& is) {
            return was.polls.get() != is.polls.get();
          }))
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  return false;
}

template <class T>
Json Controls<T>::health() {
  Json why = Json::array();
  const bool polls = polls_soon();
  if (!polls) why.push_back("a core has not polled for 100 ms");
  bool has_link = false;
  const Json links = run_.links();
  for (const Json& link : links) {
    has_link = has_link || link["problem"].get<std::string>().empty();
    if (!link["problem"].get<std::string>().empty()) why.push_back(link["problem"]);
  }
  const bool is_healthy = polls && (has_link || links.empty());
  const bool is_draining = is_draining_.load(std::memory_order_relaxed) || is_drain_asked();
  if (is_draining) why.push_back("draining");
  bool refuses = false;
  if (last_sample_.is_object()) {
    for (const Json& problem : last_sample_["problems"]) {
      const std::string key = problem["key"];
      if (key != "time_wait_full" && key != "table_full") continue;
      refuses = true;
      why.push_back(problem["what"]);
    }
  }
  return {{"healthy", is_healthy},
          {"ready", is_healthy && !is_draining && !refuses},
          {"why", std::move(why)}};
}

template <class T>
Json Controls<T>::policies() {
  const std::lock_guard guard(changing_);
  Json json{{"policy", config::preset_name(live_.source().policy)}, {"trial", nullptr}};
  if (trial_) {
    const std::chrono::duration<double> left = trial_->until - steady_clock::now();
    json["trial"] = {{"left_s", std::max(0.0, left.count())},
                     {"back", config::preset_name(trial_->back)}};
  }
  json["set"] = live_.overrides();
  json["capacity_max"] = live_.start().shard.time_wait.capacity;
  json["policies"] = Json::array();
  const auto facts = config::read_preset_facts(live_.source().file);
  if (facts.settings)
    for (const plan::PresetFacts& preset : *facts.settings)
      json["policies"].push_back({{"name", preset.name}, {"harm", preset.harm}});
  return json;
}

template <class T>
Result<Json> Controls<T>::planned(const admin::Actions::Query& query) {
  DemandTexts texts;
  const std::map<std::string, std::string*> places{
      {"rate", &texts.rate},    {"hold", &texts.hold},   {"clients", &texts.clients},
      {"ports", &texts.ports},  {"first", &texts.first}, {"capacity", &texts.capacity},
      {"memory", &texts.memory}};
  for (const auto& [name, value] : query) {
    const auto place = places.find(name);
    if (place == places.end()) return Error{"there is no parameter " + name, ErrorKind::usage};
    *place->second = value;
  }
  const auto demand = read_demand(texts);
  if (!demand) return Error{demand.error().what, ErrorKind::usage};
  const std::string file = [this] {
    const std::lock_guard guard(changing_);
    return live_.source().file;
  }();
  const auto presets = config::read_preset_facts(file);
  if (!presets.settings) return Error{"the presets cannot be read"};
  return demand_json(*demand, plan_demand(*demand), fits_of(*demand, *presets.settings));
}

template <class T>
Json Controls<T>::settings() {
  const std::lock_guard guard(changing_);
  Json json = Json::object();
  for (const auto& [key, value] : describe(live_.now())) json[key] = value;
  return json;
}

template <class T>
Json Controls<T>::begin_dump(const Json& wanted) {
  if (dump_) return {{"error", Json::array({"there is a capture already: one at a time"})}};
  auto dump = Dump::begin(run_.tapped, wanted);
  if (!dump) return {{"error", Json::array({dump.error().what})}};
  dump_ = std::move(*dump);
  return {{"dumping", true}};
}

template <class T>
std::optional<std::string> Controls<T>::read_dump() {
  return dump_ ? std::optional(dump_->read()) : std::nullopt;
}

template <class T>
Json Controls<T>::end_dump() {
  if (!dump_) return {{"error", Json::array({"there is no capture"})}};
  const Json json{{"frames", dump_->frames()}, {"lost", dump_->lost()}};
  dump_ = nullptr;
  return json;
}

template <class T>
Json Controls<T>::import_files(const std::vector<std::string>& files, const std::string& by) {
  if (!run_.importing)
    return {{"error", Json::array({"only a server takes the TIME_WAIT entries of another"})}};
  Duration hold;
  {
    const std::lock_guard guard(changing_);
    hold = live_.now().shard.time_wait.hold;
    note({}, "import " + joined(files), by);
  }
  return import_time_waits(run_.importing(hold), files);
}

template <class T>
Json Controls<T>::history() {
  const std::lock_guard guard(changing_);
  Json json = Json::array();
  for (const Json& change : history_) json.push_back(change);
  return json;
}

template class Controls<config::ServeSettings>;
template class Controls<config::LoadSettings>;

}  // namespace mayfly::run
