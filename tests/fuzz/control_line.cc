// The control socket: whatever line is sent, the answer is one line with one JSON object, and what
// reaches the settings are overrides that name a key.
//
// Input: the line.
#include "admin/requests.h"
#include "fuzz/target.h"

namespace mayfly::testing {
namespace {

using Json = nlohmann::ordered_json;

/// Answers with what it was asked, so that the answer has to carry any text.
admin::ControlActions echoing() {
  const auto say = [](const char* what) { return [=] { return Json{{"did", what}}; }; };
  admin::ControlActions actions{
      .stats = say("stats"), .settings = say("settings"), .reload = say("r")};
  actions.set = [](const std::vector<std::string>& overrides) {
    EXPECT_FALSE(overrides.empty());
    for (const std::string& each : overrides) EXPECT_NE(each.find('='), each.npos);
    return Json{{"did", overrides}};
  };
  actions.policy = [](const std::string& name) {
    EXPECT_FALSE(name.empty());
    return Json{{"did", name}};
  };
  return actions;
}

void run(FuzzInput in) {
  static const admin::ControlActions actions = echoing();
  const std::string answer = answer_request(actions, in.text());
  EXPECT_EQ(answer.find('\n'), answer.npos);
  const Json read = Json::parse(answer, nullptr, false);
  ASSERT_TRUE(read.is_object()) << answer;
  EXPECT_TRUE(read.contains("did") != read.contains("error")) << answer;
}

const Target kTarget("control_line", run);

}  // namespace
}  // namespace mayfly::testing
