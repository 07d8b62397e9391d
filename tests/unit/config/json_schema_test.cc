// The keys as a JSON Schema.
#include "config/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mayfly::testing {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

TEST(JsonSchema, HasEveryKeyInItsPlaceAndNoOthers) {
  const Json schema = Json::parse(config::json_schema("t", config::serve_reference()));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["required"], (Json{"ports", "listen"}));
  const Json& listen = schema["properties"]["listen"];
  EXPECT_EQ(listen["type"], "array");
  EXPECT_EQ(listen["items"]["required"], Json::array({"port"}));
  EXPECT_EQ(listen["items"]["additionalProperties"], false);
  EXPECT_EQ(listen["items"]["properties"]["service"]["enum"], (Json{"http", "echo", "discard"}));
  const Json& hold = schema["properties"]["time_wait"]["properties"]["hold"];
  EXPECT_THAT(hold["description"].get<std::string>(), HasSubstr("by default 60s"));
}

TEST(JsonSchema, TakesAListOfOneAsTheOne) {
  const Json schema = Json::parse(config::json_schema("t", config::serve_reference()));
  EXPECT_EQ(schema["properties"]["cores"]["anyOf"].size(), 2u);
}

}  // namespace
}  // namespace mayfly::testing
