#include "admin/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Notes what it is asked to do.
class RequestsTest : public ::testing::Test {
 public:
  Json ask(std::string_view line) { return Json::parse(answer_request(actions, line)); }
  /// The one error in the answer; empty if it is none.
  std::string error(std::string_view line) {
    const Json json = ask(line);
    return json.contains("error") ? json["error"].at(0).get<std::string>() : "";
  }

  std::vector<std::string> set, policies;
  int reloads = 0;
  admin::ControlActions actions{
      .stats =
          [] {
            return Json{{"accepted", 7}};
          },
      .settings =
          [] {
            return Json{{"time_wait.hold", "60s"}};
          },
      .reload =
          [this] {
            return Json{{"reloads", ++reloads}};
          },
      .set =
          [this](const std::vector<std::string>& overrides) {
            set = overrides;
            return Json::object();
          },
      .policy =
          [this](const std::string& name) {
            policies.push_back(name);
            return Json::object();
          },
  };
};

TEST_F(RequestsTest, AsksForNumbersAndSettings) {
  EXPECT_EQ(ask(R"({"do":"stats"})"), (Json{{"accepted", 7}}));
  EXPECT_EQ(ask(R"({"do":"settings"})"), (Json{{"time_wait.hold", "60s"}}));
}

TEST_F(RequestsTest, SetsSeveralKeysAtOnceWhateverTheirType) {
  ask(R"({"do":"set","keys":{"time_wait.hold":"5s","time_wait.capacity":1000,"tcp.sack":false}})");
  EXPECT_THAT(set, ElementsAre("time_wait.hold=5s", "time_wait.capacity=1000", "tcp.sack=false"));
}

TEST_F(RequestsTest, TakesAPolicyAndReloads) {
  ask(R"({"do":"policy","name":"balanced"})");
  EXPECT_THAT(policies, ElementsAre("balanced"));
  ask(R"({"do":"reload"})");
  EXPECT_EQ(reloads, 1);
}

TEST_F(RequestsTest, AnswersEveryBadLineWithAnError) {
  EXPECT_THAT(error("stats"), HasSubstr("no JSON"));
  EXPECT_THAT(error(""), HasSubstr("no JSON"));
  EXPECT_THAT(error("[1]"), HasSubstr("a request is an object"));
  EXPECT_THAT(error("{}"), HasSubstr("a request is an object"));
  EXPECT_THAT(error(R"({"do":7})"), HasSubstr("a request is an object"));
  EXPECT_THAT(error(R"({"do":"dance"})"), HasSubstr("stats, settings, set, policy, reload"));
  EXPECT_THAT(error(R"({"do":"set"})"), HasSubstr("set needs keys"));
  EXPECT_THAT(error(R"({"do":"set","keys":{}})"), HasSubstr("set needs keys"));
  EXPECT_THAT(error(R"({"do":"set","keys":{"a":null}})"), HasSubstr("the value of a"));
  EXPECT_THAT(error(R"({"do":"set","keys":{"a":[1]}})"), HasSubstr("the value of a"));
  EXPECT_THAT(error(R"({"do":"set","keys":{"a=b":1}})"), HasSubstr("no ="));
  EXPECT_THAT(error(R"({"do":"policy"})"), HasSubstr("policy needs a name"));
  EXPECT_THAT(error(R"({"do":"policy","name":""})"), HasSubstr("policy needs a name"));
  EXPECT_TRUE(set.empty() && policies.empty());
}

TEST_F(RequestsTest, LivesThroughDeepNestingAndTextThatIsNoUtf8) {
  EXPECT_NE(error(std::string(30'000, '[')), "");
  EXPECT_NE(error(std::string(30'000, '[') + std::string(30'000, ']')), "");
  EXPECT_NE(error("{\"do\":\"\xff\"}"), "");
  actions.stats = [] { return Json{{"name", "\xff"}}; };
  EXPECT_TRUE(ask(R"({"do":"stats"})").contains("name"));
}

TEST_F(RequestsTest, AnActionThatThrowsIsAnError) {
  actions.stats = []() -> Json { throw std::runtime_error("no room"); };
  EXPECT_EQ(error(R"({"do":"stats"})"), "no room");
}

}  // namespace
}  // namespace mayfly::testing
