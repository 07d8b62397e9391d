// RFC 6528 3 and RFC 9293 MUST-8; F is flow/flow_secret.h's.
#include "tcp/isn.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

TEST(Isn, RisesByOneEveryFourMicrosecondsForAFlow) {
  const Instant t{40'000'000};
  const Seq first = tcp::initial_sequence(0xffff'fff0, t);
  EXPECT_EQ(first.raw, 9'999'984u);
  EXPECT_EQ(tcp::initial_sequence(0xffff'fff0, t + Duration::from_ms(1)) - first, 250);
  EXPECT_EQ(tcp::initial_sequence(0xffff'fff0, t + Duration{3}) - first, 0);
}

}  // namespace
}  // namespace mayfly::testing
