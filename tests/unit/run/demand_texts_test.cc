#include "run/demand_texts.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using run::DemandTexts, run::read_demand;

TEST(DemandTexts, AreReadWithTheirUnits) {
  const auto demand = read_demand({.rate = "1M", .hold = "4min", .capacity = "16k"});
  ASSERT_TRUE(demand);
  EXPECT_EQ(demand->rate, 1e6);
  EXPECT_EQ(demand->hold, 4_min);
  EXPECT_EQ(demand->capacity, 16'000u);
  EXPECT_GT(demand->memory, 0u) << "what is free here";
}

TEST(DemandTexts, AnErrorSaysWhichOfThemIsWrong) {
  const auto why = [](const DemandTexts& texts) {
    const auto demand = read_demand(texts);
    return demand ? std::string() : demand.error().what;
  };
  EXPECT_EQ(why({}), "--rate: a plan needs one");
  EXPECT_EQ(why({.rate = "0.5"}), "--rate 0.5: is too small");
  EXPECT_TRUE(why({.rate = "1k", .hold = "soon"}).starts_with("--hold soon: "));
  EXPECT_TRUE(why({.rate = "1k", .ports = "9-1"}).starts_with("--ports 9-1: "));
  EXPECT_EQ(why({.rate = "1k", .first = "me"}), "--first me: there are server and client");
}

TEST(DemandTexts, ClientsAreACountOrTheAddressesThemselves) {
  const auto clients = [](const std::string& text) {
    const auto demand = read_demand({.rate = "1k", .clients = text});
    return demand ? demand->clients : 0;
  };
  EXPECT_EQ(clients("1.5k"), 1'500u);
  EXPECT_EQ(clients("2001:db8:1::/112"), 65'536u);
  EXPECT_EQ(clients("2001:db8::1"), 1u);
  EXPECT_EQ(clients("198.18.1.1-198.18.1.100"), 100u);
  EXPECT_EQ(clients("198.18.1.1"), 1u);
  EXPECT_EQ(clients("2001:db8:1::/64"), 0u) << "an error";
}

TEST(DemandTexts, TheAnswerHasTheNumbersAndTheWords) {
  const auto demand = read_demand({.rate = "1k", .hold = "60s", .capacity = "10k"});
  ASSERT_TRUE(demand);
  const auto json = run::demand_json(*demand, plan_demand(*demand), {});
  EXPECT_EQ(json["entries"], 60'000u);
  EXPECT_EQ(json["shortages"][0]["of"], "table");
  EXPECT_NE(std::string(json["shortages"][0]["words"]).find("full after 10 s"), std::string::npos);
}

}  // namespace
}  // namespace mayfly::testing
