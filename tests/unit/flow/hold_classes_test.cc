#include "flow/hold_classes.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace mayfly::testing {
namespace {

using flow::HoldClasses;
using flow::NearPrefix;
using flow::TimeWaitLog;
using flow::TimeWaitPolicy;

NearPrefix near(std::uint32_t network, std::uint8_t length, Duration hold) {
  return {Prefix::of({network}, length), hold};
}

class HoldClassesTest : public ::testing::Test {
 protected:
  HoldClassesTest() {
    auto memory = flow::TimeWaitLogMemory::create(100, HugePages::never);
    log_ = std::make_unique<TimeWaitLog>(std::move(*memory), flow::FlowSecret{}, Instant{});
  }
  static FlowKey4 from(std::uint32_t host) {
    return FlowKey4::of({0xc612'0001}, 80, {host}, 1'024);
  }
  void follow(std::vector<NearPrefix> nearness, Duration hold = 60_s) {
    TimeWaitPolicy policy;
    policy.nearness = std::move(nearness);
    classes_.follow(policy, *log_);
    classes_.apply(hold, *log_);
  }
  Duration hold_for(std::uint32_t host) const { return log_->hold_of(classes_.of(from(host))); }

  std::unique_ptr<TimeWaitLog> log_;
  HoldClasses classes_;
};

constexpr std::uint32_t kNearHost = 0x0a00'0001, kFarHost = 0xc0a8'0001;

TEST_F(HoldClassesTest, GiveTheFirstPrefixThatCovers) {
  follow({near(0x0a00'0000, 24, 2_s), near(0x0a00'0000, 8, 10_s)});
  EXPECT_EQ(hold_for(kNearHost), 2_s);
  EXPECT_EQ(hold_for(0x0a01'0001), 10_s);
  EXPECT_EQ(hold_for(kFarHost), 60_s);
}

TEST_F(HoldClassesTest, HoldNobodyLongerThanThePolicy) {
  follow({near(0x0a00'0000, 8, 10_s)}, 5_s);
  EXPECT_EQ(hold_for(kNearHost), 5_s);
  classes_.apply(30_s, *log_);
  EXPECT_EQ(hold_for(kNearHost), 10_s);
}

TEST_F(HoldClassesTest, KeepThePrefixesThatStayAndTheHoldOfThoseThatGo) {
  follow({near(0x0a00'0000, 8, 10_s)});
  const std::uint32_t old = classes_.of(from(kNearHost));
  log_->insert(from(kNearHost), 1, {}, old, Instant{});
  follow({near(0xc0a8'0000, 16, 3_s), near(0x0a00'0000, 8, 7_s)});
  EXPECT_EQ(classes_.of(from(kNearHost)), old) << "a new hold of the same prefix";
  EXPECT_EQ(log_->hold_of(old), 7_s);
  EXPECT_EQ(hold_for(kFarHost), 3_s);
  follow({near(0xc0a8'0000, 16, 1_s)});
  EXPECT_EQ(log_->hold_of(old), 7_s) << "its entry is held as it was";
  EXPECT_EQ(hold_for(kNearHost), 60_s);
}

TEST_F(HoldClassesTest, HaveAFingerprintThatTellsPrefixesOfBothFamiliesApart) {
  const auto prefix6 = [](std::uint32_t low, std::uint8_t length) {
    const Ipv6Address address = Ipv6Address::of({0x2001, 0xdb8}).with_low(low);
    return NearPrefix{{address, length}, 1_s};
  };
  std::set<std::uint64_t> fingerprints{classes_.fingerprint()};
  for (const NearPrefix& prefix : {near(0x0a00'0000, 8, 1_s), near(0x0a00'0000, 9, 1_s),
                                   prefix6(0, 9), prefix6(0, 112), prefix6(1, 112)}) {
    HoldClasses classes;
    TimeWaitPolicy policy;
    policy.nearness = {prefix};
    classes.follow(policy, *log_);
    EXPECT_TRUE(fingerprints.insert(classes.fingerprint()).second);
  }
}

TEST_F(HoldClassesTest, AreUsedAgainOnceTheirEntriesHaveEnded) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    follow({near(i << 24, 8, 1_s)});
    EXPECT_EQ(hold_for(i << 24 | 1), 1_s) << i;
  }
}

TEST_F(HoldClassesTest, RoundHoldsByTheTimeOutUpToADoubling) {
  follow({near(0x0a00'0000, 8, 1_s)});
  const auto held = [&](std::uint32_t host, Duration rto) {
    const auto us = static_cast<std::uint32_t>(rto.us);
    return log_->hold_of(classes_.of_recycled(classes_.of(from(host)), us, *log_));
  };
  EXPECT_EQ(held(kFarHost, 200_ms), 700_ms) << "3.5 x RTO";
  EXPECT_EQ(held(kFarHost, 201_ms), 1'400_ms);
  EXPECT_EQ(held(kFarHost, 60_s), 60_s) << "the policy's is shorter";
  EXPECT_EQ(held(kNearHost, 201_ms), 1_s) << "that of the prefix is shorter";
  EXPECT_EQ(held(kFarHost, 1_ms), 88_ms);
}

}  // namespace
}  // namespace mayfly::testing
