// The page and the control socket: whatever bytes are sent, each request is answered by one
// response, and what reaches the settings are overrides that name a key.
//
// Input: the bytes of a connection.
#include <charconv>

#include "admin/api.h"
#include "admin/http_framing.h"
#include "fuzz/target.h"

namespace mayfly::testing {
namespace {

using Json = nlohmann::ordered_json;

/// Answers with what it was asked, so that the answer has to carry any text.
admin::Actions echoing() {
  const auto say = [](const char* what) { return [=] { return Json{{"did", what}}; }; };
  const auto did = [](const std::string&) { return Json{{"did", "it"}}; };
  admin::Actions actions;
  actions.stats = actions.settings = actions.policies = actions.history = say("report");
  actions.health = say("health");
  actions.reload = did;
  actions.drain = [](Duration, const std::string&) { return Json{{"did", "it"}}; };
  actions.connections = [](const admin::Actions::Query& query) -> Result<Json> {
    if (query.size() > 1) return Error{query[1].second, ErrorKind::usage};
    return Json(query);
  };
  actions.plan = actions.connections;
  actions.begin_dump = [](const Json& wanted) { return wanted; };
  actions.read_dump = [] { return std::optional<std::string>(); };
  actions.end_dump = [] { return Json{{"did", "it"}}; };
  actions.metrics = [] { return std::string("# metrics\n"); };
  actions.sample = say("sample");
  actions.set = [](const std::vector<std::string>& overrides, const std::string&) {
    EXPECT_FALSE(overrides.empty());
    for (const std::string& each : overrides) EXPECT_GT(each.find('='), 0u);
    for (const std::string& each : overrides) EXPECT_NE(each.find('='), each.npos);
    return Json{{"did", overrides}};
  };
  actions.unset = [](const std::vector<std::string>& keys, const std::string&) {
    EXPECT_FALSE(keys.empty());
    return Json{{"did", keys}};
  };
  actions.policy = [](const std::string& name, std::optional<Duration> trial, const std::string&) {
    EXPECT_FALSE(name.empty());
    if (trial) {
      EXPECT_GE(trial->us, 1'000'000);
    }
    return Json{{"did", name}};
  };
  return actions;
}

/// A head with a status, and a body as long as it says.
void check_answer(const admin::HttpAnswer& answer) {
  ASSERT_TRUE(answer.bytes.starts_with("HTTP/1.1 ")) << answer.bytes;
  const std::size_t end = answer.bytes.find("\r\n\r\n");
  ASSERT_NE(end, answer.bytes.npos);
  const std::string body = answer.bytes.substr(end + 4);
  const bool is_json = answer.bytes.find("application/json") < end;
  if (is_json && !body.empty()) {
    EXPECT_FALSE(Json::parse(body, nullptr, false).is_discarded());
  }
}

void run(FuzzInput in) {
  static admin::Api api(echoing(), {});
  std::string left(in.text());
  for (;;) {
    const admin::FramedRequest request = admin::frame_request(left);
    if (request.state == admin::FramedRequest::State::incomplete) return;
    if (request.state == admin::FramedRequest::State::refused) {
      EXPECT_GE(request.status, 400);
      check_answer(admin::Api::refusal(request.status, request.why));
      return;
    }
    ASSERT_LE(request.length, left.size());
    check_answer(api.answer(request.text, false));
    check_answer(api.answer(request.text, true));
    left.erase(0, request.length);
  }
}

const Target kTarget("admin_request", run);

}  // namespace
}  // namespace mayfly::testing
