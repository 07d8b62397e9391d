// Settings in words, and their change while something runs by them.
#include "config/live.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>

#include "config/describe.h"
#include "config/reference.h"
#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using config::Mutability;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string value_of(const std::vector<config::KeyValue>& values, const std::string& key) {
  for (const config::KeyValue& each : values)
    if (each.key == key) return each.value;
  return "not there";
}

std::vector<std::string> words(const config::Change& change) {
  std::vector<std::string> all;
  for (const config::ConfigError& error : change.errors) all.push_back(to_string(error));
  for (const config::KeyChange& each : change.changes) all.push_back(to_string(each));
  return all;
}

class LiveTest : public ConfigTest {
 public:
  LiveTest() {
    write_preset("short", "server: {time_wait: {hold: 2s}}\nclient: {time_wait: {hold: 3s}}\n");
    write_preset("polite", "server: {close: {first: client}}\n");
  }
  /// What runs by `text` and these overrides of the command line.
  config::LiveSettings<config::ServeSettings> live(const std::string& text = kServe,
                                                   const Overrides& sets = {}) const {
    auto loaded = serve(text, sets);
    EXPECT_THAT(messages(loaded), IsEmpty());
    return {{path("c.yaml"), "", sets}, *loaded.settings};
  }
  static std::vector<std::string> set(config::LiveSettings<config::ServeSettings>& live,
                                      const Overrides& texts) {
    return words(live.set(texts));
  }
};

TEST_F(LiveTest, DescribesEveryKeyAsItCouldBeWritten) {
  const auto loaded =
      serve(std::string(kServe) +
            "time_wait: {capacity: 64k, nearness: [{prefix: 198.18.0.0/16, hold: 10s}]}\n"
            "close: {first: client}\nadmin: {socket: /run/mayfly.sock}\n");
  ASSERT_TRUE(loaded.settings);
  const auto values = describe(*loaded.settings);
  EXPECT_EQ(value_of(values, "cores"), "[0]");
  EXPECT_EQ(value_of(values, "ports.0.device"), "net_ring0");
  EXPECT_EQ(value_of(values, "ports.0.addresses"), "[198.18.0.1/15]");
  EXPECT_EQ(value_of(values, "listen.0.port"), "80");
  EXPECT_EQ(value_of(values, "time_wait.hold"), "60s");
  EXPECT_EQ(value_of(values, "time_wait.capacity"), "64k");
  EXPECT_EQ(value_of(values, "time_wait.nearness.0.prefix"), "198.18.0.0/16");
  EXPECT_EQ(value_of(values, "time_wait.nearness.0.hold"), "10s");
  EXPECT_EQ(value_of(values, "close.first"), "client");
  EXPECT_EQ(value_of(values, "fin_wait_2.hold"), "60s");
  EXPECT_EQ(value_of(values, "tcp.keep_alive.enabled"), "false");
  EXPECT_EQ(value_of(values, "admin.socket"), "/run/mayfly.sock");
}

TEST_F(LiveTest, DescribesATextSoThatYamlReadsItAgain) {
  for (const char* body : {R"(two\nlines)", R"(a \"b\" #c: \\)", "", "none", R"(\x01)", " x "}) {
    const auto loaded =
        serve(std::string(kServe) + "http: {routes: [{path: /, body: \"" + body + "\"}]}\n");
    ASSERT_TRUE(loaded.settings) << body;
    const std::string said = value_of(describe(*loaded.settings), "http.routes.0.body");
    const auto again = serve(kServe, {"http.routes.0.path=/", "http.routes.0.body=" + said});
    ASSERT_TRUE(again.settings) << said;
    EXPECT_EQ(again.settings->http.routes.at(0).body, loaded.settings->http.routes.at(0).body);
  }
}

/// What comes of a body that is written so in double quotes, said and read again.
std::string read_again(const LiveTest& test, const std::string& body) {
  const auto loaded =
      test.serve(std::string(kServe) + "http: {routes: [{path: /, body: \"" + body + "\"}]}\n");
  if (!loaded.settings) return "not read";
  const std::string said = value_of(describe(*loaded.settings), "http.routes.0.body");
  const auto again = test.serve(kServe, {"http.routes.0.path=/", "http.routes.0.body=" + said});
  if (!again.settings) return "refused: " + said;
  EXPECT_EQ(again.settings->http.routes.at(0).body, loaded.settings->http.routes.at(0).body)
      << said;
  return *again.settings->http.routes.at(0).body;
}

