// The keys of serve, and the rules between them.
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Serve = ConfigTest;

constexpr const char* kEverything = R"(
hugepages: never
cores: [2, 3]
file_prefix: mayfly-test
ports:
  - device: "net_af_packet0,iface=veth0"
    addresses: [198.18.0.1/15, 10.0.0.1-10.0.0.9/24]
    gateway: 198.18.0.254
    mac: "02:00:00:00:00:01"
    vlan: 12
    mtu: 1400
    queues: 2
    descriptors: 512
    faults: {loss: 1%, duplicate: 0.1%, reorder: 0.02, delay: 5ms, jitter: 1ms, seed: 7}
    pcap: out.pcap
listen:
  - {port: 80, service: http}
  - {port: 7, service: echo}
  - {port: 9, service: discard}
http:
  routes:
    - {path: /, body: "hello, mayfly\n"}
    - {path: /big, bytes: 1M}
    - {path: /files/, folder: www}
    - {path: /json, body: "{}", content_type: application/json}
  header_bytes_max: 4Ki
  body_bytes_max: 1M
  request_timeout: 5s
  keep_alive_timeout: 6s
  keep_alive_requests: 100
connections: {capacity: 256k, send_chunks: 4k, receive_buffers: 256}
close: {first: client, grace: 100ms, abort: true}
time_wait: {hold: 30s, capacity: 2M, on_full: refuse, reopen: sequence, rst: accept}
fin_wait_2: {hold: 10s}
drain_timeout: 3s
tcp:
  mss: 1300
  receive_window: 1Mi
  initial_window_segments: 4
  timestamps: false
  window_scale: true
  sack: false
  nagle: false
  rto_initial: 500ms
  rto_min: 100ms
  rto_max: 30s
  syn_retries: 3
  syn_ack_retries: 4
  retries: 8
  delayed_ack: 0
  challenge_ack_interval: 1s
  keep_alive: {enabled: true, idle: 1h, interval: 10s, probes: 3}
)";

TEST_F(Serve, ReadsThePort) {
  make_folder("www");
  const auto loaded = serve(kEverything);
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->process.hugepages, nic::HugePagesMode::never);
  EXPECT_THAT(loaded.settings->cores, ElementsAre(2u, 3u));
  EXPECT_EQ(loaded.settings->process.file_prefix, "mayfly-test");
  const nic::PortSettings& port = loaded.settings->process.ports.at(0);
  EXPECT_EQ(port.device, "net_af_packet0,iface=veth0");
  EXPECT_EQ(port.addresses.at(0).first, Ipv4Address{0xc6120001});
  EXPECT_EQ(port.addresses.at(1).last, Ipv4Address{0x0a000009});
  EXPECT_EQ(port.addresses.at(1).prefix_length, 24);
  EXPECT_EQ(port.gateway, Ipv4Address{0xc61200fe});
  EXPECT_EQ(port.mac, (MacAddress{{2, 0, 0, 0, 0, 1}}));
  EXPECT_EQ(port.vlan, 12);
  EXPECT_EQ(port.mtu, 1400);
  EXPECT_EQ(port.queues, 2);
  EXPECT_EQ(port.descriptors, 512);
  EXPECT_EQ(port.pcap, "out.pcap");
  EXPECT_DOUBLE_EQ(port.faults.loss, 0.01);
  EXPECT_DOUBLE_EQ(port.faults.duplicate, 0.001);
  EXPECT_DOUBLE_EQ(port.faults.reorder, 0.02);
  EXPECT_EQ(port.faults.delay, 5_ms);
  EXPECT_EQ(port.faults.jitter, 1_ms);
  EXPECT_EQ(port.faults.seed, 7u);
}

