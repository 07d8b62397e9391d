// The lab's experiments and hazards: the base, a preset over it, and what is their own.
#include <gmock/gmock.h>

#include "config/derive.h"
#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Experiments : public ConfigTest {
 protected:
  Experiments() {
    write_preset("brief",
                 "server: {close: {first: client}, time_wait: {hold: 2s}}\n"
                 "client: {close: {first: client}}\n");
  }
};

constexpr const char* kBase =
    "server: {time_wait: {hold: 30s, capacity: 50k}}\n"
    "client: {load: {rate: 100k, duration: 8s}}\n";

TEST_F(Experiments, AreOneOfTheBaseWithoutAList) {
  const auto loaded = lab(kBase);
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->wire, config::LabWire::ring);
  EXPECT_EQ(loaded.settings->sample, 100_ms);
  ASSERT_EQ(loaded.settings->experiments.size(), 1u);
  const config::LabExperiment& run = loaded.settings->experiments[0];
  EXPECT_EQ(run.name, "run");
  EXPECT_EQ(run.policy, "");
  EXPECT_EQ(run.expect, lab::Expectation::none);
  EXPECT_EQ(run.warm_up, 1_s);
  EXPECT_EQ(run.server.shard.time_wait.hold, 30_s);
  EXPECT_EQ(run.client.load.duration, 8_s);
  EXPECT_THAT(loaded.settings->hazards.policies, IsEmpty());
}