TEST_F(LiveTest, DescribesANextLineSoThatItReadsBack) {  // YAML's \N: U+0085
  EXPECT_EQ(read_again(*this, R"(a\Nb)"),
            "a\xc2\x85"
            "b");
  EXPECT_EQ(read_again(*this,
                       "a\xc2\x85"
                       "b"),
            "a\xc2\x85"
            "b");
  EXPECT_EQ(read_again(*this, R"(\x85)"), "\xc2\x85");
}

TEST_F(LiveTest, DescribesANoBreakSpaceSoThatItReadsBack) {  // YAML's \_: U+00A0
  EXPECT_EQ(read_again(*this, R"(a\_b)"),
            "a\xc2\xa0"
            "b");
}

TEST_F(LiveTest, DescribesALineSeparatorSoThatItReadsBack) {  // YAML's \L: U+2028
  EXPECT_EQ(read_again(*this, R"(a\Lb)"),
            "a\xe2\x80\xa8"
            "b");
  EXPECT_EQ(read_again(*this,
                       "a\xe2\x80\xa8"
                       "b"),
            "a\xe2\x80\xa8"
            "b");
}

TEST_F(LiveTest, DescribesAParagraphSeparatorSoThatItReadsBack) {  // YAML's \P: U+2029
  EXPECT_EQ(read_again(*this, R"(a\Pb)"),
            "a\xe2\x80\xa9"
            "b");
}

TEST_F(LiveTest, DescribesAByteOrderMarkSoThatItReadsBack) {
  EXPECT_EQ(read_again(*this, R"(\ufeffa)"),
            "\xef\xbb\xbf"
            "a");
}

TEST_F(LiveTest, DescribesEveryControlCharacterSoThatItReadsBack) {
  for (unsigned character = 0; character < 0xa0; ++character) {
    if (character == 0x20) character = 0x7f;
    const std::string alone = character < 0x80 ? std::string(1, static_cast<char>(character))
                                               : std::string{'\xc2', static_cast<char>(character)};
    const std::string escape = fmt::format("\\x{:02x}", character);
    EXPECT_EQ(read_again(*this, escape), alone);
    EXPECT_EQ(read_again(*this, "a" + escape + "b"), "a" + alone + "b");
  }
}

TEST_F(LiveTest, DescribesCharactersBeyondTheBasicPlaneSoThatTheyReadBack) {
  EXPECT_EQ(read_again(*this, R"(\U0001f98b)"), "\xf0\x9f\xa6\x8b");
  EXPECT_EQ(read_again(*this, R"(\uffff)"), "\xef\xbf\xbf");
}

TEST_F(LiveTest, ARowSaysWhatMayChangeWhileItRuns) {
  std::map<std::string, Mutability> rows;
  for (const config::KeyReference& key : config::serve_reference()) rows[key.path] = key.mutability;
  EXPECT_EQ(rows["cores"], Mutability::restart);
  EXPECT_EQ(rows["drain_timeout"], Mutability::restart);
  EXPECT_EQ(rows["http.date"], Mutability::restart);
  EXPECT_EQ(rows["listen.N.port"], Mutability::live);
  EXPECT_EQ(rows["http.routes.N.folder"], Mutability::live);
  EXPECT_EQ(rows["connections.half_open"], Mutability::restart);
  EXPECT_EQ(rows["tcp.keep_alive.idle"], Mutability::live);
  EXPECT_EQ(rows["fin_wait_2.hold"], Mutability::live);
  EXPECT_EQ(rows["close.grace"], Mutability::live);
  EXPECT_EQ(rows["time_wait.nearness.N.hold"], Mutability::live);
  EXPECT_EQ(rows["time_wait.capacity"], Mutability::live_to_start);
  EXPECT_EQ(rows["tcp.receive_window"], Mutability::live_to_start);
}

TEST_F(LiveTest, DescribesTheGeneratorToo) {
  const auto loaded = load(kLoad);
  ASSERT_TRUE(loaded.settings);
  const auto values = describe(*loaded.settings);
  EXPECT_EQ(value_of(values, "target.address"), "198.18.0.1");
  EXPECT_EQ(value_of(values, "sources.addresses"), "198.18.1.1-198.18.1.10");
  EXPECT_EQ(value_of(values, "time_wait.reuse"), "0");
}

