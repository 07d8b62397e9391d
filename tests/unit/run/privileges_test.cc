// A thread without capabilities.
#include "run/privileges.h"

#include <gtest/gtest.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <thread>

namespace mayfly::testing {
namespace {

/// What the calling thread may still do, in libcap's words.
std::string capabilities() {
  const cap_t mine = cap_get_proc();
  char* const words = cap_to_text(mine, nullptr);
  const std::string text = words;
  cap_free(words);
  cap_free(mine);
  return text;
}

TEST(Privileges, AreGivenUpByTheThreadAndThoseThatItMakesAlone) {
  const std::string before = capabilities();
  std::string mine, child;
  std::thread thread([&] {
    run::give_up_capabilities();
    mine = capabilities();
    std::thread([&] { child = capabilities(); }).join();
    EXPECT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
  });
  thread.join();
  EXPECT_EQ(mine, "=");
  EXPECT_EQ(child, "=");
  EXPECT_EQ(capabilities(), before);
}

}  // namespace
}  // namespace mayfly::testing
