#include "run/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace mayfly::testing {
namespace {

using run::MemoryPlan;

using ::testing::HasSubstr;

shard::EndSettings end_with(std::size_t cores) {
  shard::EndSettings end;
  end.cores.resize(cores);
  std::iota(end.cores.begin(), end.cores.end(), 0u);
  return end;
}

nic::ProcessSettings process() {
  nic::ProcessSettings process;
  process.ports.resize(1);
  process.ports[0].device = "net_null0,copy=1";
  return process;
}

MemoryPlan plan_for(std::size_t cores, const std::string& role, std::size_t extra_bytes) {
  return run::plan_memory(end_with(cores), process(), role, extra_bytes);
}

TEST(MemoryPlan, IsTheSumOfItsLines) {
  const MemoryPlan plan = plan_for(1, "server", 1'000);
  std::size_t sum = 0;
  for (const MemoryPlan::Line& line : plan.lines) {
    EXPECT_GT(line.bytes, 0u) << line.what;
    EXPECT_THAT(line.what, HasSubstr("server "));
    sum += line.bytes;
  }
  EXPECT_EQ(plan.bytes, sum);
}

TEST(MemoryPlan, TakesTheStackAndTheAppOnceForEachCore) {
  const auto of_stack = [](std::size_t cores) {
    const MemoryPlan plan = plan_for(cores, "server", 1'000);
    return plan.bytes - plan.lines.back().bytes;  // the last: packet buffers of the device
  };
  EXPECT_EQ(of_stack(3), 3 * of_stack(1));
}

TEST(MemoryPlan, TakesFlowTablesAndPacketBuffersFromTheEal) {
  const MemoryPlan plan = plan_for(2, "server", 0);
  const MemoryPlan::Line& buffers = plan.lines.back();
  EXPECT_EQ(buffers.what, "server packet buffers");
  EXPECT_EQ(buffers.sum, "net_null0");
  EXPECT_GT(plan.eal_bytes, buffers.bytes);
  EXPECT_LT(plan.eal_bytes, plan.bytes);
}

TEST(MemoryPlan, HasALineForAnAppThatTakesSomething) {
  EXPECT_EQ(plan_for(2, "client", 512).lines.size(), plan_for(2, "client", 0).lines.size() + 1);
}

TEST(MemoryTable, HasALineForEachPartOfEachPlanAndTheSum) {
  const std::array plans{
      MemoryPlan{.lines = {{"server connections", "2 x 3 x 4 B", 1 << 20}}, .bytes = 1 << 20},
      MemoryPlan{.lines = {{"client app", "1 x 5 B", 3 << 19}}, .bytes = 3 << 19}};
  EXPECT_EQ(memory_table(plans),
            "memory\n"
            "  server connections                          2 x 3 x 4 B      1.0 MiB\n"
            "  client app                                      1 x 5 B      1.5 MiB\n"
            "  all                                                          2.5 MiB");
}

TEST(MemoryCheck, AllowsWhatIsFreeAndRefusesOneByteMore) {
  const std::array plans{MemoryPlan{.bytes = 600}, MemoryPlan{.bytes = 400}};
  EXPECT_TRUE(check_memory(plans, {.ordinary = 1'000}));
  EXPECT_TRUE(check_memory(plans, {.ordinary = 300, .huge = 700}));
  const auto refused = check_memory(plans, {.ordinary = 999});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::usage);
  EXPECT_THAT(refused.error().what, HasSubstr("lower connections.capacity"));
}

TEST(FreeMemory, IsSomethingOnAMachineThatRunsTests) { EXPECT_GT(run::free_memory().all(), 0u); }

}  // namespace
}  // namespace mayfly::testing
