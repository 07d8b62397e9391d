// The keys of load, and the rules between them.
#include <gmock/gmock.h>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Load = ConfigTest;

TEST_F(Load, ReadsItsKeys) {
  const auto loaded = load(R"(
cores: [1]
ports: [{device: "net_memif0,role=client,id=0", addresses: [198.18.1.1/15]}]
target: {address: 198.18.0.1, port: 8080, path: "/a?b", host: example.org}
sources: {addresses: 198.18.1.1-198.18.1.100, ports: 2000-3000}
load: {rate: 100k, concurrency: 0, connections: 5, duration: 20s, ramp: 2s,
       requests_per_connection: 3, timeout: 1s}
close: {first: reset}
time_wait: {hold: 5s, reuse: 1, reuse_delay: 500ms}
)");
  ASSERT_THAT(messages(loaded), IsEmpty());
  const config::LoadSettings& s = *loaded.settings;
  EXPECT_EQ(s.target.address, Ipv4Address{0xc6120001});
  EXPECT_EQ(s.target.port, 8080);
  EXPECT_EQ(s.target.path, "/a?b");
  EXPECT_EQ(s.target.host, "example.org");
  EXPECT_EQ(s.sources.first, Ipv4Address{0xc6120101});
  EXPECT_EQ(s.sources.last, Ipv4Address{0xc6120164});
  EXPECT_EQ(s.sources.port_first, 2000);
  EXPECT_EQ(s.sources.port_last, 3000);
  EXPECT_DOUBLE_EQ(s.load.rate, 100'000);
  EXPECT_EQ(s.load.concurrency, 0u);
  EXPECT_EQ(s.load.connections, 5u);
  EXPECT_EQ(s.load.duration, 20_s);
  EXPECT_EQ(s.load.ramp, 2_s);
  EXPECT_EQ(s.load.requests_per_connection, 3u);
  EXPECT_EQ(s.load.timeout, 1_s);
  EXPECT_EQ(s.close.first, shard::Closer::reset);
  EXPECT_EQ(s.shard.time_wait.hold, 5_s);
  EXPECT_EQ(s.shard.time_wait.reuse, 1);
  EXPECT_EQ(s.shard.time_wait.reuse_delay, 500_ms);
}

TEST_F(Load, NeedsPortsTargetAndLoad) {
  EXPECT_THAT(complaints(load(kLoad)), IsEmpty());
  EXPECT_THAT(complaints(load("cores: [1]\n")),
              UnorderedElementsAre("ports: is missing", "target: is missing", "load: is missing"));
  EXPECT_THAT(complaints(load(kLoad, {"target={}"})), ElementsAre("target.address: is missing"));
}

TEST_F(Load, TakesAUrlForTheTarget) {
  const auto loaded = load(kLoad, {"target={}", "target.url=http://198.18.0.1:8080/a?b"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->target.address, Ipv4Address{0xc6120001});
  EXPECT_EQ(loaded.settings->target.port, 8080);
  EXPECT_EQ(loaded.settings->target.path, "/a?b");
}

TEST_F(Load, SaysWhyAUrlWillNotDo) {
  EXPECT_THAT(messages(load(kLoad, {"target={}", "target.url=https://198.18.0.1/"})),
              ElementsAre(HasSubstr("TLS, which Mayfly does not speak")));
  EXPECT_THAT(complaints(load(kLoad, {"target.url=http://198.18.0.1/"})),
              ElementsAre("target.address: is in target.url already"));
}

TEST_F(Load, AsksForTheAddressOfATargetThatHasAName) {
  config::Machine machine;
  machine.resolve = [](const std::string& name) -> Result<config::HostAddresses> {
    if (name == "web.example") return config::HostAddresses{Ipv4Address{0xc6120001}, {}};
    return Error{"no address is known for " + name};
  };
  const auto by_name = load(kLoad, {"target.address=web.example"}, "", machine);
  ASSERT_THAT(messages(by_name), IsEmpty());
  EXPECT_EQ(by_name.settings->target.address, Ipv4Address{0xc6120001});
  EXPECT_EQ(by_name.settings->target.name, "web.example");
  const auto by_url = load(kLoad, {"target={}", "target.url=http://web.example:81/"}, "", machine);
  ASSERT_THAT(messages(by_url), IsEmpty());
  EXPECT_EQ(by_url.settings->target.address, Ipv4Address{0xc6120001});
  EXPECT_THAT(complaints(load(kLoad, {"target={}", "target.url=http://a.example/"}, "", machine)),
              ElementsAre("target.url: no address is known for a.example"));
  machine.tolerates_absence = true;
  EXPECT_TRUE(load(kLoad, {"target.address=a.example"}, "", machine).settings) << "it may come";
}

TEST_F(Load, KeepsItsStateInTheDefaultFileUnlessToldOtherwise) {
  EXPECT_EQ(load(kLoad).settings->state, "auto");
  EXPECT_EQ(load(kLoad, {"state=none"}).settings->state, "none");
  EXPECT_EQ(load(kLoad, {"state=/run/mayfly/state"}).settings->state, "/run/mayfly/state");
  EXPECT_THAT(complaints(load(kLoad, {"state="})), ElementsAre("state: has no value"));
}

TEST_F(Load, ConnectsFromThePortsAddressesUnlessGiven) {
  const auto loaded = load(kLoad);
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->sources.first, Ipv4Address{0xc6120101});
  EXPECT_EQ(loaded.settings->sources.last, Ipv4Address{0xc612010a});
  EXPECT_EQ(loaded.settings->sources.port_first, 1024);
}

TEST_F(Load, HasARateOrAConcurrencyButNotBoth) {
  EXPECT_THAT(complaints(load(kLoad, {"load.rate=100k"})),
              ElementsAre("load: has both a rate and a concurrency"));
  EXPECT_THAT(complaints(load(kLoad, {"load.concurrency=0"})),
              ElementsAre("load: has neither a rate nor a concurrency"));
  EXPECT_THAT(complaints(load(kLoad, {"load.concurrency=0", "load.rate=0.5"})), IsEmpty());
}

TEST_F(Load, HasAnEnd) {
  EXPECT_THAT(complaints(load(kLoad, {"load.duration=0"})), ElementsAre("load: has no end"));
  EXPECT_THAT(complaints(load(kLoad, {"load.duration=0", "load.connections=1M"})), IsEmpty());
}

TEST_F(Load, RampsWithinTheDuration) {
  EXPECT_THAT(complaints(load(kLoad, {"load.ramp=11s"})),
              ElementsAre("load.ramp: is longer than the duration, 10s"));
  EXPECT_THAT(complaints(load(kLoad, {"load.ramp=11s", "load.duration=0", "load.connections=1M"})),
              IsEmpty());
}

TEST_F(Load, HasPairsOfAddressAndPortEnough) {
  EXPECT_THAT(complaints(load(kLoad, {"sources={addresses: 198.18.1.1, ports: 1024-1123}"})),
              ElementsAre("load.concurrency: 512 connections from 100 sources (address and port)"));
}

TEST_F(Load, MayOvercommitItsPairs) {
  const auto loaded =
      load(kLoad, {"sources={addresses: 198.18.1.1, ports: 1024-1123}", "load.overcommit=true"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_TRUE(loaded.settings->load.overcommit);
  EXPECT_FALSE(load(kLoad).settings->load.overcommit);
}

TEST_F(Load, HasMemoryForItsConnections) {
  EXPECT_THAT(complaints(load(kLoad, {"connections.capacity=500"})),
              ElementsAre("load.concurrency: 512 connections, but memory for 500"));
  EXPECT_THAT(complaints(load(kLoad, {"connections.capacity=500", "cores=[1, 2]"})), IsEmpty());
}

TEST_F(Load, SourcesAreOnTheLinkOfAPort) {
  EXPECT_THAT(complaints(load(kLoad, {"sources.addresses=198.18.9.1-198.18.9.9"})), IsEmpty());
  EXPECT_THAT(complaints(load(kLoad, {"sources.addresses=10.0.0.1"})),
              ElementsAre("sources.addresses: are not on the link of any port"));
}

TEST_F(Load, RangesAreNotReversed) {
  EXPECT_THAT(complaints(load(kLoad, {"sources={addresses: 198.18.1.9-198.18.1.1}"})),
              ElementsAre(HasSubstr("is reversed")));
  EXPECT_THAT(complaints(load(kLoad, {"sources={ports: 2000-1000}"})),
              ElementsAre("sources.ports: \"2000-1000\" is reversed"));
}

TEST_F(Load, TargetIsSomebodyElse) {
  EXPECT_THAT(complaints(load(kLoad, {"target.address=198.18.1.5"})),
              ElementsAre("target.address: is one of the client's own addresses"));
}

TEST_F(Load, TargetIsReachable) {
  EXPECT_THAT(complaints(load(kLoad, {"target.address=10.0.0.1"})),
              ElementsAre("target.address: is on no port's link, and no port has a gateway"));
  EXPECT_THAT(complaints(load(kLoad, {"target.address=10.0.0.1", "ports.0.gateway=198.18.0.254"})),
              IsEmpty());
}

TEST_F(Load, ReuseNeedsTimestamps) {
  EXPECT_THAT(complaints(load(kLoad, {"time_wait.reuse=1", "tcp.timestamps=off"})),
              ElementsAre("time_wait.reuse: needs tcp.timestamps"));
  EXPECT_THAT(complaints(load(kLoad, {"time_wait.reuse=3"})),
              ElementsAre("time_wait.reuse: \"3\" is out of range"));
}

TEST_F(Load, HeadersCannotBeSmuggledIntoTheRequest) {
  EXPECT_THAT(complaints(load(kLoad, {R"(target.host="a\r\nX: y")"})),
              ElementsAre(HasSubstr("target.host: ")));
  EXPECT_THAT(complaints(load(kLoad, {"target.path='/a b'"})),
              ElementsAre(HasSubstr("target.path: ")));
}

TEST_F(Load, DoesNotKnowTheKeysOfServe) {
  EXPECT_THAT(
      complaints(load(kLoad, {"listen=[]", "close.grace=1s"})),
      UnorderedElementsAre("listen: is not a known key", "close.grace: is not a known key"));
}

TEST_F(Load, RulesAreSilentAboutWhatIsKnownToBeWrong) {
  EXPECT_THAT(complaints(load(kLoad, {"load.concurrency=lots"})),
              ElementsAre("load.concurrency: \"lots\" is not a number"));
  EXPECT_THAT(complaints(load(kLoad, {"load=5"})),
              ElementsAre("load: must be a map, is a plain value"));
}

}  // namespace
}  // namespace mayfly::testing
