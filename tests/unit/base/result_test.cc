#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mayfly::testing {
namespace {

Result<std::string> greet(bool well) {
  if (!well) return Error{"nobody there"};
  return std::string("hello");
}

TEST(Result, HoldsAValue) {
  const Result<std::string> result = greet(true);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "hello");
  EXPECT_EQ(result->size(), 5U);
}

TEST(Result, HoldsAnError) {
  const Result<std::string> result = greet(false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "nobody there");
}

TEST(Result, GivesAwayAValueThatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  const std::unique_ptr<int> owned = *std::move(result);
  EXPECT_EQ(*owned, 5);
}

Result<void> knock(bool well) {
  if (!well) return Error{"no door", ErrorKind::usage};
  return {};
}

TEST(Result, OfNothingIsSuccessOrAnError) {
  EXPECT_TRUE(knock(true));
  const Result<void> result = knock(false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "no door");
}

TEST(Result, AnErrorIsAFailureUnlessItIsSaidToBeAMatterOfUsage) {
  EXPECT_EQ(greet(false).error().kind, ErrorKind::failed);
  EXPECT_EQ(knock(false).error().kind, ErrorKind::usage);
}

TEST(ResultDeathTest, AbortsWhenTheOtherOneIsAsked) {
  EXPECT_DEATH(static_cast<void>(*greet(false)), "a bug: expected value != nullptr");
  EXPECT_DEATH(static_cast<void>(greet(true).error()), "a bug: expected error != nullptr");
  EXPECT_DEATH(static_cast<void>(knock(true).error()), "a bug: expected error_.has_value()");
}

}  // namespace
}  // namespace mayfly::testing
