#include "run/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mayfly::testing {
namespace {

namespace fs = std::filesystem;

class SecretFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("mayfly-secrets-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "secret";
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& text) const {
    std::ofstream(path_) << text;
    chmod(path_.c_str(), S_IRUSR | S_IWUSR);
  }
  std::string refusal() const {
    const auto read = run::read_secret_file(path_);
    EXPECT_FALSE(read);
    if (read) return "";
    EXPECT_EQ(read.error().kind, ErrorKind::usage);
    return read.error().what;
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(SecretFile, IsReadAsItWasMadeAndForItsOwnerAlone) {
  ASSERT_TRUE(run::make_secret_file(path_, false));
  struct stat made {};
  ASSERT_EQ(stat(path_.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777, 0600U);
  const auto first = run::read_secret_file(path_), again = run::read_secret_file(path_);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->now, again->now);
  EXPECT_NE(first->now, tcp::Secret{});
  EXPECT_FALSE(first->former);
  EXPECT_TRUE(first->are_shared);
}

TEST_F(SecretFile, IsNotReplacedButRotated) {
  ASSERT_TRUE(run::make_secret_file(path_, true)) << "there was none to rotate";
  const auto first = run::read_secret_file(path_);
  EXPECT_FALSE(run::make_secret_file(path_, false));
  EXPECT_EQ(run::read_secret_file(path_)->now, first->now);
  ASSERT_TRUE(run::make_secret_file(path_, true));
  const auto second = run::read_secret_file(path_);
  ASSERT_TRUE(second);
  EXPECT_NE(second->now, first->now);
  EXPECT_EQ(second->former, first->now);
}

TEST_F(SecretFile, ThatIsMissingOpenOrNoneIsRefusedWithTheRemedy) {
  EXPECT_NE(refusal().find("mayfly secret"), std::string::npos);
  const std::string line(32, 'a');
  for (const std::string& text :
       {std::string("aaaa\n"), line + "g\n", line + "\n" + line + "\n" + line + "\n"}) {
    write(text);
    EXPECT_NE(refusal().find("32 hexadecimal digits"), std::string::npos) << text;
  }
  write("# nothing\n");
  EXPECT_NE(refusal().find("has no secret in it"), std::string::npos);
  write(line + "\n");
  EXPECT_TRUE(run::read_secret_file(path_));
  chmod(path_.c_str(), 0640);
  EXPECT_NE(refusal().find("chmod 600"), std::string::npos);
}

}  // namespace
}  // namespace mayfly::testing
