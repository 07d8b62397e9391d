// What the presets mean for the arithmetic: read from their files, the project's and others.
#include "config/preset_facts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using plan::PresetFacts;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::filesystem::path kRoot = MAYFLY_SOURCE_ROOT;

std::vector<PresetFacts> ours() {
  const auto read = config::read_preset_facts((kRoot / "conf/serve/veth.yaml").string());
  EXPECT_THAT(messages(read), IsEmpty());
  return read.settings.value_or(std::vector<PresetFacts>{});
}

PresetFacts our(std::string_view name) {
  const auto all = ours();
  const auto found = std::ranges::find(all, name, &PresetFacts::name);
  EXPECT_NE(found, all.end()) << name;
  return found == all.end() ? PresetFacts{} : *found;
}

TEST(PresetFacts, AreOfAllTheFilesInConfPolicy) {
  std::set<std::string> files, known;
  for (const auto& file : std::filesystem::directory_iterator(kRoot / "conf/policy"))
    files.insert(file.path().stem());
  for (const PresetFacts& preset : ours()) known.insert(preset.name);
  EXPECT_EQ(known, files);
}

TEST(PresetFacts, ComeInTheOrderOfTheGuide) {
  const auto all = ours();
  ASSERT_GT(all.size(), 2u);
  EXPECT_EQ(all.front().name, "strict-rfc9293");
  EXPECT_EQ(all.back().name, "none");
}

TEST(PresetFacts, HoldAsTheFileSaysOrAsDemanded) {
  EXPECT_EQ(our("strict-rfc9293").hold, 4_min);
  EXPECT_EQ(our("windows").hold, 2_min);
  EXPECT_EQ(our("none").hold, 0_s);
  EXPECT_EQ(our("rfc6191").hold, std::nullopt);
}

TEST(PresetFacts, HoldNothingIfTheServerAborts) { EXPECT_EQ(our("reset").hold, 0_s); }

TEST(PresetFacts, HoldForThreeAndAHalfTimeOutsIfRecycled) {
  EXPECT_EQ(our("linux-tw-recycle").hold, 700_ms);
}

TEST(PresetFacts, NameTheClientIfItHoldsTimeWaitWhoeverClosesFirst) {
  EXPECT_EQ(our("client-first").holder, shard::Closer::client);
  EXPECT_EQ(our("hand-over").holder, shard::Closer::client);
  EXPECT_EQ(our("linux-default").holder, std::nullopt);
}

TEST(PresetFacts, SayWhatAFullTableDoes) {
  EXPECT_EQ(our("linux-max-buckets").capacity, 5'000u);
  EXPECT_EQ(our("linux-max-buckets").on_full, flow::TimeWaitPolicy::OnFull::close);
  EXPECT_EQ(our("strict-rfc9293").capacity, std::nullopt);
  EXPECT_EQ(our("strict-rfc9293").on_full, flow::TimeWaitPolicy::OnFull::refuse);
  EXPECT_TRUE(our("balanced").balance);
  EXPECT_EQ(our("balanced").floor, 1_s);
}

TEST(PresetFacts, SayWhetherTheClientTakesAPairAgain) {
  EXPECT_TRUE(our("linux-tw-reuse").reuse);
  EXPECT_EQ(our("linux-tw-reuse").reuse_delay, 1_s);
  EXPECT_FALSE(our("linux-default").reuse) << "2: for loopback only";
}

TEST(PresetFacts, NameTheHarmOfBelievingResets) {
  for (const char* name : {"linux-default", "linux-tw-reuse", "linux-max-buckets", "hand-over"})
    EXPECT_THAT(our(name).harm, HasSubstr("RFC 1337")) << name;
  EXPECT_EQ(our("rfc6191").harm, "");
}

TEST(PresetNewcomer, IsTheDefault) {
  const auto preset =
      config::read_serve_settings((kRoot / "conf/serve/tap.yaml").string(), {}, "newcomer");
  ASSERT_THAT(messages(preset), IsEmpty());
  const tcp::TimeWaitRules& rules = preset.settings->shard.time_wait.rules;
  const tcp::TimeWaitRules by_default;
  EXPECT_EQ(rules.reopen, by_default.reopen);
  EXPECT_EQ(rules.refuse_syn, by_default.refuse_syn);
  EXPECT_EQ(rules.rst, by_default.rst);
  EXPECT_EQ(rules.refuse_syn, tcp::TimeWaitRules::RefuseSyn::ack);
  EXPECT_EQ(rules.rst, tcp::TimeWaitRules::OnRst::challenged);
}

using OtherPresets = ConfigTest;

TEST_F(OtherPresets, ComeInTheirOrderAndThoseWithoutAPlaceLast) {
  write_preset("b", "server: {time_wait: {hold: 5s}}\n");
  write_preset("a", "server:\n");
  write_preset("z", "about: {place: 1, harm: much}\n");
  const auto read = config::read_preset_facts(write("", "c.yaml"));
  ASSERT_THAT(messages(read), IsEmpty());
  std::vector<std::string> names;
  for (const PresetFacts& preset : *read.settings) {
    if (preset.name.size() == 1) names.push_back(preset.name);
    EXPECT_EQ(preset.harm, preset.name == "z" ? "much" : preset.harm);
  }
  EXPECT_THAT(names, ElementsAre("z", "a", "b"));
}

TEST_F(OtherPresets, AreReadToTheLastMistake) {
  const std::string bad = write_preset("bad", "about: {harm: [1]}\nserver: {tame_wait: 1}\n");
  const auto read = config::read_preset_facts(write("", "c.yaml"));
  EXPECT_EQ(read.settings, std::nullopt);
  EXPECT_THAT(messages(read), ElementsAre(HasSubstr(bad + ":1:15 about.harm"),
                                          HasSubstr(bad + ":2:10 server.tame_wait")));
}

}  // namespace
}  // namespace mayfly::testing
