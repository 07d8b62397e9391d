// Networks whose peers have a hold of their own.
#include <gmock/gmock.h>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Nearness : public ConfigTest {};

TEST_F(Nearness, NearNetworksAreWholeOnes) {
  EXPECT_THAT(messages(serve(kServe, {"time_wait.nearness=[{prefix: 198.18.0.1/15, hold: 2s}]"})),
              ElementsAre(HasSubstr("time_wait.nearness.0.prefix: \"198.18.0.1/15\" has bits set "
                                    "beyond its prefix; did you mean 198.18.0.0/15?")));
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.nearness=[{prefix: 10.0.0.0/8}]"})),
              ElementsAre("time_wait.nearness.0.hold: is missing"));
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.nearness=[{prefix: 10.0.0.0/8, hold: 11min}]"})),
              ElementsAre("time_wait.nearness.0.hold: \"11min\" is out of range"));
}

TEST_F(Nearness, NearNetworksMayBeOfIpv6) {
  const auto loaded = serve(kServe, {"time_wait.nearness=[{prefix: 2001:db8::/32, hold: 2s}, "
                                     "{prefix: 0.0.0.0/0, hold: 1s}, {prefix: ::/0, hold: 3s}]"});
  ASSERT_THAT(messages(loaded), IsEmpty());
  const auto& nearness = loaded.settings->shard.time_wait.nearness;
  ASSERT_EQ(nearness.size(), 3u);
  EXPECT_EQ(nearness[0].prefix, (Prefix{Ipv6Address::of({0x2001, 0xdb8}), 32}));
  EXPECT_EQ(nearness[2].prefix, (Prefix{{}, 0}));
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.nearness=[{prefix: 2001:db8::/32, hold: 1s}, "
                                        "{prefix: 2001:db8:1::/48, hold: 2s}]"})),
              ElementsAre("time_wait.nearness.1.prefix: is never reached: all of it is in "
                          "2001:db8::/32"));
}

TEST_F(Nearness, ANearNetworkWithinAnEarlierOneIsNeverReached) {
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.nearness=[{prefix: 10.0.0.0/8, hold: 1s}, "
                                        "{prefix: 10.1.0.0/16, hold: 2s}]"})),
              ElementsAre("time_wait.nearness.1.prefix: is never reached: all of it is in "
                          "10.0.0.0/8"));
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.nearness=[{prefix: 10.1.0.0/16, hold: 1s}, "
                                        "{prefix: 10.0.0.0/8, hold: 2s}]"})),
              IsEmpty());
}

TEST_F(Nearness, NearNetworksAreAtMostEight) {
  std::string list;
  for (int i = 1; i <= 9; ++i) list += "{prefix: " + std::to_string(i) + ".0.0.0/8, hold: 1s}, ";
  EXPECT_THAT(complaints(serve(kServe, {"time_wait.nearness=[" + list + "]"})),
              ElementsAre("time_wait.nearness: has more than 8 elements"));
}

}  // namespace
}  // namespace mayfly::testing
