#include "run/state_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/fd.h"

namespace mayfly::testing {
namespace {

namespace fs = std::filesystem;
using run::StateFile;
using ::testing::HasSubstr;

constexpr Duration kNoon = Duration::from_s(1'750'000'000);  // a time of day, since 1970

class TheStateFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "mayfly-state-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = (folder_ / "state").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  StateFile opened(Duration wall = kNoon) const {
    auto file = StateFile::open(path_, wall);
    EXPECT_TRUE(file) << (file ? "" : file.error().what);
    return *std::move(file);
  }
  std::string why_not(Duration wall = kNoon) const {
    const auto file = StateFile::open(path_, wall);
    EXPECT_FALSE(file);
    return file ? "" : file.error().what;
  }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }
  void write(const std::string& what) const { std::ofstream(path_) << what; }

  fs::path folder_;
  std::string path_;
};

TEST_F(TheStateFile, KeepsTheSecretAndIsForItsOwnerAlone) {
  const tcp::Secret secret = opened().secret();
  EXPECT_EQ(opened().secret(), secret);
  struct stat file {};
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  fs::permissions(path_, fs::perms::owner_read | fs::perms::others_read);
  opened();
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u) << "as at the beginning";
}

TEST_F(TheStateFile, HasAnotherSecretInEveryNewFile) {
  const tcp::Secret secret = opened().secret();
  fs::remove(path_);
  EXPECT_NE(opened().secret(), secret);
}

TEST_F(TheStateFile, LetsEveryRunBeginAboveAllThatTheOneBeforeHadReserved) {
  const Instant first = opened().origin();
  EXPECT_GT(first, Instant{});
  EXPECT_GE(opened().origin(), first + StateFile::kReserve);
}

TEST_F(TheStateFile, IsAheadOfTheClockWhenTheProcessIsKilled) {
  StateFile file = opened();
  Instant now = file.origin();
  for (int i = 0; i < 600; ++i) {
    now = now + 100_ms;
    ASSERT_TRUE(file.keep(now, kNoon)) << "the wall clock stands still";
    EXPECT_GT(opened().origin(), now) << "what another start would begin with";
  }
}

TEST_F(TheStateFile, IsWrittenOnlyOnceHalfOfTheReserveIsUsed) {
  StateFile file = opened();
  const std::string before = text();
  EXPECT_TRUE(file.keep(file.origin() + StateFile::kReserve / 2 - 1_ms, kNoon));
  EXPECT_EQ(text(), before);
  EXPECT_TRUE(file.keep(file.origin() + StateFile::kReserve / 2, kNoon));
  EXPECT_NE(text(), before);
}

TEST_F(TheStateFile, CountsTheTimeBetweenTwoRuns) {
  const Instant first = opened(kNoon).origin();
  EXPECT_EQ(opened(kNoon + 60_s).origin(), first + 60_s);
}

TEST_F(TheStateFile, IsNotSteppedBackByTheWallClock) {
  const Instant first = opened(kNoon).origin();
  const Instant second = opened(kNoon - Duration::from_s(365 * 24 * 3600)).origin();
  EXPECT_GT(second, first);
  EXPECT_GT(opened(Duration{}).origin(), second) << "1970";
}

// 2^31 of the ISN's steps of 4 us are 2.4 h: what is further ahead looks older.
TEST_F(TheStateFile, IsNotCarriedAroundTheSequenceSpaceByTheWallClock) {
  const Instant first = opened(Duration{}).origin();
  const Instant second = opened(kNoon).origin();
  EXPECT_GT(second, first);
  EXPECT_LE(second - first, Duration::from_s(3'600));
}

TEST_F(TheStateFile, IsSharedByProcessesThatRunAtOnce) {
  StateFile a = opened();
  StateFile b = opened();
  EXPECT_EQ(a.secret(), b.secret());
  EXPECT_GE(b.origin(), a.origin() + StateFile::kReserve) << "it may take over a's four-tuples";
  // The later one is ahead. The other one's writing does not take that back.
  ASSERT_TRUE(b.keep(b.origin() + 100_s, kNoon + 100_s));
  ASSERT_TRUE(a.keep(a.origin() + 100_s, kNoon + 100_s));
  EXPECT_GT(opened(kNoon + 100_s).origin(), b.origin() + 100_s);
}

TEST_F(TheStateFile, OfOthersIsLeftAloneByAProcessThatHadTheOneBefore) {
  StateFile old = opened();
  fs::remove(path_);
  const tcp::Secret fresh = opened().secret();
  ASSERT_TRUE(old.keep(old.origin() + 60_s, kNoon));
  EXPECT_EQ(opened().secret(), fresh);
}

TEST_F(TheStateFile, IsMadeAgainIfItIsRemovedMeanwhile) {
  StateFile file = opened();
  fs::remove(path_);
  ASSERT_TRUE(file.keep(file.origin() + 6_s, kNoon));
  EXPECT_EQ(opened().secret(), file.secret());
}

TEST_F(TheStateFile, ThatIsDamagedIsRefusedInWords) {
  const std::string whole = (opened(), text());
  const std::string damaged[] = {
      "",
      "{",
      "hello",
      "[]",
      "{}",
      "null",
      whole.substr(0, whole.size() / 2),
      std::string(100'000, ' ') + whole,
      std::string("\0\xff\xfe", 3),
      R"({"format": 2, "secret": "00000000000000000000000000000000", "clock_us": 1, "wall_us": 1,
          "reserved_us": 1})",
      R"({"format": 1, "secret": "0000000000000000000000000000000g", "clock_us": 1, "wall_us": 1,
          "reserved_us": 1})",
      R"({"format": 1, "secret": 5, "clock_us": 1, "wall_us": 1, "reserved_us": 1})",
      R"({"format": 1, "secret": "00000000000000000000000000000000", "clock_us": -1, "wall_us": 1,
          "reserved_us": 1})",
      R"({"format": 1, "secret": "00000000000000000000000000000000", "clock_us": 1, "wall_us": 1,
          "reserved_us": 9223372036854775807})",
      R"({"format": 1, "secret": "00000000000000000000000000000000", "clock_us": 2, "wall_us": 1,
          "reserved_us": 1})"};
  for (const std::string& wrong : damaged) {
    write(wrong);
    EXPECT_THAT(why_not(), HasSubstr("is damaged: remove it")) << wrong.substr(0, 200);
    EXPECT_EQ(text(), wrong) << "nothing was written over it";
  }
}