TEST_F(LiveTest, TheDifferenceHasWhatCameWentAndChanged) {
  EXPECT_THAT(config::difference({{"a", "1"}, {"b", "2"}, {"c", "3"}},
                                 {{"a", "1"}, {"b", "5"}, {"d", "4"}}),
              ElementsAre(config::KeyChange{"b", "2", "5"}, config::KeyChange{"d", "none", "4"},
                          config::KeyChange{"c", "3", "none"}));
}

TEST_F(LiveTest, ThePolicyCanBeSet) {
  auto settings = live();
  EXPECT_THAT(set(settings, {"time_wait.hold=5s", "close.first=client", "fin_wait_2.hold=1s",
                             "tcp.nagle=false"}),
              ElementsAre("fin_wait_2.hold 60s -> 1s", "tcp.nagle true -> false",
                          "close.first server -> client", "time_wait.hold 60s -> 5s"));
  EXPECT_EQ(settings.now().shard.time_wait.hold, 5_s);
  EXPECT_EQ(settings.now().close.first, shard::Closer::client);
  EXPECT_THAT(set(settings, {"time_wait.hold=5s"}), IsEmpty()) << "it was so already";
}

TEST_F(LiveTest, NothingIsTakenUnlessAllIsGood) {
  auto settings = live();
  EXPECT_THAT(
      set(settings, {"time_wait.hold=5s", "time_wait.floor=9 parsecs", "close.frist=client"}),
      UnorderedElementsAre(HasSubstr("time_wait.floor"), HasSubstr("did you mean first?")));
  EXPECT_EQ(settings.now().shard.time_wait.hold, 60_s);
  EXPECT_THAT(set(settings, {"time_wait.floor=2s"}), ElementsAre("time_wait.floor 1s -> 2s"))
      << "the bad ones are forgotten";
}

TEST_F(LiveTest, RulesBetweenKeysHoldToo) {
  auto settings = live();
  EXPECT_THAT(set(settings, {"time_wait.balance=true", "time_wait.floor=5min"}),
              ElementsAre(HasSubstr("5min is above the hold, 60s")));
}

TEST_F(LiveTest, WhatNeedsARestartIsNamedAll) {
  auto settings = live();
  EXPECT_THAT(
      set(settings, {"cores=[1]", "time_wait.hold=5s", "http.date=false"}),
      ElementsAre("--set cores=[1] cores: cannot change while it runs ([0] -> [1] needs a restart)",
                  "--set http.date=false http.date: cannot change while it runs "
                  "(true -> false needs a restart)"));
  EXPECT_EQ(settings.now().shard.time_wait.hold, 60_s);
}

TEST_F(LiveTest, CapacitiesCanFallAndRiseAgainToWhereTheyBegan) {
  auto settings = live(kServe, {"time_wait.capacity=10k", "tcp.receive_window=64k"});
  EXPECT_THAT(set(settings, {"time_wait.capacity=1k", "tcp.receive_window=8k"}).size(), 2u);
  EXPECT_THAT(set(settings, {"time_wait.capacity=10k", "tcp.receive_window=64k"}).size(), 2u);
  EXPECT_THAT(
      set(settings, {"time_wait.capacity=10001"}),
      ElementsAre("--set time_wait.capacity=10001 time_wait.capacity: memory was allocated for "
                  "10k (10001 needs a restart)"));
  EXPECT_THAT(set(settings, {"tcp.receive_window=128k"}),
              ElementsAre(HasSubstr("memory was allocated for 64k")));
}

TEST_F(LiveTest, ThePrefixesOfNearnessCanComeAndGo) {
  auto settings = live();
  EXPECT_THAT(set(settings, {"time_wait.nearness=[{prefix: 198.18.0.0/16, hold: 2s}]"}),
              ElementsAre("time_wait.nearness.0.prefix none -> 198.18.0.0/16",
                          "time_wait.nearness.0.hold none -> 2s"));
  EXPECT_THAT(set(settings, {"time_wait.nearness=[]"}).size(), 2u);
}

TEST_F(LiveTest, APresetReplacesTheOneBefore) {
  auto settings = live();
  EXPECT_THAT(words(settings.policy("short")), ElementsAre("time_wait.hold 60s -> 2s"));
  EXPECT_THAT(words(settings.policy("polite")),
              ElementsAre("close.first server -> client", "time_wait.hold 2s -> 60s"));
  EXPECT_THAT(words(settings.policy("no-such")),
              ElementsAre(HasSubstr("\"no-such\" is no preset")));
  EXPECT_EQ(settings.now().close.first, shard::Closer::client);
}

