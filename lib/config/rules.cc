#include "config/rules.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "config/addresses.h"
#include "config/port_rules.h"
#include "config/units.h"
#include "wire/print.h"

namespace mayfly::config {
namespace {

/// Bytes of an IPv4 and a TCP header without options.
constexpr std::uint32_t kHeaderBytes = 40;

/// Reports each element of the list `key` that has the same `name` as an earlier one.
template <class List, class NameOf>
void check_unique(const Scope& scope, std::string_view key, std::string_view member,
                  const List& list, NameOf name_of) {
  using Name = std::decay_t<decltype(name_of(*list.begin()))>;
  std::map<Name, std::size_t> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string element = join_key(key, std::to_string(i));
    const std::string path = member.empty() ? element : join_key(element, member);
    if (!scope.is_sound({path}) || name_of(list[i]) == Name{}) continue;
    const auto [earlier, is_new] = seen.emplace(name_of(list[i]), i);
    if (!is_new) scope.fail(path, fmt::format("is the same as in {}.{}", key, earlier->second));
  }
}

/// No two devices of a process have the same name.
void check_devices(const std::vector<nic::PortSettings>& ports, const Scope& scope) {
  check_unique(scope, "ports", "device", ports, [](const auto& p) { return p.device; });
  const auto name_of = [](std::string_view device) { return device.substr(0, device.find(',')); };
  std::map<std::string_view, std::string> seen;
  for (std::size_t i = 0; i < ports.size(); ++i)
    seen.emplace(name_of(ports[i].device), fmt::format("ports.{}.device", i));
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string key = fmt::format("ports.{}.exception.device", i);
    if (!ports[i].exception.any() || !scope.is_sound({key})) continue;
    const auto [earlier, is_new] = seen.emplace(name_of(ports[i].exception.device), key);
    if (!is_new)
      scope.fail(key, fmt::format("has the name of {}", earlier->second),
                 "a device of its own, such as net_tap1,iface=mayfly1");
  }
}

void check_ports(const shard::EndSettings& end, const std::vector<nic::PortSettings>& ports,
                 const Scope& scope) {
  SeenAddresses seen;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const nic::PortSettings& port = ports[i];
    const std::string path = fmt::format("ports.{}", i);
    check_addresses(port, path, scope, seen);
    check_xdp(port, path, scope);
    if (scope.is_sound({path + ".queues", "cores"}) && port.queues > end.cores.size()) {
      scope.fail(path + ".queues",
                 fmt::format("{} queues for {} cores", port.queues, end.cores.size()),
                 "at most one a core; 0 = as many as fit");
    }
    if (scope.is_sound({path + ".mtu", "tcp.mss"}) && end.shard.tcp.mss + kHeaderBytes > port.mtu) {
      scope.fail(
          "tcp.mss",
          fmt::format("{} does not fit the MTU of {}: {}", end.shard.tcp.mss, path, port.mtu),
          fmt::format("at most {}", port.mtu - kHeaderBytes));
    }
  }
  check_devices(ports, scope);
  check_unique(scope, "ports", "pcap", ports, [](const auto& p) { return p.pcap; });
}

void check_tcp(const tcp::TcpSettings& tcp, const Scope& scope) {
  if (scope.is_sound({"tcp.rto_min", "tcp.rto_initial"}) && tcp.rto_initial < tcp.rto_min) {
    scope.fail("tcp.rto_initial", "is below rto_min, " + format_duration(tcp.rto_min));
  }
  if (scope.is_sound({"tcp.rto_max", "tcp.rto_initial"}) && tcp.rto_initial > tcp.rto_max) {
    scope.fail("tcp.rto_max", "is below rto_initial, " + format_duration(tcp.rto_initial));
  }
  // RFC 7323 2.2: without the option the window field has 16 bits and no scale.
  if (scope.is_sound({"tcp.receive_window", "tcp.window_scale"}) && !tcp.window_scale &&
      tcp.receive_window > 65'535) {
    scope.fail("tcp.receive_window", "is above 65535, which needs window_scale");
  }
}

