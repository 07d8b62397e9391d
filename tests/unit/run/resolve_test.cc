#include "run/resolve.h"

#include <gmock/gmock.h>

namespace mayfly::testing {
namespace {

using ::testing::HasSubstr;

TEST(ResolveName, TakesAnAddressAsItIs) {
  const auto address = run::resolve_name("198.18.0.1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->four, Ipv4Address{0xc6120001});
  EXPECT_EQ(address->six, std::nullopt);
}

TEST(ResolveName, SaysThatNobodyKnowsAName) {
  const auto address = run::resolve_name("no-such-host.invalid");  // RFC 6761 6.4
  ASSERT_FALSE(address);
  EXPECT_THAT(address.error().what, HasSubstr("no address is known for no-such-host.invalid"));
}

TEST(ResolveName, SaysThatNoDeviceReachesThisMachineItself) {
  const auto address = run::resolve_name("localhost");
  ASSERT_FALSE(address);
  EXPECT_THAT(address.error().what, HasSubstr("not reached through a network device"));
}

TEST(ResolveName, TakesAnAddressOfEitherFamily) {
  const auto address = run::resolve_name("2001:db8::1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->four, std::nullopt);
  EXPECT_EQ(address->six, Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}));
}

}  // namespace
}  // namespace mayfly::testing
