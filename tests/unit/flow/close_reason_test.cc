// The names of the ways in which a connection ends.
#include "flow/close_reason.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace mayfly::testing {
namespace {

TEST(CloseReasonTest, HasANameForEach) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < flow::kCloseReasonCount; ++i)
    names.insert(name_of(static_cast<flow::CloseReason>(i)));
  EXPECT_EQ(names.size(), flow::kCloseReasonCount);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(name_of(static_cast<flow::CloseReason>(flow::kCloseReasonCount)), "unknown");
}

}  // namespace
}  // namespace mayfly::testing
