// The list of drop reasons: names, whose loss each is, and what it counts in words.
#include "wire/drop.h"

#include <gtest/gtest.h>

#include <set>

namespace mayfly::testing {
namespace {

using wire::kDropCount;

TEST(Drop, HasANameAndAHelpTextForEachReason) {
  std::set<std::string_view> names, helps;
  for (std::size_t i = 0; i < kDropCount; ++i) {
    names.insert(name_of(static_cast<Drop>(i)));
    helps.insert(help_of(static_cast<Drop>(i)));
  }
  EXPECT_EQ(names.size(), kDropCount);
  EXPECT_EQ(helps.size(), kDropCount);
  EXPECT_FALSE(helps.contains(""));
}

TEST(Drop, IsNobodysLossOnlyIfNothingWasDropped) {
  EXPECT_EQ(loss_of(Drop::none), wire::LossOf::nobody);
  for (std::size_t i = 1; i < kDropCount; ++i)
    EXPECT_NE(loss_of(static_cast<Drop>(i)), wire::LossOf::nobody) << name_of(static_cast<Drop>(i));
}

TEST(Drop, ConcernsAReceivedFrameUnlessItIsOursOrNeverCameAsFar) {
  std::set<Drop> others;
  for (std::size_t i = 0; i < kDropCount; ++i)
    if (!concerns_received(static_cast<Drop>(i))) others.insert(static_cast<Drop>(i));
  EXPECT_EQ(others,
            (std::set<Drop>{Drop::none, Drop::fragment_table_full, Drop::fragment_timeout,
                            Drop::icmp_rate_limited, Drop::neighbour_wait_full,
                            Drop::neighbour_table_full, Drop::neighbour_unreachable, Drop::no_route,
                            Drop::no_buffer, Drop::transmit_full, Drop::link_stalled,
                            Drop::ring_full, Drop::exception_limited, Drop::exception_refused,
                            Drop::device_refused, Drop::device_missed, Drop::fault_injected}));
}

TEST(Drop, NamesWhoseLossItIs) {
  EXPECT_EQ(name_of(loss_of(Drop::tcp_checksum)), "received");
  EXPECT_EQ(name_of(loss_of(Drop::no_route)), "own");
  EXPECT_EQ(name_of(loss_of(Drop::ring_full)), "below");
}

}  // namespace
}  // namespace mayfly::testing
