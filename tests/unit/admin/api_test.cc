#include "admin/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "noted_actions.h"

namespace mayfly::testing {
namespace {

using admin::Api, admin::HttpAnswer;
using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class ApiTest : public ::testing::Test {
 public:
  std::string get(const std::string& path) {
    return api.answer("GET " + path + " HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", false).bytes;
  }
  std::string send(const std::string& method, const std::string& path, const std::string& body,
                   const std::string& type = "application/json") {
    return api
        .answer(method + " " + path + " HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: " + type +
                    "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
                false)
        .bytes;
  }
  static int status(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9)) : 0;
  }
  static std::string body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  NotedActions noted;
  Api api{noted.actions(), {}};
};

TEST_F(ApiTest, ReportsWhatItIsAskedFor) {
  EXPECT_EQ(Json::parse(body(get("/api/stats")))["accepted"], 7);
  EXPECT_EQ(Json::parse(body(get("/api/configuration")))["time_wait.hold"], "60s");
  EXPECT_EQ(Json::parse(body(get("/api/policy?x=1")))["policy"], "balanced");
  EXPECT_EQ(body(get("/api/history")), "[]\n");
  EXPECT_THAT(get("/metrics"), HasSubstr("text/plain; version=0.0.4"));
}

TEST_F(ApiTest, HandsAQueryOnAndSaysWhetherItWasTheQueryOrACoreThatFailed) {
  EXPECT_EQ(Json::parse(body(get("/api/connections?peer=198.18.0.0%2F15&state=closing"))),
            (Json{{"peer", "198.18.0.0/15"}, {"state", "closing"}}));
  EXPECT_EQ(status(get("/api/connections?bad")), 400);
  EXPECT_EQ(status(get("/api/connections?mute=1")), 503);
  EXPECT_EQ(Json::parse(body(get("/api/plan?rate=1M")))["asked"], "1M");
  EXPECT_EQ(status(get("/api/plan")), 400);
}

TEST_F(ApiTest, ShowsFramesOnTheSocketAlone) {
  const std::string get = "GET /api/dump HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
  EXPECT_EQ(status(api.answer(get, false).bytes), 403);
  EXPECT_EQ(status(send("POST", "/api/dump", "{}")), 403);
  EXPECT_EQ(status(send("DELETE", "/api/dump", "{}")), 403);
  EXPECT_THAT(noted.noted, IsEmpty());
  EXPECT_EQ(body(api.answer(get, true).bytes), std::string("\0\n", 2));
}

TEST_F(ApiTest, HealthAndReadinessAreStatuses) {
  EXPECT_EQ(status(get("/api/health")), 200);
  EXPECT_EQ(status(get("/api/ready")), 503);
  noted.is_healthy = false;
  EXPECT_EQ(status(get("/api/health")), 503);
}

TEST_F(ApiTest, SetsSeveralKeysAtOnceWhateverTheirType) {
  send("PATCH", "/api/configuration",
       R"({"time_wait.hold":"5s","time_wait.capacity":9,"tcp.sack":false})");
  EXPECT_THAT(noted.noted,
              ElementsAre("set time_wait.hold=5s time_wait.capacity=9 tcp.sack=false by page"));
}

TEST_F(ApiTest, TakesPoliciesAndTrialsAndTheRest) {
  send("PUT", "/api/policy", R"({"name":"balanced"})");
  send("PUT", "/api/policy", R"({"name":"reset","for":"2min"})");
  send("PUT", "/api/policy", R"({"name":"reset","for":30})");
  send("POST", "/api/unset", R"({"keys":["time_wait.hold"]})");
  send("POST", "/api/reload", "");
  send("POST", "/api/drain", "");
  send("POST", "/api/drain", R"({"linger":"10s"})");
  EXPECT_THAT(noted.noted, ElementsAre("policy balanced", "policy reset 120", "policy reset 30",
                                       "unset time_wait.hold", "reload", "drain", "drain 10"));
}

TEST_F(ApiTest, RefusesEveryBadBodyInWords) {
  struct Case {
    const char *method, *path, *body;
    int status;
  };
  constexpr Case kCases[] = {
      {"PATCH", "/api/configuration", "x", 400},
      {"PATCH", "/api/configuration", "", 400},
      {"PATCH", "/api/configuration", "{}", 400},
      {"PATCH", "/api/configuration", "[1]", 400},
      {"PATCH", "/api/configuration", R"({"a":null})", 400},
      {"PATCH", "/api/configuration", R"({"a":[1]})", 400},
      {"PATCH", "/api/configuration", R"({"a=b":1})", 400},
      {"PATCH", "/api/configuration", R"({"":1})", 400},
      {"PUT", "/api/policy", "{}", 400},
      {"PUT", "/api/policy", "3", 400},
      {"PUT", "/api/policy", R"({"name":""})", 400},
      {"PUT", "/api/policy", R"({"name":7})", 400},
      {"PUT", "/api/policy", R"({"name":"a","for":"soon"})", 400},
      {"PUT", "/api/policy", R"({"name":"a","for":"1e99s"})", 400},
      {"PUT", "/api/policy", R"({"name":"a","for":"nans"})", 400},
      {"PUT", "/api/policy", R"({"name":"a","for":0})", 400},
      {"POST", "/api/unset", R"({"keys":[]})", 400},
      {"POST", "/api/unset", R"({"keys":[1]})", 400},
      {"POST", "/api/unset", R"({"keys":"a"})", 400},
      {"POST", "/api/stats", "{}", 404},
      {"DELETE", "/api/policy", "", 404},
      {"GET", "/../etc/passwd", "", 404},
  };
  for (const Case& one : kCases) {
    const std::string answer = send(one.method, one.path, one.body);
    EXPECT_EQ(status(answer), one.status) << one.path << " " << one.body;
    EXPECT_TRUE(Json::parse(body(answer)).contains("error")) << answer;
  }
  EXPECT_THAT(noted.noted, IsEmpty());
}