void check_nearness(const std::vector<flow::NearPrefix>& nearness, const Scope& scope) {
  for (std::size_t i = 0; i < nearness.size(); ++i) {
    const std::string key = fmt::format("time_wait.nearness.{}.prefix", i);
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      const std::string other = fmt::format("time_wait.nearness.{}.prefix", earlier);
      if (!scope.is_sound({key, other})) continue;
      if (!nearness[earlier].prefix.covers(nearness[i].prefix)) continue;
      scope.fail(key,
                 "is never reached: all of it is in " + format_prefix(nearness[earlier].prefix),
                 "the first match counts");
      break;
    }
  }
}

void check_time_wait(const shard::ShardSettings& settings, const Scope& scope) {
  const flow::TimeWaitPolicy& policy = settings.time_wait;
  if (policy.balance && policy.floor > policy.hold &&
      scope.is_sound({"time_wait.balance", "time_wait.floor", "time_wait.hold"})) {
    scope.fail("time_wait.floor",
               fmt::format("{} is above the hold, {}", format_duration(policy.floor),
                           format_duration(policy.hold)));
  }
  // The last timestamp of each host is all that it remembers.
  if (policy.recycle && !settings.tcp.timestamps &&
      scope.is_sound({"time_wait.recycle", "tcp.timestamps"})) {
    scope.fail("time_wait.recycle", "needs tcp.timestamps");
  }
  check_nearness(policy.nearness, scope);
}

void check_common(const shard::EndSettings& settings, const nic::ProcessSettings& process,
                  const Scope& scope) {
  std::set<std::uint32_t> cores;
  for (std::size_t i = 0; i < settings.cores.size(); ++i) {
    const std::string key = fmt::format("cores.{}", i);
    if (scope.is_sound({key}) && !cores.insert(settings.cores[i]).second) {
      scope.fail(key, fmt::format("core {} is given twice", settings.cores[i]));
    }
  }
  check_ports(settings, process.ports, scope);
}

void check_cluster(const ServeSettings& settings, const Scope& scope) {
  const auto& members = settings.cluster.members;
  const std::string key = "cluster.members";
  if (members.empty() || !scope.is_sound({key, "ports"})) return;
  if (settings.cluster.secret.empty())
    scope.fail(key, "need cluster.secret",
               "sequence numbers have to agree; mayfly secret makes one");
  if (std::set<Ipv6Address>(members.begin(), members.end()).size() < members.size())
    scope.fail(key, "has an address twice");
  const auto is_four = [](const Ipv6Address& member) { return member.is_ipv4_mapped(); };
  if (std::ranges::any_of(members, is_four) && !std::ranges::all_of(members, is_four))
    scope.fail(key, "are of both families", "one is enough: it carries the flows of both");
  const auto is_ours = [&](const Ipv6Address& member) {
    return std::ranges::any_of(settings.process.ports, [&](const nic::PortSettings& port) {
      return is_four(member) ? is_own(port, Ipv4Address{member.low()}) : is_own(port, member);
    });
  };
  if (std::ranges::count_if(members, is_ours) != 1)
    scope.fail(key, "must have exactly one address of this server",
               "one of ports.N.addresses that no other server has");
}

void check_folder(const service::RouteSettings& route, const std::string& path,
                  const Scope& scope) {
  const std::string key = path + ".folder";
  if (!route.folder || !scope.is_sound({key, path + ".path"})) return;
  if (!route.path.ends_with('/')) {
    scope.fail(path + ".path", "must end with / to serve a folder");
  }
  std::error_code failure;
  if (!std::filesystem::is_directory(*route.folder, failure)) {
    scope.fail(key, in_quotes(*route.folder) + " is not a folder",
               failure ? failure.message() : "relative paths begin at the YAML file's folder");
  } else if (::access(route.folder->c_str(), R_OK | X_OK) != 0) {
    scope.fail(key, in_quotes(*route.folder) + " is not readable");
  }
}

