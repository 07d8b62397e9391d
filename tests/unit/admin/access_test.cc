#include "admin/access.h"

#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using admin::AccessRules, admin::Caller, admin::why_refused;

/// 0 = answered.
int status(const AccessRules& rules, const Caller& caller) {
  const auto refusal = why_refused(rules, caller);
  return refusal ? refusal->status : 0;
}

struct Case {
  const char *host, *origin, *fetch_site;
  int status;
};

TEST(Access, WithoutATokenOnlyThisMachineAndItsOwnPageMayAsk) {
  constexpr Case kCases[] = {
      {"127.0.0.1:9000", "", "", 0},
      {"localhost:9000", "", "none", 0},
      {"[::1]:9000", "http://[::1]:9000", "same-origin", 0},
      {"127.0.0.1", "http://127.0.0.1", "same-origin", 0},
      {"127.0.0.1:9000", "http://127.0.0.1:9001", "same-site", 403},
      {"127.0.0.1:9000", "http://evil.example", "cross-site", 403},
      {"127.0.0.1:9000", "http://evil.example", "", 403},
      {"127.0.0.1:9000", "null", "", 403},
      {"127.0.0.1:9000", "", "cross-site", 403},
      {"evil.example:9000", "http://evil.example:9000", "same-origin", 403},  // DNS rebinding
      {"127.0.0.1.evil.example", "", "", 403},
      {"", "", "", 403},
  };
  for (const Case& one : kCases) {
    Caller caller{.host = one.host, .origin = one.origin, .fetch_site = one.fetch_site};
    EXPECT_EQ(status({}, caller), one.status) << one.host << " " << one.origin;
  }
}

TEST(Access, ATokenIsAskedForWhateverTheHost) {
  const AccessRules rules{.token = "0123456789abcdef"};
  EXPECT_EQ(status(rules, {.host = "127.0.0.1"}), 401);
  EXPECT_EQ(status(rules, {.authorization = "Bearer 0123456789abcdef"}), 0);
  for (const char* wrong : {"Bearer ", "Bearer 0123456789abcdeg", "Bearer 0123456789abcde",
                            "Bearer 0123456789abcdef0", "0123456789abcdef", "Basic x", ""})
    EXPECT_EQ(status(rules, {.authorization = wrong}), 401) << wrong;
}

TEST(Access, TheSocketAndTheFilesOfThePageAreForAll) {
  const AccessRules rules{.token = "0123456789abcdef"};
  EXPECT_EQ(status(rules, {.is_on_socket = true}), 0);
  EXPECT_EQ(status(rules, {.is_public = true}), 0);
}

TEST(Access, NoSecretIsLikeNothing) {
  EXPECT_FALSE(admin::is_same_secret("", ""));
  EXPECT_FALSE(admin::is_same_secret("a", ""));
  EXPECT_FALSE(admin::is_same_secret("", "a"));
  EXPECT_FALSE(admin::is_same_secret("aa", "a"));
  EXPECT_TRUE(admin::is_same_secret("a", "a"));
}

}  // namespace
}  // namespace mayfly::testing