TEST_F(TheStateFile, ThatIsDamagedIsReplacedWhereThatIsAsked) {
  write("{");
  std::string damage;
  const auto file = StateFile::open_or_replace(path_, kNoon, damage);
  ASSERT_TRUE(file);
  EXPECT_THAT(damage, HasSubstr("is damaged"));
  EXPECT_EQ(opened().secret(), file->secret());
}

TEST_F(TheStateFile, InAFolderThatIsNotThereIsRefusedInWords) {
  path_ = (folder_ / "none" / "state").string();
  EXPECT_THAT(why_not(), HasSubstr("No such file or directory"));
}

TEST_F(TheStateFile, ThatIsAFolderIsRefusedInWords) {
  fs::create_directory(path_);
  EXPECT_THAT(why_not(), HasSubstr("Is a directory"));
}

TEST_F(TheStateFile, WhoseLockIsNotLetGoIsRefusedInWords) {
  opened();
  const Fd other(open((path_ + ".lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
  EXPECT_THAT(why_not(), HasSubstr("give this one a file of its own (state)"));
}

TEST_F(TheStateFile, ThatCannotBeWrittenAnyMoreIsToldOnceAndInTime) {
  StateFile file = opened();
  const Instant begin = file.origin();
  fs::remove_all(folder_);
  EXPECT_TRUE(file.keep(begin + 6_s, kNoon)) << "there is reserve left: it tries again";
  EXPECT_FALSE(file.keep(begin + 8_s, kNoon));
  EXPECT_TRUE(file.keep(begin + 9_s, kNoon)) << "that was told";
  fs::create_directory(folder_);
  EXPECT_TRUE(file.keep(begin + 20_s, kNoon));
  EXPECT_GT(opened().origin(), begin + 20_s);
}

class Numbers : public TheStateFile {
 protected:
  void SetUp() override {
    TheStateFile::SetUp();
    setenv("XDG_STATE_HOME", folder_.c_str(), 1);
  }
  void TearDown() override {
    unsetenv("XDG_STATE_HOME");
    TheStateFile::TearDown();
  }
};

TEST_F(Numbers, GoOnInTheDefaultFileWhoseFolderIsMade) {
  const auto first = run::open_numbers("auto"), second = run::open_numbers("auto");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->warning + second->warning, "");
  EXPECT_EQ(first->secrets.now, second->secrets.now);
  EXPECT_GT(second->origin, first->origin);
  struct stat made {};
  ASSERT_EQ(stat((folder_ / "mayfly").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777, 0700u);
}

TEST_F(Numbers, BeginAnewWithoutAFile) {
  const auto first = run::open_numbers("none"), second = run::open_numbers("none");
  EXPECT_FALSE(first->file);
  EXPECT_NE(first->secrets.now, second->secrets.now);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Numbers, GoWithAWarningWhereTheDefaultFileCannotBe) {
  write("");
  setenv("XDG_STATE_HOME", path_.c_str(), 1);  // a file, no folder
  const auto numbers = run::open_numbers("auto");
  ASSERT_TRUE(numbers);
  EXPECT_FALSE(numbers->file);
  EXPECT_THAT(numbers->warning, HasSubstr("Not a directory"));
  EXPECT_THAT(numbers->warning, HasSubstr("will not go on in the next run"));
}

TEST_F(Numbers, GoOnInANewDefaultFileWhereTheOldOneIsDamaged) {
  ASSERT_TRUE(run::open_numbers("auto"));
  path_ = run::default_state_file();
  write("{");
  const auto numbers = run::open_numbers("auto");
  ASSERT_TRUE(numbers);
  EXPECT_TRUE(numbers->file);
  EXPECT_THAT(numbers->warning, HasSubstr("is damaged and was replaced"));
  EXPECT_EQ(run::open_numbers("auto")->warning, "");
}

TEST_F(Numbers, AreRefusedWhereTheUsersFileCannotBe) {
  const auto numbers = run::open_numbers((folder_ / "none" / "state").string());
  ASSERT_FALSE(numbers);
  EXPECT_EQ(numbers.error().kind, ErrorKind::usage);
}

}  // namespace
}  // namespace mayfly::testing