void check_routes(const service::HttpSettings& http, const Scope& scope) {
  for (std::size_t i = 0; i < http.routes.size(); ++i) {
    const std::string path = fmt::format("http.routes.{}", i);
    const int answers =
        scope.has(path + ".body") + scope.has(path + ".bytes") + scope.has(path + ".folder");
    if (answers != 1 && scope.is_sound({path + ".body", path + ".bytes", path + ".folder"})) {
      scope.fail(path, answers == 0 ? "has no answer" : "has more than one answer",
                 "exactly one of body, bytes, folder");
    }
    check_folder(http.routes[i], path, scope);
  }
  check_unique(scope, "http.routes", "path", http.routes, [](const auto& r) { return r.path; });
}

/// The number of four-tuples to one server address and port.
std::uint64_t source_pairs(const load::SourceSettings& sources) {
  return (std::uint64_t{sources.last.host} - sources.first.host + 1) *
         (std::uint64_t{sources.port_last} - sources.port_first + 1);
}

void check_shape(const LoadSettings& settings, const Scope& scope) {
  const load::LoadShape& load = settings.load;
  if (scope.is_sound({"load.rate", "load.concurrency"})) {
    const bool is_open = load.rate > 0, is_closed = load.concurrency > 0;
    if (is_open && is_closed) {
      scope.fail("load", "has both a rate and a concurrency",
                 "rate is for the open loop, concurrency for the closed loop");
    } else if (!is_open && !is_closed) {
      scope.fail("load", "has neither a rate nor a concurrency");
    }
  }
  if (scope.is_sound({"load.duration", "load.connections"}) && load.duration.us == 0) {
    if (load.connections == 0) {
      scope.fail("load", "has no end", "set duration or connections");
    }
  } else if (scope.is_sound({"load.duration", "load.ramp"}) && load.ramp > load.duration) {
    scope.fail("load.ramp", "is longer than the duration, " + format_duration(load.duration));
  }
  if (!load.overcommit && scope.is_sound({"load.concurrency", "load.overcommit", "sources"}) &&
      load.concurrency > source_pairs(settings.sources)) {
    scope.fail("load.concurrency",
               fmt::format("{} connections from {} sources (address and port)", load.concurrency,
                           source_pairs(settings.sources)),
               "more sources.addresses are needed");
  }
  const std::uint64_t room = std::uint64_t{settings.connections.capacity} * settings.cores.size();
  if (scope.is_sound({"load.concurrency", "connections.capacity", "cores"}) &&
      load.concurrency > room) {
    scope.fail("load.concurrency",
               fmt::format("{} connections, but memory for {}", load.concurrency, room),
               "connections.capacity counts those of one core");
  }
}

/// The ends of connections in one family.
template <class Address>
struct Ends {
  Address first, last;  ///< of the sources
  std::optional<Address> target;
};

template <class Address>
void check_ends_of(const Ends<Address>& ends, const LoadSettings& settings, const Scope& scope) {
  const auto& ports = settings.process.ports;
  const auto any_port = [&](const auto& is_so) {
    return std::any_of(ports.begin(), ports.end(), is_so);
  };
  if (scope.is_sound({"sources.addresses"}) && !any_port([&](const auto& p) {
        return (is_on_link(p, ends.first) && is_on_link(p, ends.last)) ||
               (is_own(p, ends.first) && is_own(p, ends.last));
      }))
    scope.fail("sources.addresses", "are not on the link of any port");
  if (!ends.target || !scope.is_sound({"target", "sources.addresses"})) return;
  const Address& target = *ends.target;
  if ((ends.first <= target && target <= ends.last) ||
      any_port([&](const auto& p) { return is_own(p, target); })) {
    scope.fail(target_key(scope), "is one of the client's own addresses");
  } else if (!any_port([&](const auto& p) { return can_reach(p, target); })) {
    scope.fail(target_key(scope), "is on no port's link, and no port has a gateway");
  }
}

