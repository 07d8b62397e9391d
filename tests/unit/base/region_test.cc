#include "base/region.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace mayfly::testing {
namespace {

TEST(Region, IsZeroedAndWritableToItsEnd) {
  for (const HugePages want : {HugePages::auto_, HugePages::never}) {
    auto region = Region::map(3'000'000, want);
    ASSERT_TRUE(region) << region.error().what;
    EXPECT_GE(region->size(), 3'000'000U);
    const std::span<std::uint64_t> words = region->as<std::uint64_t>();
    EXPECT_EQ(words.size(), region->size() / sizeof(std::uint64_t));
    EXPECT_EQ(std::ranges::count(words, 0U), static_cast<std::ptrdiff_t>(words.size()));
    words.back() = 1;
    EXPECT_EQ(region->as<std::uint64_t>().back(), 1U);
  }
}

TEST(Region, IsOfNormalPagesWhereHugeOnesAreNotWanted) {
  const auto region = Region::map(10'000, HugePages::never);
  ASSERT_TRUE(region);
  EXPECT_EQ(region->pages(), Region::Pages::normal);
  EXPECT_EQ(region->size(), 12'288U);
}

TEST(Region, OfWholeHugePagesWhenItSaysSo) {
  const auto region = Region::map(1, HugePages::auto_);
  ASSERT_TRUE(region);
  EXPECT_EQ(region->size(), region->pages() == Region::Pages::huge ? 2U << 20 : 4'096U);
}

TEST(Region, FailsWithTheReasonWhenThereIsNotThatMuch) {
  for (const std::size_t bytes : {std::size_t{1} << 46, ~std::size_t{0}}) {
    const auto region = Region::map(bytes, HugePages::auto_);
    ASSERT_FALSE(region);
    EXPECT_EQ(region.error().what,
              "cannot map " + std::to_string(bytes) + " bytes: Cannot allocate memory");
  }
}

TEST(Region, OfNoBytesIsEmpty) {
  const auto region = Region::map(0, HugePages::auto_);
  ASSERT_TRUE(region);
  EXPECT_TRUE(region->as<int>().empty());
}

TEST(Region, KeepsItsMemoryWhenMoved) {
  auto first = Region::map(4'096, HugePages::never);
  ASSERT_TRUE(first);
  first->as<int>()[0] = 42;
  Region moved = std::move(*first);
  EXPECT_TRUE(first->as<int>().empty());
  EXPECT_EQ(moved.as<int>()[0], 42);
  Region assigned;
  assigned = std::move(moved);
  EXPECT_EQ(assigned.as<int>()[0], 42);
}

TEST(Region, NamesItsPages) {
  EXPECT_EQ(name_of(Region::Pages::huge), "huge");
  EXPECT_EQ(name_of(Region::Pages::transparent), "transparent");
  EXPECT_EQ(name_of(Region::Pages::normal), "normal");
}

}  // namespace
}  // namespace mayfly::testing
