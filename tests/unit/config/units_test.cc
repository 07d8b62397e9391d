#include "config/units.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using config::format_count;
using config::format_duration;
using config::parse_count;
using config::parse_duration;
using config::parse_probability;

std::string why_not_duration(std::string_view text) {
  const Result<Duration> result = parse_duration(text);
  return result ? "" : result.error().what;
}

TEST(Duration, TakesEveryUnit) {
  EXPECT_EQ(*parse_duration("200us"), 200_us);
  EXPECT_EQ(*parse_duration("200ms"), 200_ms);
  EXPECT_EQ(*parse_duration("60s"), 60_s);
  EXPECT_EQ(*parse_duration("4min"), 4_min);
  EXPECT_EQ(*parse_duration("1h"), 60_min);
}

TEST(Duration, MayHaveAFractionThatIsWholeMicroseconds) {
  EXPECT_EQ(*parse_duration("1.5s"), 1500_ms);
  EXPECT_EQ(*parse_duration("0.001ms"), 1_us);
  EXPECT_EQ(why_not_duration("0.5us"), "\"0.5us\" is too fine: it is not whole");
}

TEST(Duration, NeedsAUnitUnlessItIsZero) {
  EXPECT_EQ(*parse_duration("0"), Duration{});
  EXPECT_EQ(why_not_duration("60"), "\"60\" has no unit; write 60s or 60ms");
}

TEST(Duration, OfARunIsAboveZero) {
  EXPECT_EQ(*config::parse_run_length("30s"), 30_s);
  EXPECT_EQ(config::parse_run_length("0").error().what, "must be above 0");
  EXPECT_EQ(config::parse_run_length("60").error().what, why_not_duration("60"));
}

TEST(Duration, NamesTheUnitsThereAre) {
  EXPECT_EQ(why_not_duration("5m"), "\"5m\" has an unknown unit; there are: us ms s min h");
}

TEST(Duration, IsNeitherNegativeNorEndless) {
  EXPECT_EQ(why_not_duration("-1s"), "\"-1s\" is negative");
  EXPECT_EQ(why_not_duration("99999999999999999999s"), "\"99999999999999999999s\" is too large");
  EXPECT_EQ(why_not_duration("9223372036854775808us"), "\"9223372036854775808us\" is too large");
  EXPECT_EQ(*parse_duration("9223372036854775807us"), Duration{9223372036854775807});
}

TEST(Duration, IsANumberFirst) {
  for (const char* text : {"", "s", "fast", ".5s", "1 s", "1.s", "1e3s", "0x1s", "+1s", "inf"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, IsShownSoThatItReadsAsTheSame) {
  EXPECT_EQ(format_duration(60_s), "60s");
  EXPECT_EQ(format_duration(10_min), "10min");
  EXPECT_EQ(format_duration(7200_s), "2h");
  EXPECT_EQ(format_duration(1500_ms), "1500ms");
  EXPECT_EQ(format_duration(Duration{}), "0");
  for (const std::int64_t us : {1LL, 999LL, 1'000LL, 90'000'000LL, 123'456'789LL}) {
    EXPECT_EQ(*parse_duration(format_duration({us})), Duration{us});
  }
}

TEST(Count, HasDecimalAndBinaryUnits) {
  EXPECT_EQ(*parse_count("512"), 512u);
  EXPECT_EQ(*parse_count("64k"), 64'000u);
  EXPECT_EQ(*parse_count("1M"), 1'000'000u);
  EXPECT_EQ(*parse_count("2G"), 2'000'000'000u);
  EXPECT_EQ(*parse_count("64Ki"), 65'536u);
  EXPECT_EQ(*parse_count("1Mi"), 1u << 20);
  EXPECT_EQ(*parse_count("1Gi"), 1u << 30);
  EXPECT_EQ(*parse_count("1.5M"), 1'500'000u);
}

TEST(Count, MustBeWholeAndFit) {
  EXPECT_EQ(*parse_count("18446744073709551615"), 18446744073709551615u);
  for (const char* text : {"18446744073709551616", "99999999999G", "1.0005k", "0.5", "-1", "1K",
                           "64kb", "1,000", "", " 1", "18446744073709551615.9G"}) {
    EXPECT_FALSE(parse_count(text)) << text;
  }
}

TEST(Count, IsShownSoThatItReadsAsTheSame) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(1'460), "1460");
  EXPECT_EQ(format_count(262'144), "256Ki");
  EXPECT_EQ(format_count(1'000'000), "1M");
  for (const std::uint64_t n : {1u, 1'000u, 1'024u, 65'535u, 65'536u, 4'294'967'295u}) {
    EXPECT_EQ(*parse_count(format_count(n)), n);
  }
}

TEST(Rate, NeedNotBeWhole) {
  EXPECT_DOUBLE_EQ(*config::parse_rate("100k"), 100'000);
  EXPECT_DOUBLE_EQ(*config::parse_rate("0.5"), 0.5);
  EXPECT_DOUBLE_EQ(*config::parse_rate("1.2345M"), 1'234'500);
  for (const char* text : {"inf", "nan", "-1", "1e5", "", "k"}) {
    EXPECT_FALSE(config::parse_rate(text)) << text;
  }
}

TEST(Probability, IsAPercentageOrAFraction) {
  EXPECT_DOUBLE_EQ(*parse_probability("1%"), 0.01);
  EXPECT_DOUBLE_EQ(*parse_probability("0.1%"), 0.001);
  EXPECT_DOUBLE_EQ(*parse_probability("0.01"), 0.01);
  EXPECT_DOUBLE_EQ(*parse_probability("100%"), 1);
  for (const char* text : {"101%", "1.1", "-1%", "%", "", "nan"}) {
    EXPECT_FALSE(parse_probability(text)) << text;
  }
}

TEST(Boolean, HasYamlsWords) {
  EXPECT_TRUE(*config::parse_boolean("true"));
  EXPECT_TRUE(*config::parse_boolean("on"));
  EXPECT_FALSE(*config::parse_boolean("no"));
  EXPECT_FALSE(config::parse_boolean("1"));
}

}  // namespace
}  // namespace mayfly::testing