TEST_F(LiveTest, WhatWasSetLiesOverAPresetThatComesLater) {
  auto settings = live(kServe, {"close.grace=1s"});
  set(settings, {"time_wait.hold=7s"});
  EXPECT_THAT(words(settings.policy("short")), IsEmpty());
  EXPECT_EQ(settings.now().shard.time_wait.hold, 7_s);
  EXPECT_EQ(settings.now().close.grace, 1_s);
}

TEST_F(LiveTest, WhatWasSetIsGivenUpAgain) {
  auto settings = live();
  const std::string before = value_of(describe(settings.now()), "time_wait.hold");
  set(settings, {"time_wait.hold=5s", "close.first=client"});
  const std::vector<std::string> hold{"time_wait.hold"};
  ASSERT_EQ(settings.unset(hold).changes.size(), 1u);
  EXPECT_EQ(value_of(describe(settings.now()), "time_wait.hold"), before);
  EXPECT_EQ(settings.overrides(), std::vector<std::string>{"close.first=client"});
  EXPECT_EQ(settings.unset(hold).errors.at(0).key, "time_wait.hold") << "it is not set any more";
}

TEST_F(LiveTest, AFileThatHasChangedIsReadAgainUnderWhatWasSet) {
  auto settings = live();
  set(settings, {"close.grace=1s"});
  write(std::string(kServe) + "time_wait: {hold: 9s}\nclose: {grace: 2s}\n");
  EXPECT_THAT(words(settings.reload()), ElementsAre("time_wait.hold 60s -> 9s"));
  EXPECT_EQ(settings.now().close.grace, 1_s);
}

TEST_F(LiveTest, AFileThatHasBecomeWrongChangesNothing) {
  auto settings = live();
  const std::string file =
      write(std::string(kServe) + "time_wait: {hold: 9s}\ndrain_timeout: 1s\n");
  EXPECT_THAT(words(settings.reload()),
              ElementsAre(file + " drain_timeout: cannot change while it runs (10s -> 1s needs a "
                                 "restart)"));
  write("listen: nonsense\n");
  EXPECT_THAT(words(settings.reload()), Contains(HasSubstr("listen")));
  EXPECT_EQ(settings.now().shard.time_wait.hold, 60_s);
}

TEST_F(LiveTest, ServicesAndRoutesComeAndGo) {
  auto settings = live();
  EXPECT_THAT(set(settings, {"listen=[{port: 80, service: http}, {port: 7, service: echo}]",
                             "http.routes=[{path: /, body: x}]"}),
              Contains("listen.1.port none -> 7"));
  EXPECT_EQ(settings.now().listen.size(), 2u);
  EXPECT_THAT(words(settings.unset(std::vector<std::string>{"listen"})),
              Contains("listen.1.port 7 -> none"));
  EXPECT_EQ(settings.now().http.routes.size(), 1u);
}

TEST_F(LiveTest, TheRunIsToldToReadAgainByAReloadAlone) {
  auto loaded = serve(kServe);
  write(kServe);
  std::vector<bool> told;
  config::LiveSettings<config::ServeSettings> settings(
      {path("c.yaml"), "", {}}, *loaded.settings,
      [&](const config::ServeSettings&, bool rereads) -> Result<void> {
        told.push_back(rereads);
        return {};
      });
  settings.set(Overrides{"time_wait.hold=5s"});
  settings.reload();
  EXPECT_THAT(told, ElementsAre(false, true));
}

TEST_F(LiveTest, AnObjectionOfTheRunCountsAsWell) {
  auto loaded = load(kLoad);
  config::LiveSettings<config::LoadSettings> settings(
      {path("c.yaml"), "", {}}, *loaded.settings,
      [](const config::LoadSettings& wanted, bool) -> Result<void> {
        if (wanted.shard.time_wait.hold > 60_s) return Error{"too long"};
        return {};
      });
  EXPECT_THAT(words(settings.set(Overrides{"time_wait.hold=2min"})),
              ElementsAre(path("c.yaml") + ": too long"));
  EXPECT_THAT(words(settings.set(Overrides{"time_wait.reuse=1"})),
              ElementsAre("time_wait.reuse 0 -> 1"));
}

}  // namespace
}  // namespace mayfly::testing