TEST_F(Serve, ReadsTheServices) {
  make_folder("www");
  const auto loaded = serve(kEverything);
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->listen.at(2).port, 9);
  EXPECT_EQ(loaded.settings->listen.at(2).service, service::ServiceKind::discard);
  const service::HttpSettings& http = loaded.settings->http;
  EXPECT_EQ(http.routes.at(0).body, "hello, mayfly\n");
  EXPECT_EQ(http.routes.at(0).bytes, std::nullopt);
  EXPECT_EQ(http.routes.at(1).bytes, 1'000'000u);
  EXPECT_EQ(http.routes.at(2).folder, path("www"));
  EXPECT_EQ(http.routes.at(3).content_type, "application/json");
  EXPECT_EQ(http.header_bytes_max, 4'096u);
  EXPECT_EQ(http.body_bytes_max, 1'000'000u);
  EXPECT_EQ(http.request_timeout, 5_s);
  EXPECT_EQ(http.keep_alive_timeout, 6_s);
  EXPECT_EQ(http.keep_alive_requests, 100u);
}

TEST_F(Serve, ReadsTheLifeOfConnections) {
  make_folder("www");
  const auto loaded = serve(kEverything);
  ASSERT_THAT(messages(loaded), IsEmpty());
  const config::ServeSettings& s = *loaded.settings;
  EXPECT_EQ(s.connections.capacity, 256'000u);
  EXPECT_EQ(s.connections.send_chunks, 4'000u);
  EXPECT_EQ(s.connections.receive_buffers, 256u);
  EXPECT_EQ(s.close.first, shard::Closer::client);
  EXPECT_EQ(s.close.grace, 100_ms);
  EXPECT_TRUE(s.close.abort);
  EXPECT_EQ(s.shard.time_wait.hold, 30_s);
  EXPECT_EQ(s.shard.time_wait.capacity, 2'000'000u);
  EXPECT_EQ(s.shard.time_wait.on_full, flow::TimeWaitPolicy::OnFull::refuse);
  EXPECT_EQ(s.shard.time_wait.rules.reopen, tcp::TimeWaitRules::Reopen::sequence);
  EXPECT_EQ(s.shard.time_wait.rules.rst, tcp::TimeWaitRules::OnRst::accept);
  EXPECT_EQ(s.shard.tcp.fin_wait_2_hold, 10_s);
  EXPECT_EQ(s.drain_timeout, 3_s);
}

TEST_F(Serve, ReadsTcp) {
  make_folder("www");
  const auto loaded = serve(kEverything);
  ASSERT_THAT(messages(loaded), IsEmpty());
  const tcp::TcpSettings& tcp = loaded.settings->shard.tcp;
  EXPECT_EQ(tcp.mss, 1'300);
  EXPECT_EQ(tcp.receive_window, 1u << 20);
  EXPECT_EQ(tcp.initial_window_segments, 4);
  EXPECT_FALSE(tcp.timestamps);
  EXPECT_TRUE(tcp.window_scale);
  EXPECT_FALSE(tcp.sack);
  EXPECT_FALSE(tcp.nagle);
  EXPECT_EQ(tcp.rto_initial, 500_ms);
  EXPECT_EQ(tcp.rto_min, 100_ms);
  EXPECT_EQ(tcp.rto_max, 30_s);
  EXPECT_EQ(tcp.syn_retries, 3);
  EXPECT_EQ(tcp.syn_ack_retries, 4);
  EXPECT_EQ(tcp.retries, 8);
  EXPECT_EQ(tcp.delayed_ack, Duration{});
  EXPECT_EQ(tcp.challenge_ack_interval, 1_s);
  EXPECT_TRUE(tcp.keep_alive.enabled);
  EXPECT_EQ(tcp.keep_alive.idle, 3600_s);
  EXPECT_EQ(tcp.keep_alive.interval, 10_s);
  EXPECT_EQ(tcp.keep_alive.probes, 3);
}

TEST_F(Serve, NeedsPortsAndListenersOnly) {
  const auto loaded = serve(kServe);
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->shard.time_wait.hold, 60_s);
  EXPECT_THAT(complaints(serve("cores: [0]\n")),
              UnorderedElementsAre("ports: is missing", "listen: is missing"));
}

TEST_F(Serve, ReportsAllErrorsAtOnceInTheOrderOfTheFile) {
  const auto loaded = serve(
      "cores: [0, 0]\n"
      "ports:\n"
      "  - {device: '', addresses: [198.18.0.1]}\n"
      "  - {addresses: [198.18.0.0/15], gatway: 198.18.0.254}\n"
      "listen:\n"
      "  - {port: 80}\n"
      "  - {port: 80}\n"
      "time_wait:\n"
      "  hold: 11min\n"
      "  hold: 60\n"
      "  on_full: evict\n");
  const std::string file = path("c.yaml");
  EXPECT_THAT(
      messages(loaded),
      ElementsAre(
          file + ":1:12 cores.1: core 0 is given twice",
          file + ":3:14 ports.0.device: is empty (device: DPDK devargs without empty arguments, or "
                 "a PCI address)",
          file + ":3:30 ports.0.addresses.0: \"198.18.0.1\" has no prefix length, such as /24 "
                 "(list of address: A/PREFIX or A-B/PREFIX, IPv4 or IPv6)",
          file + ":4:5 ports.1.device: is missing (device: DPDK devargs without empty arguments, "
                 "or a PCI address)",
          file + ":4:18 ports.1.addresses.0: \"198.18.0.0/15\" contains the network's own "
                 "address or its broadcast address (list of address: A/PREFIX or A-B/PREFIX, IPv4 "
                 "or IPv6)",
          file + ":4:34 ports.1.gatway: is not a known key (did you mean gateway?)",
          file + ":7:12 listen.1.port: is the same as in listen.0",
          file + ":9:9 time_wait.hold: \"11min\" is out of range (duration: 0 or 1ms..10min)",
          file + ":10:3 time_wait.hold: is given twice (the first one would be used: remove one)",
          file + ":11:12 time_wait.on_full: \"evict\" is unknown (one of: evict_oldest, refuse, "
                 "close)"));
}

TEST_F(Serve, UnknownKeyOfNoLikenessListsTheKnown) {
  EXPECT_THAT(
      messages(serve(kServe, {"close.zzzzzzzz=1"})),
      ElementsAre(HasSubstr("is not a known key (known here: first, grace, linger, abort)")));
}

TEST_F(Serve, WrongKindsOfValueAreNamed) {
  EXPECT_THAT(complaints(serve(kServe, {"tcp=[1]"})), ElementsAre("tcp: must be a map, is a list"));
  EXPECT_THAT(complaints(serve(kServe, {"cores=0"})),
              ElementsAre("cores: must be a list, is a plain value"));
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.hold={}"})),
              ElementsAre("time_wait.hold: must be a plain value, is a map"));
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.hold="})),
              ElementsAre("time_wait.hold: has no value"));
  EXPECT_THAT(complaints(serve(kServe, {"ports.0=5"})),
              ElementsAre("ports.0: must be a map, is a plain value"));
}