void check_ends(const LoadSettings& settings, const Scope& scope) {
  const load::TargetSettings& target = settings.target;
  const load::SourceSettings& sources = settings.sources;
  if (!scope.is_sound({"ports"}) || settings.process.ports.empty()) return;
  if (target.has_address() && sources.has_addresses() &&
      target.six.has_value() != sources.six.has_value() &&
      scope.is_sound({"target", "sources.addresses"}))
    return scope.fail("sources.addresses",
                      target.six ? "are of IPv4, and the target is of IPv6"
                                 : "are of IPv6, and the target is of IPv4",
                      "both ends of a connection are of one family");
  if (sources.six) {
    return check_ends_of<Ipv6Address>(
        {*sources.six, sources.six->with_low(sources.last.host), target.six}, settings, scope);
  }
  std::optional<Ipv4Address> known;
  if (target.address != Ipv4Address{}) known = target.address;
  check_ends_of<Ipv4Address>({sources.first, sources.last, known}, settings, scope);
}

/// The experiments share their devices, whose queues are made for so many cores.
void check_same_cores(const LabSettings& lab, const Scope& scope) {
  for (std::size_t i = 1; i < lab.experiments.size(); ++i) {
    const LabExperiment &first = lab.experiments.front(), &other = lab.experiments[i];
    const auto check = [&](const char* end, const auto& ours, const auto& firsts) {
      const std::string key = fmt::format("experiments.{}.{}.cores", i, end);
      if (ours != firsts && scope.is_sound({key, fmt::format("{}.cores", end)}))
        scope.fail(key, "are other cores than those of " + first.name,
                   "all experiments share them");
    };
    check("server", other.server.cores, first.server.cores);
    check("client", other.client.cores, first.client.cores);
  }
}

}  // namespace

bool Scope::has(std::string_view key) const {
  return find(root_, join_key(prefix_, key)) != nullptr;
}

std::string_view Scope::text(std::string_view key) const {
  const Value* value = find(root_, join_key(prefix_, key));
  return value != nullptr ? std::string_view(value->text) : std::string_view();
}

bool Scope::is_sound(std::initializer_list<std::string_view> keys) const {
  return std::none_of(keys.begin(), keys.end(), [this](std::string_view key) {
    return report_.concerns(join_key(prefix_, key), known_);
  });
}

void Scope::fail(std::string_view key, std::string what, std::string hint) const {
  const std::string path = join_key(prefix_, key);
  report_.add(nearest_place(root_, path), path, std::move(what), std::move(hint));
}

void Scope::note(std::string_view key, std::string what, std::string hint) const {
  const std::string path = join_key(prefix_, key);
  report_.note(nearest_place(root_, path), path, std::move(what), std::move(hint));
}

std::string_view target_key(const Scope& scope) {
  return scope.has("target.url") ? "target.url" : "target.address";
}

void check_target(const load::TargetSettings& target, const Scope& scope) {
  if (!scope.is_sound({"target"})) return;
  if (!target.has_address() && target.name.empty())
    return scope.fail("target.address", "is missing", "an address or a name; or target.url");
  const bool is_six = target.six.has_value();
  if (target.name.empty() && target.family != load::Family::any &&
      is_six != (target.family == load::Family::ipv6))
    scope.fail("target.family", is_six ? "is ipv4, and the target is an IPv6 address"
                                       : "is ipv6, and the target is an IPv4 address");
  if (!scope.has("target.url")) return;
  for (const std::string key : {"target.address", "target.port", "target.path"})
    if (scope.has(key)) scope.fail(key, "is in target.url already", "one of the two");
}

void check_policy(const shard::ShardSettings& settings, const Scope& scope) {
  check_tcp(settings.tcp, scope);
  check_time_wait(settings, scope);
  // RFC 6191: only a newer timestamp distinguishes the new incarnation from the old one.
  if (settings.time_wait.reuse > 0 && !settings.tcp.timestamps &&
      scope.is_sound({"time_wait.reuse", "tcp.timestamps"})) {
    scope.fail("time_wait.reuse", "needs tcp.timestamps");
  }
}

void check_rules(const ServeSettings& settings, const Scope& scope) {
  check_common(settings, settings.process, scope);
  check_policy(settings.shard, scope);
  check_unique(scope, "listen", "port", settings.listen, [](const auto& l) { return l.port; });
  check_routes(settings.http, scope);
  check_cluster(settings, scope);
}

