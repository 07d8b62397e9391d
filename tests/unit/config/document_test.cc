// What can be wrong with a file before its keys are looked at, and how overrides are laid over it.
#include <gmock/gmock.h>

#include "config/utf8.h"
#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Document = ConfigTest;
using Override = ConfigTest;

TEST_F(Document, ThatIsNotThereSaysSo) {
  EXPECT_THAT(messages(config::read_serve_settings(path("none.yaml"))),
              ElementsAre(path("none.yaml") + ": cannot be read: No such file or directory"));
}

TEST_F(Document, ThatIsAFolderSaysSo) {
  EXPECT_THAT(messages(config::read_serve_settings(path(""))),
              ElementsAre(HasSubstr("is a folder")));
}

TEST_F(Document, ThatIsEmptySaysSo) {
  EXPECT_THAT(complaints(serve("")), ElementsAre(": is empty"));
  EXPECT_THAT(complaints(serve("# only a comment\n")), ElementsAre(": is empty"));
  EXPECT_THAT(complaints(serve("---\n")), ElementsAre(": is empty"));
}

TEST_F(Document, ThatIsNoMapSaysSo) {
  EXPECT_THAT(complaints(serve("- a\n- b\n")), ElementsAre(": must be a map, is a list"));
  EXPECT_THAT(complaints(serve("hello\n")), ElementsAre(": must be a map, is a plain value"));
}

TEST_F(Document, ThatIsNotTextSaysWhere) {
  EXPECT_THAT(messages(serve("cores: [0]\nports\xff: 1\n")),
              ElementsAre(path("c.yaml") + ":2:6: is not UTF-8 text"));
  EXPECT_THAT(complaints(serve(std::string("\x7f"
                                           "ELF\0\0",
                                           6))),
              ElementsAre(": is not UTF-8 text"));
}

TEST_F(Document, LargerThanOneMebibyteIsRefused) {
  EXPECT_THAT(complaints(serve(std::string((1 << 20) + 1, '#'))),
              ElementsAre(": is larger than 1 MiB"));
}

TEST_F(Document, WithASyntaxErrorSaysWhere) {
  EXPECT_THAT(messages(serve("cores: [0]\nports: {a: [1}\n")),
              ElementsAre(HasSubstr("c.yaml:2:14: YAML: ")));
}

TEST_F(Document, IsJustOne) {
  EXPECT_THAT(complaints(serve(std::string(kServe) + "---\ncores: [1]\n")),
              ElementsAre(": continues after its first YAML document"));
}

TEST_F(Document, KeysAreWords) {
  EXPECT_THAT(complaints(serve("{[a]: b}\n")), ElementsAre(": YAML: a key must be a word"));
}

TEST_F(Document, AliasesWorkButCannotExplode) {
  EXPECT_THAT(complaints(serve(std::string(kServe) + "time_wait: &t {hold: 5s}\n")), ElementsAre());
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = std::to_string(i - 1), next = std::to_string(i);
    bomb += "a" + next + ": &a" + next + " [*a" + last + ", *a" + last + "]\n";
  }
  EXPECT_THAT(complaints(serve(bomb)), ElementsAre(": YAML: too many values"));
  EXPECT_THAT(complaints(serve("a: &a [*a]\n")),
              ElementsAre(": YAML: an alias within its own value"));
}