TEST_F(ApiTest, AFormOfAnotherSiteChangesNothing) {
  EXPECT_EQ(status(send("PUT", "/api/policy", R"({"name":"a"})", "text/plain")), 415);
  const std::string forged =
      "POST /api/drain HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://evil\r\n\r\n";
  EXPECT_EQ(status(api.answer(forged, false).bytes), 403);
  EXPECT_THAT(noted.noted, IsEmpty());
}

TEST_F(ApiTest, ATokenGuardsTheApiAndNotTheFilesOfThePage) {
  Api guarded(noted.actions(), {.token = "0123456789abcdef"});
  const auto get = [&](const std::string& path, const std::string& field) {
    return status(guarded.answer("GET " + path + " HTTP/1.1\r\n" + field + "\r\n", false).bytes);
  };
  EXPECT_EQ(get("/", ""), 200);
  EXPECT_EQ(get("/page.js", ""), 200);
  for (const char* path : {"/api/stats", "/api/events", "/api/samples", "/metrics"}) {
    EXPECT_EQ(get(path, "host: 127.0.0.1\r\n"), 401) << path;
    EXPECT_EQ(get(path, "authorization: Bearer 0123456789abcdef\r\n"), 200) << path;
  }
}

TEST_F(ApiTest, ThePageRunsItsOwnScriptsAlone) {
  const std::string page = get("/");
  EXPECT_THAT(page, HasSubstr("default-src 'none'; script-src 'self'; style-src 'self'"));
  EXPECT_THAT(page, HasSubstr("X-Frame-Options: DENY"));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("Set-Cookie")));
}

TEST_F(ApiTest, LivesThroughDeepNestingAndTextThatIsNoUtf8) {
  EXPECT_EQ(status(send("PUT", "/api/policy", std::string(30'000, '['))), 400);
  EXPECT_EQ(status(send("PUT", "/api/policy", "{\"name\":\"\xff\"}")), 400);
  EXPECT_EQ(status(get("/api/stats")), 200);  // its text is no UTF-8
}

TEST_F(ApiTest, AnActionThatThrowsIsAnError) {
  admin::Actions actions = noted.actions();
  actions.stats = []() -> Json { throw std::runtime_error("no room"); };
  Api broken(std::move(actions), {});
  const HttpAnswer answer =
      broken.answer("GET /api/stats HTTP/1.1\r\nhost: localhost\r\n\r\n", false);
  EXPECT_EQ(status(answer.bytes), 500);
  EXPECT_THAT(answer.bytes, HasSubstr("no room"));
}

TEST_F(ApiTest, EventsComeOnceASecondAndSoonerAfterAChange) {
  auto now = std::chrono::steady_clock::now();
  const auto events_of = [&](std::chrono::milliseconds time) {
    int events = 0;
    for (const auto end = now + time; now < end; now += std::chrono::milliseconds(50))
      events += api.next_event(now).empty() ? 0 : 1;
    return events;
  };
  EXPECT_EQ(events_of(std::chrono::seconds(5)), 5);
  send("POST", "/api/reload", "");
  EXPECT_GE(events_of(std::chrono::seconds(1)), 3);
  EXPECT_LE(events_of(std::chrono::seconds(10)), 16);
  EXPECT_EQ(events_of(std::chrono::seconds(5)), 5);
}

TEST_F(ApiTest, TheStreamBeginsWithAHeadAndSamplesAreKept) {
  const HttpAnswer stream =
      api.answer("GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n", false);
  EXPECT_TRUE(stream.is_stream);
  EXPECT_THAT(stream.bytes, HasSubstr("text/event-stream"));
  EXPECT_THAT(stream.bytes, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(body(stream.bytes), "");
  EXPECT_THAT(api.next_event(std::chrono::steady_clock::now()), StartsWith("data: {\"n\":1}\n\n"));
  EXPECT_EQ(Json::parse(body(get("/api/samples"))), Json::parse(R"([{"n":1}])"));
}

}  // namespace
}  // namespace mayfly::testing