TEST_F(Experiments, LayThePresetOverTheBaseAndTheirOwnOverThat) {
  const auto loaded = lab(std::string(kBase) +
                          "wire: memif\nsample: 50ms\n"
                          "experiments:\n"
                          "  - {name: plain, expect: collapse}\n"
                          "  - name: mine\n"
                          "    title: 'what it shows'\n"
                          "    story: 4\n"
                          "    expect: bound\n"
                          "    warm_up: 3s\n"
                          "    policy: brief\n"
                          "    server: {time_wait: {hold: 1s}}\n"
                          "    client: {load: {duration: 9s}}\n");
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->wire, config::LabWire::memif);
  EXPECT_EQ(loaded.settings->sample, 50_ms);
  ASSERT_EQ(loaded.settings->experiments.size(), 2u);
  const config::LabExperiment& plain = loaded.settings->experiments[0];
  EXPECT_EQ(plain.expect, lab::Expectation::collapse);
  EXPECT_EQ(plain.server.close.first, shard::Closer::server);
  EXPECT_EQ(plain.server.shard.time_wait.hold, 30_s);
  EXPECT_EQ(plain.client.load.duration, 8_s);
  const config::LabExperiment& mine = loaded.settings->experiments[1];
  EXPECT_EQ(mine.name, "mine");
  EXPECT_EQ(mine.title, "what it shows");
  EXPECT_EQ(mine.story, 4);
  EXPECT_EQ(mine.expect, lab::Expectation::bound);
  EXPECT_EQ(mine.warm_up, 3_s);
  EXPECT_EQ(mine.policy, "brief");
  EXPECT_EQ(mine.server.close.first, shard::Closer::client);
  EXPECT_EQ(mine.client.close.first, shard::Closer::client);
  EXPECT_EQ(mine.server.shard.time_wait.hold, 1_s);
  EXPECT_EQ(mine.server.shard.time_wait.capacity, 50'000u);
  EXPECT_EQ(mine.client.load.duration, 9_s);
  EXPECT_EQ(mine.client.load.rate, 100'000);
}

TEST_F(Experiments, DeriveWhatIsLeftOutEachForItself) {
  const auto loaded =
      lab(std::string(kBase) +
          "experiments:\n"
          "  - {name: a, server: {listen: [{port: 81}], ports: [{mtu: 576}]}}\n"
          "  - {name: b, client: {ports: [{addresses: [198.18.2.1/15]}], load: {duration: 1s}}}\n");
  ASSERT_THAT(messages(loaded), IsEmpty());
  const auto& [a, b] = std::tie(loaded.settings->experiments[0], loaded.settings->experiments[1]);
  EXPECT_EQ(a.client.target.port, 81);
  EXPECT_EQ(b.client.target.port, 80);
  EXPECT_EQ(a.server.shard.tcp.mss, 536);
  EXPECT_EQ(b.server.shard.tcp.mss, 1460);
  EXPECT_EQ(a.client.sources.first, Ipv4Address{0xc6120101});
  EXPECT_EQ(b.client.sources.first, Ipv4Address{0xc6120201});
  EXPECT_EQ(b.warm_up, 200_ms);
}

TEST_F(Experiments, AreOverriddenInTheBaseOrOneByOne) {
  const auto loaded = lab(std::string(kBase) +
                              "experiments:\n"
                              "  - {name: a}\n"
                              "  - {name: b, client: {load: {rate: 5k}}}\n"
                              "  - {name: c}\n",
                          {"client.load.rate=10k", "experiments.2.client.load.rate=7k"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  std::vector<double> rates;
  for (const auto& experiment : loaded.settings->experiments) {
    rates.push_back(experiment.client.load.rate);
  }
  EXPECT_THAT(rates, ElementsAre(10'000, 5'000, 7'000));
}

TEST_F(Experiments, HaveNamesOfTheirOwn) {
  EXPECT_THAT(complaints(lab(std::string(kBase) + "experiments: [{name: a}, {name: a}]\n")),
              ElementsAre("experiments.1.name: is the same as in experiments.0"));
  EXPECT_THAT(complaints(lab(std::string(kBase) + "experiments: [{title: a}]\n")),
              ElementsAre("experiments.0.name: is missing"));
  EXPECT_THAT(complaints(lab(std::string(kBase) + "experiments: [{name: a/b}]\n")),
              ElementsAre("experiments.0.name: \"a/b\" is not allowed here"));
  EXPECT_THAT(complaints(lab(std::string(kBase) + "experiments: []\n")),
              ElementsAre("experiments: is empty"));
}

TEST_F(Experiments, MistakesOfTheBaseAreToldOnce) {
  EXPECT_THAT(messages(lab("server: {time_wait: {hold: 60}, tcp: {rto_min: 2s}}\n"
                           "client: {load: {rate: lots}}\n"
                           "experiments: [{name: a}, {name: b, policy: brief}]\n")),
              ElementsAre(HasSubstr("c.yaml:1:28 server.time_wait.hold: \"60\" has no unit"),
                          HasSubstr("c.yaml:1:38 server.tcp.rto_initial: is below rto_min, 2s"),
                          HasSubstr("c.yaml:2:23 client.load.rate: \"lots\" is not a number")));
}

TEST_F(Experiments, MistakesThatAPresetHidesAreToldToo) {
  EXPECT_THAT(complaints(lab("server: {time_wait: {hold: 60}}\n"
                             "client: {load: {rate: 5}}\n"
                             "experiments: [{name: a, policy: brief}]\n")),
              ElementsAre("server.time_wait.hold: \"60\" has no unit; write 60s or 60ms"));
}

TEST_F(Experiments, OwnMistakesAreToldThere) {
  EXPECT_THAT(
      messages(lab(std::string(kBase) +
                   "experiments:\n"
                   "  - {name: a, server: {tcp: {mss: 5}}}\n"
                   "  - {name: b, client: {tcp: {rto_min: 2s, rto_initial: 1s}}}\n"
                   "  - {name: c, server: {listen: [{service: echo}]}}\n")),
      ElementsAre(HasSubstr("c.yaml:4:35 experiments.0.server.tcp.mss: \"5\" is out of range"),
                  HasSubstr("c.yaml:5:56 experiments.1.client.tcp.rto_initial: is below rto_min, "
                            "2s"),
                  HasSubstr("c.yaml:6:33 experiments.2.server.listen.0.port: is missing")));
}

TEST_F(Experiments, MistakesOfAnOverrideAreToldThere) {
  const std::string override_text = "experiments.0.client.load.rate=lots";
  EXPECT_THAT(messages(lab(std::string(kBase) + "experiments: [{name: a}]\n", {override_text})),
              ElementsAre(HasSubstr("--set " + override_text +
                                    " experiments.0.client.load.rate: \"lots\" is not a number")));
}

TEST_F(Experiments, ThatBreakARuleOfTheBaseAreNamed) {
  EXPECT_THAT(
      messages(lab("server: {}\n"
                   "client: {load: {rate: 5, ramp: 2s}}\n"
                   "experiments: [{name: a}, {name: b, client: {load: {duration: 1s}}}]\n")),
      ElementsAre(HasSubstr("c.yaml:2:32 client.load.ramp: is longer than the duration, 1s "
                            "(with b)")));
}

TEST_F(Experiments, MayBringTheLoadThemselves) {
  const std::string ends = "server: {}\nclient: {}\n";
  EXPECT_THAT(complaints(lab(ends + "experiments: [{name: a, client: {load: {rate: 5}}}]\n")),
              IsEmpty());
  EXPECT_THAT(messages(lab(ends + "experiments: [{name: a}, {name: b}]\n")),
              ElementsAre(HasSubstr("c.yaml:2:9 client.load: is missing (map; with a)")));
}

TEST_F(Experiments, NameAPresetThatIsThere) {
  EXPECT_THAT(
      messages(lab(std::string(kBase) + "experiments: [{name: a, policy: breif}]\n")),
      ElementsAre(AllOf(HasSubstr("c.yaml:3:33 experiments.0.policy: \"breif\" is no preset "
                                  "(known: "),
                        HasSubstr("brief"))));
}

TEST_F(Experiments, FindAPresetBesideTheirFile) {
  write("server: {time_wait: {hold: 3s}}\n", "own.yaml");
  const auto loaded = lab(std::string(kBase) + "experiments: [{name: a, policy: ./own.yaml}]\n");
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->experiments[0].policy, "own");
  EXPECT_EQ(loaded.settings->experiments[0].server.shard.time_wait.hold, 3_s);
}

TEST_F(Experiments, MistakesOfAPresetAreToldOnceInItsFile) {
  const std::string preset = write_preset("bad",
                                          "server: {time_wait: {hold: 60}}\n"
                                          "client: {time_wait: {reuse: 1}}\n");
  EXPECT_THAT(messages(lab("server: {}\n"
                           "client: {load: {rate: 5}, tcp: {timestamps: off}}\n"
                           "experiments: [{name: a, policy: bad}, {name: b, policy: bad}]\n"
                           "hazards: {policies: [bad]}\n")),
              ElementsAre(HasSubstr(preset + ":1:28 server.time_wait.hold: \"60\" has no unit"),
                          preset + ":2:29 client.time_wait.reuse: needs tcp.timestamps (with a)"));
}

TEST_F(Experiments, LeaveTimeAfterTheWarmUp) {
  EXPECT_THAT(complaints(lab(std::string(kBase) + "experiments: [{name: a, warm_up: 8s}]\n")),
              ElementsAre("experiments.0.warm_up: is not shorter than the duration, 8s"));
}

using Hazards = Experiments;

TEST_F(Hazards, ComparePresetsOverTheBase) {
  const auto loaded =
      lab("server: {time_wait: {hold: 30s, capacity: 50k}}\nclient: {}\n"
          "hazards: {seed: 7, seeds: 3, connections: 50, nat: no,\n"
          "          link: {loss: 1%, delay: 5ms}, policies: [brief]}\n");
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_THAT(loaded.settings->experiments, IsEmpty());
  const lab::HazardSettings& hazards = loaded.settings->hazards;
  EXPECT_EQ(hazards.seed, 7u);
  EXPECT_EQ(hazards.seeds, 3u);
  EXPECT_EQ(hazards.connections, 50u);
  EXPECT_FALSE(hazards.nat);
  EXPECT_DOUBLE_EQ(hazards.link.loss, 0.01);
  EXPECT_EQ(hazards.link.delay, 5_ms);
  ASSERT_EQ(hazards.policies.size(), 1u);
  EXPECT_EQ(hazards.policies[0].name, "brief");
  EXPECT_EQ(hazards.policies[0].policy, "brief");
  EXPECT_EQ(hazards.policies[0].server.shard.time_wait.hold, 2_s);
  EXPECT_EQ(hazards.policies[0].server.shard.time_wait.capacity, 50'000u);
  EXPECT_EQ(hazards.policies[0].client.close.first, shard::Closer::client);
}

TEST_F(Hazards, HaveALayerOfTheirOwnUnderThePresets) {
  const auto loaded =
      lab("server: {time_wait: {hold: 30s, capacity: 50k}}\nclient: {}\n"
          "hazards:\n"
          "  server: {time_wait: {hold: 90s, capacity: 70k}}\n"
          "  client: {time_wait: {hold: 7s}}\n"
          "  capacity: 16\n"
          "  policies: [brief]\n");
  ASSERT_THAT(messages(loaded), IsEmpty());
  const lab::HazardSettings& hazards = loaded.settings->hazards;
  EXPECT_EQ(hazards.capacity, 16u);
  EXPECT_EQ(hazards.policies[0].server.shard.time_wait.hold, 2_s) << "the preset says so";
  EXPECT_EQ(hazards.policies[0].server.shard.time_wait.capacity, 70'000u)
      << "it does not speak of it";
  EXPECT_EQ(hazards.policies[0].client.shard.time_wait.hold, 7_s);
}

TEST_F(Hazards, NeedPresetsThatAreThereAndDiffer) {
  const std::string ends = "server: {}\nclient: {}\n";
  EXPECT_THAT(complaints(lab(ends + "hazards: {seed: 1}\n")),
              ElementsAre("hazards.policies: is missing"));
  EXPECT_THAT(complaints(lab(ends + "hazards: {policies: [brief, brief, none-such]}\n")),
              UnorderedElementsAre("hazards.policies.1: is the same as in hazards.policies.0",
                                   "hazards.policies.2: \"none-such\" is no preset"));
  EXPECT_THAT(complaints(lab(ends + "hazards: {policies: [brief], link: {seed: 1}}\n")),
              ElementsAre("hazards.link.seed: is not a known key"));
}

TEST_F(Hazards, KeepTheRulesOfAPolicy) {
  EXPECT_THAT(complaints(lab("server: {time_wait: {balance: true, floor: 3s}}\nclient: {}\n"
                             "hazards: {policies: [brief]}\n")),
              ElementsAre("server.time_wait.floor: 3s is above the hold, 2s"));
}

constexpr const char* kSituations =
    "experiments: [{name: calibration, calibrates: true}]\n"
    "situations:\n"
    "  - name: nat\n"
    "    share: 80%\n"
    "    clock: 10\n"
    "    capacity: 5k\n"
    "    client: {sources: {ports: 1024-2047}, load: {duration: 1s, overcommit: true}}\n"
    "hazards: {policies: [brief]}\n";

TEST_F(Experiments, OfASituationHaveItsLoadAndTableAndThePolicysOwnHold) {
  const auto loaded = lab(std::string(kBase) + kSituations);
  ASSERT_THAT(messages(loaded), IsEmpty());
  ASSERT_EQ(loaded.settings->experiments.size(), 2u);
  EXPECT_TRUE(loaded.settings->experiments[0].calibrates);
  const config::LabExperiment& one = loaded.settings->experiments[1];
  EXPECT_EQ(one.name, "nat.brief");
  EXPECT_EQ(one.policy, "brief");
  EXPECT_EQ(one.situation, world::Situation::nat);
  EXPECT_DOUBLE_EQ(one.share, 0.8);
  EXPECT_EQ(one.server.shard.time_wait.hold, 200_ms) << "2 s of the preset, ten times as fast";
  EXPECT_EQ(one.server.shard.time_wait.capacity, 5'000u);
  EXPECT_EQ(one.client.sources.port_last, 2'047);
  EXPECT_EQ(one.server.close.first, shard::Closer::client) << "as the preset says";
}

TEST_F(Experiments, OfASituationSayOnceThatAPresetIsNotThere) {
  std::string file = std::string(kBase) + kSituations;
  file.replace(file.find("[brief]"), 7, "[none-such]");
  EXPECT_THAT(complaints(lab(file)), ElementsAre("hazards.policies.0: \"none-such\" is no preset"));
}

TEST_F(Experiments, OfAProxyLetTheClientCloseFirstAndHold) {
  write_preset("holds", "server: {time_wait: {hold: 7s}}\nclient: {time_wait: {hold: 8s}}\n");
  std::string file = std::string(kBase) + kSituations;
  file.replace(file.find("name: nat"), 9, "name: proxy");
  file.replace(file.find("[brief]"), 7, "[holds]");
  const auto loaded = lab(file);
  ASSERT_THAT(messages(loaded), IsEmpty());
  const config::LabExperiment& one = loaded.settings->experiments.at(1);
  EXPECT_EQ(one.client.close.first, shard::Closer::client);
  EXPECT_EQ(one.client.shard.time_wait.hold, 700_ms) << "of the end that closes first";
  EXPECT_EQ(one.server.shard.time_wait.hold, 800_ms);
  EXPECT_EQ(one.server.shard.time_wait.capacity, 5'000u);
}

TEST_F(Experiments, HaveNoShareOfWhatNobodyMeasured) {
  EXPECT_THAT(complaints(lab(std::string(kBase) + "experiments: [{name: a, share: 80%}]\n")),
              ElementsAre(HasSubstr("experiments.0.share: no experiment before it calibrates")));
  EXPECT_THAT(complaints(lab(std::string(kBase) + kSituations, {"experiments=[{name: a}]"})),
              ElementsAre(HasSubstr("no experiment before it calibrates")));
}

TEST_F(Experiments, LastForAnotherTimeWithTheirWarmUpAndRampInProportion) {
  auto loaded = lab(std::string(kBase), {"client.load.ramp=2s"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  config::LabExperiment& run = loaded.settings->experiments[0];
  config::last_for(run, 16_s);
  EXPECT_EQ(run.client.load.duration, 16_s);
  EXPECT_EQ(run.warm_up, 2_s);
  EXPECT_EQ(run.client.load.ramp, 4_s);
  config::last_for(run, 1_s);
  EXPECT_EQ(run.warm_up, 125_ms);
}

}  // namespace
}  // namespace mayfly::testing