TEST_F(Serve, AMapWithAllItsKeysCommentedOutIsEmpty) {
  EXPECT_THAT(complaints(serve(std::string(kServe) + "tcp:\n  # nagle: off\n")), IsEmpty());
}

class ServeRange : public ConfigTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(ServeRange, IsKept) {
  const std::string key = std::string(GetParam()).substr(0, std::string(GetParam()).find('='));
  EXPECT_THAT(complaints(serve(kServe, {GetParam()})),
              ElementsAre(::testing::AllOf(::testing::StartsWith(key + ": "),
                                           HasSubstr("is out of range"))));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ServeRange,
    ::testing::Values(
        "cores.0=1024", "ports.0.mtu=575", "ports.0.mtu=1501", "ports.0.vlan=4095",
        "ports.0.queues=65", "ports.0.descriptors=32769", "ports.0.faults.delay=11s",
        "listen.0.port=0", "listen.0.port=65536", "connections.capacity=0",
        "connections.capacity=65Mi", "connections.send_chunks=15", "connections.receive_buffers=0",
        "time_wait.hold=999us", "time_wait.hold=601s", "time_wait.capacity=0",
        "time_wait.capacity=257Mi", "time_wait.floor=0", "time_wait.floor=11min", "close.grace=61s",
        "fin_wait_2.hold=2h", "drain_timeout=2h", "tcp.mss=87", "tcp.mss=1461",
        "tcp.receive_window=2Gi", "tcp.initial_window_segments=0", "tcp.rto_initial=9ms",
        "tcp.rto_min=0", "tcp.rto_max=11min", "tcp.syn_retries=21", "tcp.syn_ack_retries=21",
        "tcp.retries=0", "tcp.delayed_ack=500ms", "tcp.challenge_ack_interval=61s",
        "tcp.keep_alive.idle=1ms", "tcp.keep_alive.interval=1ms", "tcp.keep_alive.probes=0",
        "http.header_bytes_max=127", "http.body_bytes_max=2Gi", "http.request_timeout=0",
        "http.keep_alive_timeout=0", "http.keep_alive_requests=2G"),
    [](const auto& named) {
      std::string name = std::to_string(named.index) + "_" + named.param;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
      return name;
    });

