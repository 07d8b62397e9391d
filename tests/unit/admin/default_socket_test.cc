// Servers and their callers meet in a default folder.
#include "admin/default_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "admin/endpoints.h"

namespace mayfly::testing {
namespace {

namespace fs = std::filesystem;
using admin::default_socket, admin::socket_meant;
using ::testing::HasSubstr;

class DefaultSocketTest : public ::testing::Test {
 protected:
  DefaultSocketTest() {
    fs::remove_all(folder_);
    setenv("RUNTIME_DIRECTORY", (folder_.string() + ":/elsewhere").c_str(), 1);
  }
  ~DefaultSocketTest() override {
    unsetenv("RUNTIME_DIRECTORY");
    fs::remove_all(folder_);
  }
  /// As a process does that ends with the returned descriptor.
  Fd listen(const std::string& path) {
    auto listener = admin::listen_at_socket(path);
    EXPECT_TRUE(listener) << listener.error().what;
    return std::move(*listener);
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("mayfly-default-" + std::to_string(getpid()));
};

TEST_F(DefaultSocketTest, IsInTheFolderOfTheSystemUnderTheNameOfTheCommand) {
  EXPECT_EQ(*default_socket("serve"), (folder_ / "serve.sock").string());
}

TEST_F(DefaultSocketTest, OfASecondProcessHasItsNumber) {
  const Fd first = listen(*default_socket("serve"));
  const std::string second = *default_socket("serve");
  EXPECT_EQ(second, (folder_ / ("serve-" + std::to_string(getpid()) + ".sock")).string());
}

TEST_F(DefaultSocketTest, IsTakenOverFromAProcessThatWasKilled) {
  { const Fd killed = listen(*default_socket("serve")); }
  EXPECT_TRUE(fs::exists(folder_ / "serve.sock"));
  EXPECT_EQ(*default_socket("serve"), (folder_ / "serve.sock").string());
}

TEST_F(DefaultSocketTest, IsFoundByNameOrIfItIsTheOnlyOne) {
  const Fd serve = listen(*default_socket("serve"));
  EXPECT_EQ(*socket_meant("serve"), (folder_ / "serve.sock").string());
  EXPECT_EQ(*socket_meant("/some/path"), "/some/path");
  EXPECT_EQ(*socket_meant("file"), "file") << "in the present folder";
  const Fd load = listen(*default_socket("load"));
  const auto several = socket_meant("");
  ASSERT_FALSE(several);
  EXPECT_THAT(several.error().what, HasSubstr((folder_ / "load.sock").string()));
}

}  // namespace
}  // namespace mayfly::testing
