#include "run/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mayfly::testing {
namespace {

namespace fs = std::filesystem;
using run::Finding;
using Level = Finding::Level;
using ::testing::HasSubstr;

/// A machine made of files.
class DoctorTest : public ::testing::Test {
 public:
  DoctorTest() {
    std::string name = (fs::temp_directory_path() / "mayfly-doctor-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root = name;
    write("proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
    write("proc/mounts", "nodev /dev/hugepages hugetlbfs rw 0 0\n");
    write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
    write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
    write("sys/devices/system/cpu/isolated", "1-2,4\n");
    for (const char* cpu : {"0", "1", "4"})
      write(std::string("sys/devices/system/cpu/cpu") + cpu + "/cpufreq/scaling_governor",
            "performance\n");
  }
  ~DoctorTest() override { fs::remove_all(root); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  /// The finding with these words.
  Finding finding(const std::string& words, const std::vector<std::uint32_t>& cores = {1}) const {
    for (const Finding& one : run::examine({}, cores, root))
      if (one.what.find(words) != std::string::npos) return one;
    return {Level::good, "none", ""};
  }

  fs::path root;
};

TEST_F(DoctorTest, AGoodMachineHasNothingButGoodFindings) {
  for (const Finding& one : run::examine({}, {1, 4}, root)) {
    EXPECT_EQ(one.level, Level::good) << one.what;
    EXPECT_EQ(one.remedy, "");
  }
}

TEST_F(DoctorTest, EveryRedLineHasTheCommandThatMendsIt) {
  write("proc/self/status", "CapEff:\t0000000000000000\n");
  EXPECT_EQ(finding("no devices").level, Level::bad);
  EXPECT_THAT(finding("no devices").remedy, HasSubstr("setcap"));
  write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
  EXPECT_THAT(finding("no hugepages").remedy, HasSubstr("nr_hugepages"));
  write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "9\n");
  write("proc/mounts", "");
  EXPECT_THAT(finding("hugetlbfs").remedy, HasSubstr("mount -t hugetlbfs"));
  EXPECT_EQ(finding("no processor 7", {7}).level, Level::bad);
  EXPECT_THAT(finding("what the kernel puts there", {0}).remedy, HasSubstr("isolcpus=0"));
  write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
  EXPECT_THAT(finding("powersave").remedy, HasSubstr("echo performance"));
}

}  // namespace
}  // namespace mayfly::testing