TEST_F(Serve, CoresAreNotTwice) {
  EXPECT_THAT(complaints(serve(kServe, {"cores=[0, 1, 0]"})),
              ElementsAre("cores.2: core 0 is given twice"));
  EXPECT_THAT(complaints(serve(kServe, {"cores=[]"})), ElementsAre("cores: is empty"));
}

TEST_F(Serve, DevicesAreNamedOnce) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.1={device: net_ring0, addresses: [10.0.0.1/8]}"})),
              ElementsAre("ports.1.device: is the same as in ports.0"));
  EXPECT_THAT(complaints(serve(kServe, {"ports=[]"})), ElementsAre("ports: is empty"));
}

TEST_F(Serve, DeviceArgumentsAreNotEmpty) {
  for (const char* device : {"'net_memif0,,id=0'", "'net_memif0,'", "',id=0'"}) {
    EXPECT_THAT(complaints(serve(kServe, {std::string("ports.0.device=") + device})),
                ElementsAre(HasSubstr("is not allowed here")));
  }
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.device=net ring"})),
              ElementsAre(HasSubstr("contains a space")));
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.device=''"})),
              ElementsAre("ports.0.device: is empty"));
}

TEST_F(Serve, AddressesDoNotOverlap) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.addresses=[10.0.0.1-10.0.0.9/8, 10.0.0.9/8]"})),
              ElementsAre("ports.0.addresses.1: overlaps with 10.0.0.1-10.0.0.9/8"));
  EXPECT_THAT(complaints(serve(kServe, {"ports.1={device: x, addresses: [198.18.0.1/15]}"})),
              ElementsAre("ports.1.addresses.0: overlaps with 198.18.0.1/15"));
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.addresses=[]"})),
              ElementsAre("ports.0.addresses: is empty"));
}

TEST_F(Serve, AddressRangesAreNotReversed) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.addresses=[198.18.0.9-198.18.0.1/15]"})),
              ElementsAre("ports.0.addresses.0: \"198.18.0.9-198.18.0.1\" is reversed"));
}

TEST_F(Serve, GatewayIsOnTheLinkAndSomebodyElse) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.gateway=198.18.0.254"})), IsEmpty());
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.gateway=10.0.0.1"})),
              ElementsAre("ports.0.gateway: is not on the link of any of the port's addresses"));
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.gateway=198.18.0.1"})),
              ElementsAre("ports.0.gateway: is one of the port's own addresses"));
}

TEST_F(Serve, QueuesAreAtMostOneACore) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.queues=2"})),
              ElementsAre("ports.0.queues: 2 queues for 1 cores"));
}

TEST_F(Serve, CapturesGoToDifferentFiles) {
  EXPECT_THAT(
      complaints(serve(kServe, {"ports.0.pcap=a.pcap",
                                "ports.1={device: x, addresses: [10.0.0.1/8], pcap: a.pcap}"})),
      ElementsAre("ports.1.pcap: is the same as in ports.0"));
}

