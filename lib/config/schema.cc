#include "config/schema.h"

#include <functional>
#include <string_view>

#include "config/forms.h"
#include "config/schema_admin.h"
#include "config/schema_shard.h"

namespace mayfly::config {
namespace {

/// The lab sets these itself.
KeyName required_with_devices(const char* name, Wiring wiring) {
  return wiring == Wiring::devices ? required(name) : name;
}

Schema<link::FaultSettings> link_schema() {
  return {
      {"loss", &link::FaultSettings::loss, probability(), "share of frames that are lost"},
      {"duplicate", &link::FaultSettings::duplicate, probability(),
       "share of frames that arrive twice"},
      {"corrupt", &link::FaultSettings::corrupt, probability(),
       "share of frames with a flipped bit"},
      {"reorder", &link::FaultSettings::reorder, probability(),
       "share of frames that others overtake"},
      {"delay", &link::FaultSettings::delay, duration_or_zero({1}, 10_s),
       "delay of each frame, in each direction"},
      {"jitter", &link::FaultSettings::jitter, duration_or_zero({1}, 10_s),
       "further delay of each frame, random, at most this long"},
  };
}

Schema<link::FaultSettings> fault_schema() {
  return link_schema() +
         Schema<link::FaultSettings>{{"seed", &link::FaultSettings::seed, number<std::uint64_t>(0),
                                      "the same seed gives the same faults"}};
}

Schema<link::ArpSettings> arp_schema() {
  return {
      {"trust", &link::ArpSettings::trust, boolean(),
       "accept a neighbour's new MAC address at once; otherwise its old one is asked first, for "
       "150 ms"}};
}

Schema<nic::PortSettings> port_schema(Wiring wiring) {
  Schema<nic::PortSettings> keys;
  if (wiring == Wiring::devices) {
    keys.push_back({required("device"), &nic::PortSettings::device, device(),
                    "the device to open, such as `net_af_packet0,iface=veth0`"});
  }
  return keys +
         Schema<nic::PortSettings>{
             {required_with_devices("addresses", wiring), std::identity{}, port_addresses(),
              "our addresses on this link; of `{range: A/PREFIX, arp: false}` nobody is told"},
             {"gateway", std::identity{}, port_gateway(), "next hop for hosts on other links"},
             {"mac", &nic::PortSettings::mac, maybe(mac()),
              "MAC address; by default the device's own"},
             {"arp", &nic::PortSettings::arp, map(arp_schema()), "resolution of neighbours"},
             {"detect_duplicates", &nic::PortSettings::detects_duplicates, boolean(),
              "whether IPv6 addresses are tentative for 1 s (RFC 4862); by default not of load"},
             {"vlan", &nic::PortSettings::vlan, number<std::uint16_t>(0, 4'094),
              "802.1Q tag; 0 = untagged"},
             {"mtu", &nic::PortSettings::mtu, number<std::uint16_t>(576, 1'500),
              "most bytes in an IP packet; at least 1280 with IPv6"},
             {"queues", &nic::PortSettings::queues, number<std::uint16_t>(0, 64),
              "queue pairs, at most one a core; 0 = one a core, or as many as the device has"},
             {"descriptors", &nic::PortSettings::descriptors, number<std::uint16_t>(0, 32'768),
              "frames in each ring; 0 = the default of the device"},
             {"faults", &nic::PortSettings::faults, map(fault_schema()),
              "a faulty wire, for tests"},
             {"pcap", &nic::PortSettings::pcap, file_name("file"),
              "capture every frame to this file"},
         };
}

Schema<nic::LinksSettings> links_schema() {
  return {{"give_up", &nic::LinksSettings::give_up, duration_or_zero(1_ms, kWeek),
           "end with status 1 when no link has worked for so long; 0 = never"}};
}

bool is_file_prefix(std::string_view name) {
  return name.size() <= 64 && name.find_first_of("/\\*?:") == std::string_view::npos;
}

/// The keys that serve and load share, except for time_wait and close, in which they differ. T is
/// the settings of either.
template <class T>
Schema<T> common_schema(Wiring wiring) {
  using P = nic::ProcessSettings;
  using S = shard::ShardSettings;
  const auto port_list = list(map(port_schema(wiring)), 1, wiring == Wiring::lab ? 1 : 16);
  const Schema<P> memory{{"hugepages", &P::hugepages,
                          choice<nic::HugePagesMode>({{"auto", nic::HugePagesMode::automatic},
                                                      {"never", nic::HugePagesMode::never}}),
                          "whether packet memory may come from hugepages"},
                         {"capabilities", &P::capabilities,
                          choice<nic::CapabilitiesMode>({{"drop", nic::CapabilitiesMode::drop},
                                                         {"keep", nic::CapabilitiesMode::keep}}),
                          "of Linux, once all devices are open; keep is for devices that need them "
                          "again, such as a tap that comes back"}};
  const Schema<P> ports{
      {required_with_devices("ports", wiring), &P::ports, port_list, "network devices"}};
  const Schema<S> protocol{
      {"fin_wait_2", &S::tcp, map(fin_wait_2_schema()), "FIN_WAIT_2", Mutability::live},
      {"tcp", std::identity{}, map(tcp_schema()), "the protocol", Mutability::live}};
  const Schema<P> names{{"file_prefix", &P::file_prefix,
                         word("word", "at most 64, a part of a file name", is_file_prefix),
                         "DPDK's `--file-prefix`; by default made from the process id"},
                        {"telemetry", &P::telemetry, boolean(),
                         "DPDK's own telemetry in its runtime folder, with our counters under "
                         "/mayfly/stats"}};
  const Schema<P> links{{"links", &P::links, map(links_schema()), "what if they do not work"}};
  Schema<T> keys =
      within<T>(&T::process, memory) +
      Schema<T>{
          {"cores", &T::cores, list(number<std::uint32_t>(0, 1'023), 1, 64),
           "processor cores that poll; each runs one shard"},
          {"idle", &T::idle,
           choice<shard::Idle>({{"poll", shard::Idle::poll}, {"adaptive", shard::Idle::adaptive}}),
           "a core to which nothing arrives polls on, or sleeps for 400 us at a time "
           "(doc/devices.md)"}} +
      within<T>(&T::process, ports) +
      within<T>(std::identity{},
                Schema<shard::EndSettings>{{"connections", std::identity{},
                                            map(connection_schema()), "memory for connections"}}) +
      within<T>(&T::shard, protocol) + within<T>(&T::process, names);
  // The lab controls its two ends itself.
  if (wiring == Wiring::devices) {
    keys.push_back(
        {"admin", &T::admin, map(admin_schema()), "access to the process while it runs"});
    keys = std::move(keys) + within<T>(&T::process, links);
  }
  return keys;
}

Schema<service::ListenSettings> listen_schema() {
  return {
      {required("port"), &service::ListenSettings::port, number<std::uint16_t>(1), "TCP port"},
      {"service", &service::ListenSettings::service,
       choice<service::ServiceKind>({{"http", service::ServiceKind::http},
                                     {"echo", service::ServiceKind::echo},
                                     {"discard", service::ServiceKind::discard}}),
       "HTTP/1.1, RFC 862 or RFC 863"},
  };
}

bool is_media_type(std::string_view type) {
  const std::size_t slash = type.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < type.size();
}

Schema<service::RouteSettings> route_schema() {
  using R = service::RouteSettings;
  return {
      {required("path"), &R::path, url_path(), "exact path, or a prefix ending in / for a folder"},
      {"body", &R::body, maybe(text()), "answer with this text"},
      {"bytes", &R::bytes, maybe(bytes<std::uint64_t>(0, std::uint64_t{4} << 30)),
       "answer with this many generated bytes"},
      {"folder", &R::folder, maybe(file_name("folder")),
       "answer with the files of this folder, read at start and on reload; relative to the YAML "
       "file"},
      {"dot_names", &R::dot_names, boolean(),
       "with folder: files and folders whose names begin with a dot are served too"},
      {"content_type", &R::content_type, word("word", "TYPE/SUBTYPE", is_media_type),
       "by default chosen by the kind of answer, or the suffix of the file"},
  };
}

Schema<service::AccessLogSettings> access_log_schema() {
  return {{"sample", &service::AccessLogSettings::sample, probability(),
           "the share of requests, picked at random, that a line of the log tells of"}};
}

Schema<service::HttpSettings> http_schema() {
  using H = service::HttpSettings;
  return {
      {"routes", &H::routes, list(map(route_schema()), 0, 4'096),
       "what is served; each has one of body, bytes, folder", Mutability::live},
      {"date", &H::date, boolean(), "answers have a Date field"},
      {"header_bytes_max", &H::header_bytes_max, bytes<std::uint32_t>(128, 65'536),
       "most bytes of request line and headers; more is answered with 431", Mutability::live},
      {"body_bytes_max", &H::body_bytes_max, bytes<std::uint64_t>(0, std::uint64_t{1} << 30),
       "most bytes of the body of a request; more is answered with 413", Mutability::live},
      {"request_timeout", &H::request_timeout, duration(1_ms, kHour),
       "time for a whole request to arrive; then 408 and close", Mutability::live},
      {"keep_alive_timeout", &H::keep_alive_timeout, duration(1_ms, kHour),
       "idle time between requests; then close", Mutability::live},
      {"keep_alive_requests", &H::keep_alive_requests, count<std::uint32_t>(0, 1'000'000'000),
       "most requests on a connection; 0 = no limit", Mutability::live},
      {"access_log", &H::access_log, map(access_log_schema()), "requests that the log tells of"},
  };
}

Schema<load::TargetSettings> target_host_schema(Wiring wiring) {
  // The lab knows its server.
  if (wiring == Wiring::lab)
    return {{"address", std::identity{}, target_ip(), "address of the server"}};
  return {{"url", std::identity{}, target_url(), "server and GET, not address, port and path"},
          {"address", std::identity{}, target_address(),
           "address or name of the server; a name is resolved before the start"},
          {"family", &load::TargetSettings::family, target_family(),
           "which of a name's addresses is meant (-4, -6); any: one that the ports can reach"}};
}

Schema<load::TargetSettings> target_schema(Wiring wiring) {
  return target_host_schema(wiring) +
         Schema<load::TargetSettings>{
             {"port", &load::TargetSettings::port, number<std::uint16_t>(1), "its TCP port"},
             {"path", &load::TargetSettings::path,
              word("path", "begins with /", [](std::string_view path) { return path[0] == '/'; }),
              "path to GET"},
             {"host", &load::TargetSettings::host,
              word("word", "", [](std::string_view) { return true; }),
              "Host header; by default the address or name, and the port"},
         };
}

Schema<load::SourceSettings> source_schema() {
  return {
      {"addresses", std::identity{}, source_addresses(), "addresses to connect from"},
      {"ports", std::identity{}, source_ports(), "ports to connect from, at each address"},
      {"hosts", &load::SourceSettings::hosts, count<std::uint32_t>(1, 1'000'000),
       "behind each address, as behind a NAT: connections are theirs in turn, each with its own "
       "clock and numbers"},
  };
}

Schema<shard::ShardSettings> time_wait_key(Schema<flow::TimeWaitPolicy> keys) {
  return {{"time_wait", &shard::ShardSettings::time_wait, map(std::move(keys)),
           "the TIME_WAIT policy", Mutability::live}};
}

template <class T>
Key<T> drain_timeout_key() {
  return {"drain_timeout", &T::drain_timeout, duration_or_zero(1_ms, kHour),
          "after Ctrl-C: time for open connections to finish"};
}

/// The lab forgets everything between two experiments.
template <class T>
Schema<T> state_key(Wiring wiring) {
  if (wiring == Wiring::lab) return {};
  return {
      {"state", &T::state, file_or_auto(),
       "the file from which sequence numbers and timestamps go on where the last run ended; auto "
       "= /var/lib/mayfly/state.json, or the user's ~/.local/state/mayfly/state.json; none = "
       "they begin anew"},
      {"time_wait_file", &T::time_wait_file, file_name("file"),
       "a path on tmpfs or hugetlbfs: each core keeps its TIME_WAIT entries in a file of that name "
       "with its number, from which the next process goes on"}};
}

/// The lab has a report.
Schema<ServeSettings> log_key(Wiring wiring) {
  if (wiring == Wiring::lab) return {};
  return {{"log", &ServeSettings::log, map(log_schema()),
           "what is said on standard error while it runs (doc/control.md)"}};
}

Schema<load::LoadShape> shape_schema() {
  using L = load::LoadShape;
  return {
      {"rate", &L::rate, rate(100e6), "open loop: connections a second; give this or concurrency"},
      {"concurrency", &L::concurrency, count<std::uint32_t>(0, 64 << 20),
       "closed loop: connections at once"},
      {"connections", &L::connections, count<std::uint64_t>(0, 1'000'000'000'000),
       "end after this many; 0 = by duration"},
      {"duration", &L::duration, duration_or_zero(1_ms, kWeek),
       "length of the run, ramp included; 0 = by connections"},
      {"ramp", &L::ramp, duration_or_zero(1_ms, kHour),
       "time in which the rate or concurrency rises linearly"},
      {"requests_per_connection", &L::requests_per_connection,
       count<std::uint32_t>(1, 1'000'000'000), "requests on each connection before it is closed"},
      {"timeout", &L::timeout, duration(1_ms, kHour), "a connection that takes longer has failed"},
      {"overcommit", &L::overcommit, boolean(),
       "run although the sources or the tables will run out"},
  };
}

/// The keys of a shard that a preset may change.
Schema<shard::ShardSettings> shard_policy_schema(Schema<flow::TimeWaitPolicy> time_wait,
                                                 const std::string& keys) {
  using S = shard::ShardSettings;
  return {
      {"time_wait", &S::time_wait, layer(map(std::move(time_wait)), keys), "the TIME_WAIT policy"},
      {"fin_wait_2", &S::tcp, layer(map(fin_wait_2_schema()), keys), "FIN_WAIT_2"},
      {"tcp", std::identity{}, layer(map(tcp_schema()), keys), "the protocol"},
  };
}

Schema<ServeSettings> server_policy_schema() {
  using S = ServeSettings;
  const std::string keys = "keys of serve";
  return Schema<S>{
             {"close", &S::close, layer(map(serve_close_schema()), keys), "how connections end"}} +
         within<S>(&S::shard, shard_policy_schema(time_wait_schema(), keys));
}

Schema<LoadSettings> client_policy_schema() {
  using L = LoadSettings;
  const std::string keys = "keys of load";
  return Schema<L>{
             {"close", &L::close, layer(map(load_close_schema()), keys), "how connections end"}} +
         within<L>(&L::shard, shard_policy_schema(client_time_wait_schema(), keys));
}

/// A layer for each end, with all keys.
Schema<BothEnds> layers_schema(bool is_required, const std::string& server_help,
                               const std::string& client_help) {
  const auto name = [is_required](const char* key) { return is_required ? required(key) : key; };
  return {
      {name("server"), &BothEnds::server,
       layer(map(serve_schema(Wiring::lab)), "keys of serve, without devices"), server_help},
      {name("client"), &BothEnds::client,
       layer(map(load_schema(Wiring::lab)), "keys of load, without devices"), client_help},
  };
}

Schema<LabExperiment> experiment_schema() {
  using E = LabExperiment;
  return Schema<E>{
             {required("name"), &E::name, experiment_name(), "its name in the results"},
             {"title", &E::title, text(), "one line for the report"},
             {"story", &E::story, number<std::uint8_t>(0, 6),
              "its chapter of the report; 0 = none"},
             {"expect", &E::expect,
              choice<lab::Expectation>({{"none", lab::Expectation::none},
                                        {"flat", lab::Expectation::flat},
                                        {"bound", lab::Expectation::bound},
                                        {"collapse", lab::Expectation::collapse}}),
              "flat: the rate is as offered; bound: what the arithmetic allows; collapse: at most "
              "half "
              "of what is offered, and swinging"},
             {"warm_up", &E::warm_up, duration_or_zero(1_ms, kHour),
              "time from the start that the figures leave out; by default at most a fifth of the "
              "duration"},
             {"calibrates", &E::calibrates, boolean(),
              "it measures what this machine carries, for the shares of later ones"},
             {"share", &E::share, probability(),
              "of what the calibration measured, offered in place of client.load.rate; 0 = none"},
             {"policy", &E::policy, preset(), "a preset laid over the base"},
         } +
         within<E>(std::identity{},
                   layers_schema(false, "laid over the preset, for this experiment alone",
                                 "laid over the preset, for this experiment alone"));
}

Schema<SituationFile> situation_schema() {
  using S = SituationFile;
  using enum world::Situation;
  return Schema<S>{
             {required("name"), &S::situation,
              choice<world::Situation>({{"many-clients", many_clients},
                                        {"few-clients", few_clients},
                                        {"nat", nat},
                                        {"proxy", proxy},
                                        {"lossy", lossy}}),
              "the situation of the hazard lab that it belongs to; proxy: the client closes first"},
             {"title", &S::title, text(), "one line for the report"},
             {"share", &S::share, probability(),
              "of what the calibration measured: what is offered"},
             {"clock", &S::clock, count<std::uint32_t>(1, 100'000),
              "the holds of all policies are divided by it"},
             {"capacity", &S::capacity, count<std::uint32_t>(0, 256 << 20),
              "TIME_WAIT entries a server core, under every policy; 0 = as the policy says"},
             {"warm_up", &S::warm_up, duration_or_zero(1_ms, kHour),
              "time from the start that the figures leave out"},
         } +
         within<S>(std::identity{}, layers_schema(false, "laid over the base and under the presets",
                                                  "laid over the base and under the presets"));
}

Schema<lab::HazardSettings> hazard_schema() {
  using H = lab::HazardSettings;
  return {
      {"seed", &H::seed, number<std::uint64_t>(0), "the same seed gives the same ledger"},
      {"seeds", &H::seeds, count<std::uint32_t>(1, 10'000'000),
       "so many seeds from that one on, added up in one ledger"},
      {"connections", &H::connections, count<std::uint32_t>(1, 10'000'000),
       "connections of each kind of client, for each policy"},
      {"capacity", &H::capacity, count<std::uint32_t>(0, 256 << 20),
       "TIME_WAIT entries of the server, under every policy: few, as in a busy server; 0 = as the "
       "policy says"},
      {"nat", &H::nat, boolean(),
       "also simulate many hosts behind one address, each with its own clock"},
      {"link", &H::link, map(link_schema()), "the wire between the ends"},
      {required("policies"), &H::policies, list(preset_pair(), 1, 64), "the presets to compare"},
  };
}

Schema<ServeSettings> cluster_key(Wiring wiring) {
  if (wiring == Wiring::lab) return {};
  return {{"cluster", &ServeSettings::cluster, map(cluster_schema()),
           "one of several servers with the same addresses, between which a router chooses"}};
}

Schema<PresetAbout> about_schema() {
  return {
      {"place", &PresetAbout::place, number<std::uint32_t>(0, 1'000),
       "its position in lists; 0 = after all others"},
      {"harm", &PresetAbout::harm, text(), "the harm that it does in any case; by default none"}};
}

}  // namespace

Schema<ServeSettings> serve_schema(Wiring wiring) {
  using S = ServeSettings;
  return common_schema<S>(wiring) +
         Schema<S>{
             {required_with_devices("listen", wiring), &S::listen,
              list(map(listen_schema()), 1, 1'024), "services", Mutability::live},
             {"http", &S::http, map(http_schema()), "the HTTP service"},
             {"close", &S::close, map(serve_close_schema()), "how connections end",
              Mutability::live},
         } +
         within<S>(&S::shard, time_wait_key(time_wait_schema())) +
         Schema<S>{drain_timeout_key<S>()} + state_key<S>(wiring) + cluster_key(wiring) +
         log_key(wiring);
}

Schema<ProgramSettings> program_schema() {
  using S = ProgramSettings;
  return common_schema<S>(Wiring::devices) +
         Schema<S>{{"close", &S::close, map(serve_close_schema()), "how connections end"}} +
         within<S>(&S::shard, time_wait_key(time_wait_schema())) +
         Schema<S>{drain_timeout_key<S>()};
}

Schema<LoadSettings> load_schema(Wiring wiring) {
  using L = LoadSettings;
  return common_schema<L>(wiring) + within<L>(&L::shard, time_wait_key(client_time_wait_schema())) +
         Schema<L>{
             {required_with_devices("target", wiring), &L::target, map(target_schema(wiring)),
              "the server"},
             {"sources", &L::sources, map(source_schema()), "the client's end"},
             {required("load"), &L::load, map(shape_schema()), "how much"},
             {"close", &L::close, map(load_close_schema()), "how connections end",
              Mutability::live},
         } +
         state_key<L>(wiring);
}

Schema<BothEnds> pair_schema() {
  return {
      {required("server"), &BothEnds::server, map(serve_schema(Wiring::lab)), "the server"},
      {required("client"), &BothEnds::client, map(load_schema(Wiring::lab)), "the client"},
  };
}

Schema<PresetFile> policy_schema() {
  return {
      {"about", &PresetFile::about, map(about_schema()), "how the preset is listed"},
      {"server", &PresetFile::server, map(server_policy_schema()), "the server"},
      {"client", &PresetFile::client, map(client_policy_schema()), "the client"},
  };
}

Schema<LabFile> lab_schema() {
  using L = LabFile;
  return Schema<L>{
             {"wire", &L::wire,
              choice<LabWire>({{"ring", LabWire::ring}, {"memif", LabWire::memif}}),
              "what connects the ends: rings of frames, or shared memory, into which they are "
              "copied"},
             {"sample", &L::sample, duration(10_ms, 10_s), "time between two samples"},
         } +
         within<L>(&L::base, layers_schema(true, "the server of every experiment",
                                           "the client of every experiment")) +
         Schema<L>{
             {"experiments", &L::experiments, list(map(experiment_schema()), 1, 64),
              "run one after the other; by default a single one, with the base alone"},
             {"hazards", std::identity{},
              map(within<L>(&L::hazards, hazard_schema()) +
                  within<L>(&L::hazard_base,
                            layers_schema(false, "laid over the base and under the presets",
                                          "laid over the base and under the presets"))),
              "policies over a simulated bad link, run after the experiments"},
             {"situations", &L::situation_files, list(map(situation_schema()), 1, 5),
              "in each of them every policy of `hazards` is run, after the experiments, with the "
              "same load"},
         };
}

}  // namespace mayfly::config