void check_rules(const ProgramSettings& settings, const Scope& scope) {
  check_common(settings, settings.process, scope);
  check_policy(settings.shard, scope);
  for (const char* key : {"admin.socket", "admin.page"})
    if (scope.has(key)) scope.fail(key, "is not available in a program with its own app");
}

void check_rules(const LoadSettings& settings, const Scope& scope) {
  check_common(settings, settings.process, scope);
  check_policy(settings.shard, scope);
  check_shape(settings, scope);
  check_ends(settings, scope);
}

void check_rules(const BothEnds& pair, const Scope& both, const Scope& server,
                 const Scope& client) {
  check_rules(pair.server, server);
  check_rules(pair.client, client);
  const auto& cores = pair.server.cores;
  if (both.is_sound({"server.cores", "client.cores"}) &&
      std::find_first_of(cores.begin(), cores.end(), pair.client.cores.begin(),
                         pair.client.cores.end()) != cores.end()) {
    client.fail("cores", "are also the server's", "each end needs its own cores");
  }
  if (both.is_sound({"server.hugepages", "client.hugepages"}) &&
      pair.client.process.hugepages != pair.server.process.hugepages) {
    client.fail("hugepages", "differ from the server's: it is one process");
  }
  if (!both.is_sound({"server.ports", "server.listen", "client.target"}) ||
      pair.server.process.ports.empty()) {
    return;
  }
  const load::TargetSettings& target = pair.client.target;
  const nic::PortSettings& server_port = pair.server.process.ports[0];
  if (target.six ? !is_own(server_port, *target.six) : !is_own(server_port, target.address)) {
    client.fail(
        "target.address",
        (target.six ? to_string(*target.six) : to_string(target.address)) + " is not the server's");
  }
  if (std::none_of(
          pair.server.listen.begin(), pair.server.listen.end(),
          [&](const service::ListenSettings& listen) { return listen.port == target.port; })) {
    client.fail("target.port", fmt::format("the server does not listen on {}", target.port));
  }
}

void check_rules(const LabSettings& lab, const Scope& scope) {
  check_unique(scope, "experiments", "name", lab.experiments, [](const auto& e) { return e.name; });
  check_unique(scope, "hazards.policies", "", lab.hazards.policies,
               [](const auto& pair) { return pair.name; });
  check_same_cores(lab, scope);
  for (std::size_t i = 0; scope.has("experiments") && i < lab.experiments.size(); ++i) {
    const std::string experiment = fmt::format("experiments.{}", i);
    const std::string key = experiment + ".warm_up";
    const Duration duration = lab.experiments[i].client.load.duration;
    if (duration.us == 0 || lab.experiments[i].warm_up < duration) continue;
    if (scope.is_sound({key, experiment + ".client.load", "client.load"})) {
      scope.fail(key, "is not shorter than the duration, " + format_duration(duration));
    }
  }
}

void check_situations(const LabSettings& lab, const Scope& scope) {
  const auto is_calibration = [](const LabExperiment& e) { return e.calibrates; };
  const auto first = std::find_if(lab.experiments.begin(), lab.experiments.end(), is_calibration);
  for (auto e = lab.experiments.begin(); e != lab.experiments.end(); ++e) {
    const bool in_file = !e->situation;
    const std::string key =
        in_file ? fmt::format("experiments.{}.share", e - lab.experiments.begin()) : "situations";
    if (e->share > 0 && e <= first) {
      scope.fail(key, "no experiment before it calibrates, so there is nothing to have a share of",
                 "calibrates: true");
      return;
    }
    if (!in_file && (e->server.cores != lab.experiments.front().server.cores ||
                     e->client.cores != lab.experiments.front().client.cores)) {
      scope.fail(key, "have other cores than " + lab.experiments.front().name,
                 "all experiments share them");
      return;
    }
  }
  if (!lab.situations.empty() && lab.hazards.policies.empty())
    scope.fail("situations", "need hazards.policies: these are compared in them");
  check_unique(scope, "situations", "name", lab.situations,
               [](const auto& s) { return std::string(world::name_of(s.situation)); });
}

}  // namespace mayfly::config