TEST_F(Serve, AClusterHasASecretAndOneAddressOfThisServer) {
  const std::string cluster = std::string(kServe) + "cluster: {secret: s, members: ";
  const auto good = serve(cluster + "[198.18.0.1, 198.18.0.2], hops: 1}\n");
  ASSERT_THAT(messages(good), IsEmpty());
  EXPECT_EQ(good.settings->cluster.members.size(), 2U);
  EXPECT_EQ(good.settings->shard.tcp.mss, 1'440) << "with room for another IPv4 header";
  EXPECT_THAT(
      complaints(serve(std::string(kServe) + "cluster: {members: [198.18.0.1, 198.18.0.2]}\n")),
      ElementsAre("cluster.members: need cluster.secret"));
  EXPECT_THAT(complaints(serve(cluster + "[198.18.0.3, 198.18.0.2]}\n")),
              ElementsAre("cluster.members: must have exactly one address of this server"));
  EXPECT_THAT(complaints(serve(cluster + "[198.18.0.1, 198.18.0.2, 198.18.0.2]}\n")),
              ElementsAre("cluster.members: has an address twice"));
  EXPECT_THAT(complaints(serve(cluster + "[198.18.0.1, 198.18.0.2]}\n", {"cores=[0, 1]"})),
              IsEmpty());
}

TEST_F(Serve, TheMembersOfAClusterAreOfEitherFamilyButAllOfOne) {
  const std::string cluster = std::string(kServe) + "cluster: {secret: s, members: ";
  const std::vector<std::string> both = {"ports.0.addresses=[198.18.0.1/15, \"2001:db8::1/64\"]"};
  const auto good = serve(cluster + "[\"2001:db8::1\", \"2001:db8::2\"]}\n", both);
  ASSERT_THAT(messages(good), IsEmpty());
  EXPECT_EQ(good.settings->shard.tcp.mss, 1'420) << "with room for another IPv6 header";
  EXPECT_THAT(complaints(serve(cluster + "[198.18.0.1, \"2001:db8::2\"]}\n", both)),
              ElementsAre("cluster.members: are of both families"));
  EXPECT_THAT(complaints(serve(cluster + "[\"2001:db8::3\", \"2001:db8::2\"]}\n", both)),
              ElementsAre("cluster.members: must have exactly one address of this server"));
}

TEST_F(Serve, SegmentsFitTheMtu) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.mtu=1400", "tcp.mss=1361"})),
              ElementsAre("tcp.mss: 1361 does not fit the MTU of ports.0: 1400"));
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.mtu=1400", "tcp.mss=1360"})), IsEmpty());
}

