// What is found before a start.
#include "run/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mayfly::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class AnOutput : public ::testing::Test {
 protected:
  AnOutput() { fs::create_directory(folder_); }
  ~AnOutput() override { fs::remove_all(folder_); }
  const std::string folder_ = "/tmp/mayfly-output-" + std::to_string(getpid());
};

TEST_F(AnOutput, ThatCanBeWrittenIsNeitherMadeNorChanged) {
  EXPECT_TRUE(run::check_output(""));
  EXPECT_TRUE(run::check_output("-"));
  EXPECT_TRUE(run::check_output(folder_ + "/new.json"));
  EXPECT_FALSE(fs::exists(folder_ + "/new.json"));
  std::ofstream(folder_ + "/old.json") << "text";
  EXPECT_TRUE(run::check_output(folder_ + "/old.json"));
  EXPECT_EQ(fs::file_size(folder_ + "/old.json"), 4u);
}

TEST_F(AnOutput, ThatCannotBeWrittenIsAnErrorOfUsage) {
  const auto in_no_folder = run::check_output(folder_ + "/none/a.json");
  ASSERT_FALSE(in_no_folder);
  EXPECT_EQ(in_no_folder.error().kind, ErrorKind::usage);
  EXPECT_THAT(in_no_folder.error().what, HasSubstr("No such file or directory"));
  EXPECT_FALSE(run::check_output(folder_)) << "a folder is no file";
}

TEST_F(AnOutput, FolderCanBeMadeBelowOneThatIsThereOnly) {
  EXPECT_TRUE(run::check_output_folder(""));
  EXPECT_TRUE(run::check_output_folder(folder_));
  EXPECT_TRUE(run::check_output_folder(folder_ + "/a/b"));
  EXPECT_FALSE(fs::exists(folder_ + "/a"));
  std::ofstream(folder_ + "/file") << "text";
  EXPECT_THAT(run::check_output_folder(folder_ + "/file").error().what, HasSubstr("is no folder"));
  EXPECT_THAT(run::check_output_folder(folder_ + "/file/below").error().what,
              HasSubstr("takes no folder"));
}

TEST_F(AnOutput, SocketMustHaveItsFolderAndBeNobodysElse) {
  const config::Machine machine = run::this_machine();
  EXPECT_EQ(machine.why_no_socket(folder_ + "/control"), std::nullopt);
  EXPECT_TRUE(machine.why_no_socket(folder_ + "/none/control"));
  std::ofstream(folder_ + "/file") << "text";
  EXPECT_TRUE(machine.why_no_socket(folder_ + "/file"));
  EXPECT_TRUE(machine.why_no_socket(folder_ + "/" + std::string(120, 'x')));
}

}  // namespace
}  // namespace mayfly::testing