TEST_F(Document, DeepNestingIsRefused) {
  EXPECT_THAT(complaints(serve("a: " + std::string(100'000, '['))),
              ElementsAre(": YAML: nested too deeply"));
}

TEST_F(Document, WithAStrayCommaEnds) {
  EXPECT_THAT(complaints(serve(",cores: [0]\n")),
              ElementsAre(": continues after its first YAML document"));
}

TEST_F(Document, MoreThanAThousandErrorsAreCounted) {
  std::string text = kServe;
  for (int i = 0; i < 1'500; ++i) text += "x" + std::to_string(i) + ": 1\n";
  const auto all = complaints(serve(text));
  EXPECT_EQ(all.size(), 1'001u);
  EXPECT_EQ(all.back(), ": has 500 more errors");
}

TEST(NonText, IsFoundByTheRulesOfUtf8) {
  EXPECT_FALSE(config::find_non_text("a\tb\r\n\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9d"));
  for (const char* text : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                           "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "\x01", "\x7f"}) {
    EXPECT_TRUE(config::find_non_text(text));
  }
  const auto at = config::find_non_text("ab\ncd\xff");
  EXPECT_EQ(at->line, 2);
  EXPECT_EQ(at->column, 3);
}

TEST_F(Override, ReplacesAValue) {
  const auto loaded =
      serve(std::string(kServe) + "time_wait: {hold: 60s, rst: accept}\n", {"time_wait.hold=5s"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->shard.time_wait.hold, 5_s);
  EXPECT_EQ(loaded.settings->shard.time_wait.rules.rst, tcp::TimeWaitRules::OnRst::accept);
}

TEST_F(Override, MakesTheMapsBetween) {
  const auto loaded = serve(kServe, {"tcp.keep_alive.enabled=true"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_TRUE(loaded.settings->shard.tcp.keep_alive.enabled);
}

TEST_F(Override, ReachesIntoLists) {
  const auto loaded = serve(kServe, {"ports.0.vlan=12", "listen.0.port=8080"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->process.ports[0].vlan, 12);
  EXPECT_EQ(loaded.settings->listen[0].port, 8080);
}

TEST_F(Override, AppendsAtTheEndOfAList) {
  const auto loaded = serve(kServe, {"listen.1.port=7", "listen.1.service=echo"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->listen.at(1).service, service::ServiceKind::echo);
  EXPECT_THAT(complaints(serve(kServe, {"listen.3.port=7"})),
              ElementsAre("listen: has 1 elements: the next index is 1"));
}

TEST_F(Override, IsYamlItself) {
  const auto loaded = serve(kServe, {"ports.0.faults={loss: 1%, seed: 7}", "cores=[2, 3]"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->process.ports[0].faults.seed, 7u);
  EXPECT_THAT(loaded.settings->cores, ElementsAre(2u, 3u));
}

TEST_F(Override, LaterWinsOverEarlier) {
  const auto loaded = serve(kServe, {"time_wait.hold=5s", "time_wait.hold=6s"});
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->shard.time_wait.hold, 6_s);
}

TEST_F(Override, ErrorsNameTheOverride) {
  EXPECT_THAT(messages(serve(kServe, {"time_wait.hodl=5s"})),
              ElementsAre("--set time_wait.hodl=5s time_wait.hodl: is not a known key "
                          "(did you mean hold?)"));
  EXPECT_THAT(messages(serve(kServe, {"time_wait.hold=5"})),
              ElementsAre("--set time_wait.hold=5 time_wait.hold: \"5\" has no unit; write 5s or "
                          "5ms (duration: 0 or 1ms..10min)"));
}

TEST_F(Override, NeedsAKeyAndAnEqualsSign) {
  for (const char* text : {"", "x", "=1", ".a=1", "a.=1", "a..b=1"}) {
    EXPECT_THAT(complaints(serve(kServe, {text})), ElementsAre(": is no override")) << text;
  }
}

TEST_F(Override, CannotGoBelowAPlainValue) {
  EXPECT_THAT(complaints(serve(kServe, {"cores.0.x=1"})),
              ElementsAre("cores.0: is a plain value and has no keys below it"));
  EXPECT_THAT(complaints(serve(kServe, {"cores.x=1"})),
              ElementsAre("cores: is a list: \"x\" is no index into it"));
}

TEST_F(Override, WithASyntaxErrorIsNamed) {
  EXPECT_THAT(messages(serve(kServe, {"cores=[1"})),
              ElementsAre(HasSubstr("--set cores=[1: YAML: ")));
}

}  // namespace
}  // namespace mayfly::testing
