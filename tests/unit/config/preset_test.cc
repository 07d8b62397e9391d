// Presets: laid over the file and under the overrides, and wrong in their own file.
#include <gmock/gmock.h>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

using Preset = ConfigTest;

constexpr const char* kBrief =
    "server:\n"
    "  close: {first: client}\n"
    "  time_wait: {hold: 2s, on_full: refuse}\n"
    "  tcp: {sack: false}\n"
    "client:\n"
    "  close: {first: client}\n"
    "  time_wait: {reuse: 1}\n"
    "  fin_wait_2: {hold: 3s}\n";

TEST_F(Preset, ChangesWhatItSaysAndNothingElse) {
  write_preset("brief", kBrief);
  const auto loaded =
      serve(std::string(kServe) + "time_wait: {hold: 5s, rst: accept}\n", {}, "brief");
  ASSERT_THAT(messages(loaded), IsEmpty());
  const config::ServeSettings& s = *loaded.settings;
  EXPECT_EQ(s.close.first, shard::Closer::client);
  EXPECT_EQ(s.shard.time_wait.hold, 2_s);
  EXPECT_EQ(s.shard.time_wait.on_full, flow::TimeWaitPolicy::OnFull::refuse);
  EXPECT_EQ(s.shard.time_wait.rules.rst, tcp::TimeWaitRules::OnRst::accept);
  EXPECT_FALSE(s.shard.tcp.sack);
  EXPECT_EQ(s.shard.tcp.fin_wait_2_hold, 60_s);
}

TEST_F(Preset, HasAHalfForTheClient) {
  write_preset("brief", kBrief);
  const auto loaded = load(kLoad, {}, "brief");
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->close.first, shard::Closer::client);
  EXPECT_EQ(loaded.settings->shard.time_wait.hold, 60_s);
  EXPECT_EQ(loaded.settings->shard.time_wait.reuse, 1);
  EXPECT_EQ(loaded.settings->shard.tcp.fin_wait_2_hold, 3_s);
  EXPECT_TRUE(loaded.settings->shard.tcp.sack);
}

TEST_F(Preset, LiesUnderTheOverrides) {
  write_preset("brief", kBrief);
  const auto loaded = serve(kServe, {"time_wait.hold=9s"}, "brief");
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->shard.time_wait.hold, 9_s);
  EXPECT_EQ(loaded.settings->shard.time_wait.on_full, flow::TimeWaitPolicy::OnFull::refuse);
}

TEST_F(Preset, ReplacesLists) {
  write_preset("near", "server: {time_wait: {nearness: [{prefix: 10.0.0.0/8, hold: 1s}]}}\n");
  const auto loaded = serve(std::string(kServe) +
                                "time_wait: {nearness: [{prefix: 1.0.0.0/8, hold: 1s}, "
                                "{prefix: 2.0.0.0/8, hold: 2s}]}\n",
                            {}, "near");
  ASSERT_THAT(messages(loaded), IsEmpty());
  ASSERT_EQ(loaded.settings->shard.time_wait.nearness.size(), 1u);
  EXPECT_EQ(loaded.settings->shard.time_wait.nearness[0].prefix, Prefix::of({0x0a000000}, 8));
}

TEST_F(Preset, WithAllItsKeysCommentedOutChangesNothing) {
  write_preset("idle", "server:\n  time_wait:\n    # hold: 1s\nclient:\n");
  const auto loaded = serve(std::string(kServe) + "time_wait: {hold: 5s}\n", {}, "idle");
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->shard.time_wait.hold, 5_s);
}

TEST_F(Preset, IsFoundBesideTheFolderOfTheFile) {
  write_preset("brief", "server: {time_wait: {hold: 1s}}\n");
  make_folder("serve");
  const std::string file = write(kServe, "serve/x.yaml");
  EXPECT_EQ(config::read_serve_settings(file, {}, "brief").settings->shard.time_wait.hold, 1_s);
  // That one comes before a folder of the file's own.
  make_folder("serve/policy");
  write("server: {time_wait: {hold: 2s}}\n", "serve/policy/brief.yaml");
  EXPECT_EQ(config::read_serve_settings(file, {}, "brief").settings->shard.time_wait.hold, 1_s);
}

TEST_F(Preset, IsFoundByItsPath) {
  const std::string preset = write("server: {time_wait: {hold: 1s}}\n", "mine.yaml");
  const auto loaded = serve(kServe, {}, preset);
  ASSERT_THAT(messages(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->shard.time_wait.hold, 1_s);
}

TEST_F(Preset, ThatIsNotThereListsThoseThatAre) {
  write_preset("one", "server:\n");
  write_preset("two", "server:\n");
  EXPECT_THAT(messages(serve(kServe, {}, "three")),
              ElementsAre(AllOf(HasSubstr("--policy three: \"three\" is no preset (known: "),
                                HasSubstr("one, "), HasSubstr("two"))));
  EXPECT_THAT(messages(serve(kServe, {}, "./three.yaml")),
              ElementsAre(HasSubstr("--policy ./three.yaml: \"./three.yaml\" is no preset")));
}

TEST_F(Preset, ThatIsNotThereNamesTheFoldersRatherThanAnEmptyList) {
  const auto told = messages(serve(kServe, {}, "three"));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0], Not(HasSubstr("known: )")));
  EXPECT_THAT(told[0], AnyOf(HasSubstr("known: "), HasSubstr("there are none in ")));
}

TEST_F(Preset, MistakesAreToldInItsOwnFileTogetherWithThoseOfTheOther) {
  const std::string preset = write_preset("bad",
                                          "server:\n"
                                          "  time_wait: {hold: 60, hodl: 1s}\n"
                                          "client:\n"
                                          "  close: {first: nobody}\n");
  EXPECT_THAT(
      messages(serve(std::string(kServe) + "drain_timeout: 5\n", {}, "bad")),
      ElementsAre(HasSubstr("c.yaml:6:16 drain_timeout: \"5\" has no unit"),
                  HasSubstr(preset + ":2:21 server.time_wait.hold: \"60\" has no unit"),
                  preset + ":2:25 server.time_wait.hodl: is not a known key (did you mean hold?)",
                  preset +
                      ":4:18 client.close.first: \"nobody\" is unknown (one of: server, client, "
                      "reset)"));
}

TEST_F(Preset, HasOnlyTheKeysOfAPolicy) {
  write_preset("bad", "server: {listen: [{port: 1}]}\nload: {rate: 5}\n");
  EXPECT_THAT(
      complaints(serve(kServe, {}, "bad")),
      UnorderedElementsAre("server.listen: is not a known key", "load: is not a known key"));
}

TEST_F(Preset, ThatDoesNotFitTheFileIsToldWhereItBreaksTheRule) {
  const std::string preset = write_preset("bad", "server: {time_wait: {recycle: true}}\n");
  EXPECT_THAT(messages(serve(std::string(kServe) + "tcp: {timestamps: off}\n", {}, "bad")),
              ElementsAre(preset + ":1:31 server.time_wait.recycle: needs tcp.timestamps"));
}

TEST_F(Preset, ThatIsNoMapIsRefused) {
  const std::string preset = write_preset("bad", "[1, 2]\n");
  EXPECT_THAT(messages(serve(kServe, {}, "bad")),
              ElementsAre(HasSubstr(preset + ":1:1: must be a map, is a list")));
  write_preset("bad", "server: 5\n");
  EXPECT_THAT(messages(serve(kServe, {"time_wait.hold=5s"}, "bad")),
              ElementsAre(HasSubstr(preset + ":1:9 server: must be a map, is a plain value")));
}

}  // namespace
}  // namespace mayfly::testing