TEST_F(Serve, SegmentSizeFollowsTheMtuUnlessGiven) {
  const auto loaded = serve(kServe, {"ports.0.mtu=576"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->shard.tcp.mss, 536);
}

TEST_F(Serve, TimeOutsAreInOrder) {
  EXPECT_THAT(complaints(serve(kServe, {"tcp.rto_min=2s"})),
              ElementsAre("tcp.rto_initial: is below rto_min, 2s"));
  EXPECT_THAT(complaints(serve(kServe, {"tcp.rto_max=500ms"})),
              ElementsAre("tcp.rto_max: is below rto_initial, 1s"));
}

TEST_F(Serve, LargeWindowsNeedScaling) {
  EXPECT_THAT(complaints(serve(kServe, {"tcp.receive_window=65536", "tcp.window_scale=off"})),
              ElementsAre("tcp.receive_window: is above 65535, which needs window_scale"));
}

TEST_F(Serve, ListenersHavePortsOfTheirOwn) {
  EXPECT_THAT(complaints(serve(kServe, {"listen.1={port: 80, service: echo}"})),
              ElementsAre("listen.1.port: is the same as in listen.0"));
}

TEST_F(Serve, HoldMayBeZero) {
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.hold=0"})), IsEmpty());
}

TEST_F(Serve, ReadsTheWaysOutOfTimeWait) {
  const auto plain = serve(kServe);
  ASSERT_TRUE(plain.settings);
  EXPECT_FALSE(plain.settings->shard.time_wait.balance || plain.settings->shard.time_wait.recycle ||
               plain.settings->shard.time_wait.hand_over);
  const auto loaded = serve(kServe, {"time_wait={balance: true, floor: 500ms, recycle: true, "
                                     "hand_over: true, nearness: [{prefix: 127.0.0.0/8, hold: 2s}, "
                                     "{prefix: 0.0.0.0/0, hold: 0}]}"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  const flow::TimeWaitPolicy& policy = loaded.settings->shard.time_wait;
  EXPECT_TRUE(policy.balance && policy.recycle && policy.hand_over);
  EXPECT_EQ(policy.floor, 500_ms);
  ASSERT_EQ(policy.nearness.size(), 2u);
  EXPECT_EQ(policy.nearness[0].prefix, Prefix::of({0x7f000000}, 8));
  EXPECT_EQ(policy.nearness[0].hold, 2_s);
  EXPECT_EQ(policy.nearness[1].prefix, Prefix::of({}, 0));
  EXPECT_EQ(policy.nearness[1].hold, Duration{});
}

TEST_F(Serve, TheFloorOfABalancedHoldIsNotAboveIt) {
  EXPECT_THAT(complaints(serve(kServe, {"time_wait={hold: 2s, floor: 3s, balance: true}"})),
              ElementsAre("time_wait.floor: 3s is above the hold, 2s"));
  EXPECT_THAT(complaints(serve(kServe, {"time_wait={hold: 2s, floor: 2s, balance: true}"})),
              IsEmpty());
  EXPECT_THAT(complaints(serve(kServe, {"time_wait={hold: 2s, floor: 3s}"})), IsEmpty());
}

TEST_F(Serve, RecyclingNeedsTimestamps) {
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.recycle=true", "tcp.timestamps=off"})),
              ElementsAre("time_wait.recycle: needs tcp.timestamps"));
}

TEST_F(Serve, ServerCannotMakeTheClientReset) {
  EXPECT_THAT(complaints(serve(kServe, {"close.first=reset"})),
              ElementsAre("close.first: \"reset\" is unknown"));
  EXPECT_THAT(complaints(serve(kServe, {"close.first=clinet"})),
              ElementsAre("close.first: \"clinet\" is unknown; did you mean client?"));
}

TEST_F(Serve, RoutesHaveJustOneAnswer) {
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /}]"})),
              ElementsAre("http.routes.0: has no answer"));
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /, body: x, bytes: 5}]"})),
              ElementsAre("http.routes.0: has more than one answer"));
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /, body: ''}]"})), IsEmpty());
}

TEST_F(Serve, RoutesHavePathsOfTheirOwn) {
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /, body: x}, {path: /, bytes: 1}]"})),
              ElementsAre("http.routes.1.path: is the same as in http.routes.0"));
}

TEST_F(Serve, RoutePathsAreAbsolute) {
  for (const char* path : {"big", "/a?b", "/a#b"}) {
    EXPECT_THAT(
        complaints(serve(kServe, {std::string("http.routes=[{body: x, path: '") + path + "'}]"})),
        ElementsAre(HasSubstr("http.routes.0.path: ")));
  }
}

TEST_F(Serve, FoldersAreThereAndReadable) {
  make_folder("www");
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /f/, folder: www}]"})), IsEmpty());
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /f/, folder: none}]"})),
              ElementsAre(HasSubstr("http.routes.0.folder: \"" + path("none").substr(0, 10))));
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /f/, folder: c.yaml}]"})),
              ElementsAre(HasSubstr("is not a folder")));
}

TEST_F(Serve, FoldersAreServedBelowASlash) {
  make_folder("www");
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[{path: /f, folder: www}]"})),
              ElementsAre("http.routes.0.path: must end with / to serve a folder"));
}

TEST_F(Serve, HeadersCannotBeSmuggledIntoTheContentType) {
  EXPECT_THAT(complaints(serve(
                  kServe, {R"(http.routes=[{path: /, body: x, content_type: "a/b\r\nX: y"}])"})),
              ElementsAre(HasSubstr("http.routes.0.content_type: ")));
}

TEST_F(Serve, RulesAreSilentAboutWhatIsKnownToBeWrong) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.mtu=17", "tcp.mss=1460"})),
              ElementsAre("ports.0.mtu: \"17\" is out of range"));
  EXPECT_THAT(complaints(serve(kServe, {"http.routes=[5]"})),
              ElementsAre("http.routes.0: must be a map, is a plain value"));
}

}  // namespace
}  // namespace mayfly::testing
