#include "load/part.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "load/plan.h"

namespace mayfly::testing {
namespace {

using load::ClientSettings;
using load::Share;

load::Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

Share part_of(const load::Environment& variables) {
  const auto part = load::parse_part("auto", variables);
  EXPECT_TRUE(part) << part.error().what;
  return part ? *part : Share{};
}

ClientSettings settings(Share part) {
  ClientSettings s;
  s.sources = {.first = {0xc6120101}, .last = {0xc6120164}};  // 100 addresses
  s.load.rate = 1'000;
  s.load.part = part;
  return s;
}

TEST(Part, IsNamedFromOneOn) {
  const auto part = load::parse_part("2/3", environment({}));
  ASSERT_TRUE(part);
  EXPECT_EQ(*part, (Share{1, 3}));
  for (const char* text : {"", "0/3", "4/3", "3", "1/", "/3", "1/0", "-1/3", "1/3 ", "1/2000"}) {
    const auto none = load::parse_part(text, environment({}));
    ASSERT_FALSE(none) << text;
    EXPECT_EQ(none.error().kind, ErrorKind::usage);
    EXPECT_NE(none.error().what.find("expected 1/N to N/N"), std::string::npos);
  }
}

TEST(Part, IsWhatTheLauncherSays) {
  EXPECT_EQ(part_of(environment({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}})),
            (Share{2, 4}));
  EXPECT_EQ(part_of(environment({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}})), (Share{0, 2}));
  EXPECT_EQ(part_of(environment({{"SLURM_PROCID", "7"}, {"SLURM_NTASKS", "8"}})), (Share{7, 8}));
  EXPECT_EQ(part_of(environment({{"SLURM_ARRAY_TASK_ID", "5"},
                                 {"SLURM_ARRAY_TASK_MIN", "4"},
                                 {"SLURM_ARRAY_TASK_COUNT", "3"}})),
            (Share{1, 3}));
  EXPECT_EQ(part_of(environment({{"JOB_COMPLETION_INDEX", "1"}, {"MAYFLY_PARTS", "3"}})),
            (Share{1, 3}));
  EXPECT_EQ(part_of(environment({{"PARALLEL_SEQ", "1"}, {"MAYFLY_PARTS", "3"}})), (Share{0, 3}));
}

TEST(Part, SaysWhatALauncherLeftOut) {
  const auto size = load::parse_part("auto", environment({{"JOB_COMPLETION_INDEX", "1"}}));
  ASSERT_FALSE(size);
  EXPECT_NE(size.error().what.find("MAYFLY_PARTS is not set"), std::string::npos);
  const auto none = load::parse_part("auto", environment({}));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("By hand: --part 1/3"), std::string::npos);
  EXPECT_FALSE(
      load::parse_part("auto", environment({{"SLURM_PROCID", "8"}, {"SLURM_NTASKS", "8"}})));
}

TEST(Part, SourcesOfAllPartsAreThoseOfThePlan) {
  for (const std::uint32_t parts : {1U, 3U, 7U, 100U}) {
    std::uint32_t next = 0xc6120101;
    for (std::uint32_t i = 0; i < parts; ++i) {
      const load::SourceSettings own = own_sources(settings({i, parts}));
      EXPECT_EQ(own.first.host, next);
      EXPECT_GE(own.last, own.first);
      next = own.last.host + 1;
    }
    EXPECT_EQ(next, 0xc6120165U) << parts;
  }
}

TEST(Part, PortsAreCutWhereThereAreFewerAddressesThanParts) {
  std::set<std::uint32_t> ports;
  for (std::uint32_t i = 0; i < 3; ++i) {
    ClientSettings s = settings({i, 3});
    s.sources = {
        .first = {0xc6120101}, .last = {0xc6120102}, .port_first = 1'024, .port_last = 65'535};
    const load::SourceSettings own = own_sources(s);
    EXPECT_EQ(own.last.host, 0xc6120102U);
    for (std::uint32_t port = own.port_first; port <= own.port_last; ++port)
      EXPECT_TRUE(ports.insert(port).second) << port;
    EXPECT_NE(part_in_words(s).find("the parts must not share a link"), std::string::npos);
  }
  EXPECT_EQ(ports.size(), 64'512U);
}

TEST(Part, NeedsSomethingForEachPart) {
  ClientSettings s = settings({0, 5});
  EXPECT_TRUE(check_part(s));
  s.load.connections = 4;
  EXPECT_FALSE(check_part(s));
  s.load.connections = 0;
  s.load.concurrency = 4;
  EXPECT_FALSE(check_part(s));
  s.load.concurrency = 0;
  s.sources = {.first = {1}, .last = {2}, .port_first = 1'024, .port_last = 1'026};
  ASSERT_FALSE(check_part(s));
  EXPECT_NE(check_part(s).error().what.find("6 sources"), std::string::npos);
}

TEST(StartTime, IsADateSecondsOrFromNowOn) {
  const auto at = [](std::string_view text) {
    const auto time = load::parse_start_time(text, 100_s);
    EXPECT_TRUE(time) << text;
    return time ? *time : Duration{};
  };
  EXPECT_EQ(at("2026-11-29T18:00:00Z"), Duration::from_s(1'795'975'200));
  EXPECT_EQ(at("2026-11-29T18:00:00.25Z"), Duration::from_s(1'795'975'200) + 250_ms);
  EXPECT_EQ(at("@1795975200.5"), Duration::from_s(1'795'975'200) + 500_ms);
  EXPECT_EQ(at("+2.5s"), 102_s + 500_ms);
  EXPECT_EQ(at("+2"), 102_s);
  for (const char* text :
       {"", "18:00", "2026-11-29T18:00:00", "2026-13-29T18:00:00Z", "@", "@x", "@-1", "+", "+1m",
        "@1e400", "@nan", "2026-11-29T18:00:00.Z", "2026-11-29T18:00:0025Z"})
    EXPECT_FALSE(load::parse_start_time(text, 100_s)) << text;
}

}  // namespace
}  // namespace mayfly::testing
