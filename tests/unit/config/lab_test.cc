// The two ends of a lab: the keys of serve and load below `server` and `client`, with an answer for
// what is left out.
#include <gmock/gmock.h>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Lab = ConfigTest;

/// The only experiment of a file that has none.
const config::LabExperiment& only(const config::Loaded<config::LabSettings>& loaded) {
  EXPECT_EQ(loaded.settings->experiments.size(), 1u);
  return loaded.settings->experiments.at(0);
}

TEST_F(Lab, NeedsTheTwoEndsAndALoad) {
  EXPECT_THAT(complaints(lab(kLab)), IsEmpty());
  EXPECT_THAT(complaints(lab("server: {}\n")), ElementsAre("client: is missing"));
  EXPECT_THAT(complaints(lab("server:\nclient: {}\n")), ElementsAre("client.load: is missing"));
}

TEST_F(Lab, ConnectsTheTwoEndsByItself) {
  const auto loaded = lab(kLab, {"server.listen=[{port: 8080}]"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  const config::LabExperiment& s = only(loaded);
  EXPECT_EQ(s.server.process.ports.at(0).addresses.at(0).first, Ipv4Address{0xc6120001});
  EXPECT_EQ(s.client.process.ports.at(0).addresses.at(0).last, Ipv4Address{0xc6120164});
  EXPECT_EQ(s.client.sources.last, Ipv4Address{0xc6120164});
  EXPECT_EQ(s.client.target.address, Ipv4Address{0xc6120001});
  EXPECT_EQ(s.client.target.port, 8080);
  EXPECT_THAT(s.server.cores, ElementsAre(0u));
  EXPECT_THAT(s.client.cores, ElementsAre(1u));
}

TEST_F(Lab, TakesFaultsAndAddressesThroughPorts) {
  const auto loaded = lab(kLab, {"server.ports=[{addresses: [10.0.0.1/8]}]",
                                 "client.ports=[{faults: {loss: 1%}, addresses: [10.0.1.1/8]}]"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(only(loaded).client.target.address, Ipv4Address{0x0a000001});
  const auto faulty = lab(kLab, {"server.ports=[{faults: {loss: 1%}}]"});
  ASSERT_THAT(messages(faulty), IsEmpty());
  EXPECT_DOUBLE_EQ(only(faulty).server.process.ports.at(0).faults.loss, 0.01);
  EXPECT_EQ(only(faulty).server.process.ports.at(0).addresses.at(0).prefix_length, 15);
}

TEST_F(Lab, MakesItsOwnDevices) {
  EXPECT_THAT(complaints(lab(kLab, {"server.ports=[{device: net_ring0}]"})),
              ElementsAre("server.ports.0.device: is not a known key"));
  EXPECT_THAT(complaints(lab(kLab, {"server.ports=[{}, {}]"})),
              ElementsAre("server.ports: has more than 1 elements"));
}

TEST_F(Lab, EndsPollOnCoresOfTheirOwn) {
  EXPECT_THAT(complaints(lab(kLab, {"client.cores=[0]"})),
              ElementsAre("client.cores: are also the server's"));
}

TEST_F(Lab, IsOneProcess) {
  const auto loaded = lab(kLab, {"server.hugepages=never"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(only(loaded).client.process.hugepages, nic::HugePagesMode::never);
  EXPECT_THAT(complaints(lab(kLab, {"server.hugepages=never", "client.hugepages=auto"})),
              ElementsAre("client.hugepages: differ from the server's: it is one process"));
}

TEST_F(Lab, ClientConnectsToTheServer) {
  EXPECT_THAT(complaints(lab(kLab, {"client.target.address=198.18.0.2", "client.target.port=81"})),
              UnorderedElementsAre("client.target.address: 198.18.0.2 is not the server's",
                                   "client.target.port: the server does not listen on 81"));
}

TEST_F(Lab, RulesOfBothEndsApply) {
  EXPECT_THAT(complaints(lab(kLab, {"server.tcp.rto_min=2s", "client.load.ramp=11s"})),
              UnorderedElementsAre("server.tcp.rto_initial: is below rto_min, 2s",
                                   "client.load.ramp: is longer than the duration, 10s"));
}

}  // namespace
}  // namespace mayfly::testing
