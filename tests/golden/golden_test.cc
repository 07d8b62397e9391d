// Every scenario of cases/ against its text. MAYFLY_GOLDEN=update in the environment writes the
// texts anew, for review.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string_view>

#include "replay.h"
#include "scenario.h"
#include "transcript.h"

namespace mayfly::testing {

void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

namespace {

bool is_update() {
  const char* wish = std::getenv("MAYFLY_GOLDEN");
  return wish != nullptr && std::string_view(wish) == "update";
}

/// A file that goes when the test does.
class SentCapture {
 public:
  SentCapture() : path_(fmt::format("{}mayfly-golden-{}.pcap", ::testing::TempDir(), getpid())) {}
  ~SentCapture() { std::filesystem::remove(path_); }
  SentCapture(const SentCapture&) = delete;
  SentCapture& operator=(const SentCapture&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Golden : public ::testing::TestWithParam<Scenario> {};

TEST_P(Golden, IsAnsweredAsItsTextSays) {
  const Scenario& scenario = GetParam();
  const SentCapture sent;
  const Replayed replayed = replay(scenario, sent.path());
  EXPECT_EQ(read_capture(sent.path()), replayed.sent) << "the device wrote other frames";
  if (is_update()) {
    std::ofstream(scenario.text) << scenario.header << '\n' << replayed.text;
  } else {
    EXPECT_EQ(scenario.expected, replayed.text)
        << "If this is what it should say, write it down: MAYFLY_GOLDEN=update "
        << "(tests/golden/README.md)";
  }
}

std::string test_name(const ::testing::TestParamInfo<Scenario>& info) {
  std::string name = info.param.name;
  std::ranges::replace(name, '/', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden,
                         ::testing::ValuesIn(read_scenarios(MAYFLY_GOLDEN_FOLDER "/cases")),
                         test_name);

}  // namespace
}  // namespace mayfly::testing
