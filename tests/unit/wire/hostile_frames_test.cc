// Frames cut short, bent and made up: nothing is read outside of them (an address-sanitizer build
// watches) and what the parser says about them holds.
#include <gtest/gtest.h>

#include "support/frame_promises.h"
#include "unit/wire/frames.h"
#include "wire/print.h"

namespace mayfly::testing {
namespace {

/// Parses an exact-size copy, uses all that the result points to, and checks the result's promises.
wire::FrameKind survives(const Frame& frame, wire::RxChecks checks) {
  const Frame copy(frame.begin(), frame.end());
  const wire::ParsedFrame parsed = parse(copy, kOurRules, checks);
  expect_promises(copy, parsed);
  return parsed.kind;
}

Frame mutated(Frame frame, std::mt19937_64& random) {
  for (auto edits = 1 + random() % 4; edits != 0; --edits) {
    frame[random() % frame.size()] = std::byte(random());
  }
  if (random() % 4 == 0) frame.resize(random() % (frame.size() + 8));
  return frame;
}

TEST(HostileFrames, TheSamplesAreValid) {
  for (const Frame& frame : valid_frames()) EXPECT_EQ(drop_of(frame), Drop::none);
}

TEST(HostileFrames, EveryPrefixOfAValidFrameIsDropped) {
  for (const Frame& frame : valid_frames()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const Frame prefix(frame.begin(), frame.begin() + size);
      EXPECT_EQ(survives(prefix, {}), wire::FrameKind::drop)
          << size << " of " << wire::print_frame(frame);
      EXPECT_EQ(survives(prefix, kAllGood), wire::FrameKind::drop);
      wire::print_frame(prefix);
    }
  }
}

TEST(HostileFrames, NoFlippedBitOfADatagramGoesUnnoticed) {
  const Frame good = valid_frames()[2];
  for (std::size_t bit = 14 * 8; bit < good.size() * 8; ++bit) {
    Frame frame = good;
    frame[bit / 8] ^= std::byte(1 << bit % 8);
    EXPECT_NE(drop_of(frame), Drop::none) << "bit " << bit;
  }
}

TEST(HostileFrames, AnyMutationIsSurvived) {
  auto random = seeded_generator();
  const std::vector<Frame> samples = valid_frames();
  std::size_t accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    SCOPED_TRACE(round);
    const Frame frame = mutated(samples[random() % samples.size()], random);
    // Mostly as if a device had found the checksums good: otherwise few would get far.
    const wire::RxChecks checks = random() % 4 == 0 ? wire::RxChecks{} : kAllGood;
    if (survives(frame, checks) != wire::FrameKind::drop) ++accepted;
    wire::print_frame(frame);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(accepted, 10'000u);  // or the mutations would test the first checks only
}

TEST(HostileFrames, AnyOptionsAreSurvived) {
  auto random = seeded_generator();
  for (int round = 0; round < 20'000; ++round) {
    SCOPED_TRACE(round);
    Frame options(4 * (random() % 11));
    // Small values make valid kinds and lengths likely.
    for (auto& octet : options) octet = std::byte(random() % (random() % 2 == 0 ? 12 : 256));
    const std::uint8_t flags = random() % 2 == 0 ? wire::tcp_flag::syn : wire::tcp_flag::ack;
    const Frame frame = tcp_frame({.flags = flags, .options = options, .payload = text("tail")});
    survives(frame, {});
    wire::print_frame(frame);
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace mayfly::testing
