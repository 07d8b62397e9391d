// Runs every file of every corpus through its target, a test each: what a fuzzer has found once
// stays found.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/target.h"

namespace mayfly::testing {
namespace {

std::vector<std::filesystem::path> corpus_of(std::string_view target) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(MAYFLY_CORPUS) / target))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class Replay : public ::testing::Test {
 public:
  Replay(const Target& target, std::filesystem::path file)
      : target_(target), file_(std::move(file)) {}

  void TestBody() override {
    std::ifstream in(file_, std::ios::binary);
    ASSERT_TRUE(in) << file_;
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    target_.run(FuzzInput(std::as_bytes(std::span(bytes))));
  }

 private:
  const Target& target_;
  std::filesystem::path file_;
};

/// GoogleTest's names are words; a file's may have more in it.
std::string test_name(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

void register_replays() {
  for (const Target* target : Target::all()) {
    for (const auto& file : corpus_of(target->name)) {
      ::testing::RegisterTest(("Fuzz_" + std::string(target->name)).c_str(),
                              test_name(file).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [=]() -> ::testing::Test* { return new Replay(*target, file); });
    }
  }
}

TEST(FuzzReplay, EveryTargetHasACorpus) {
  EXPECT_FALSE(Target::all().empty());
  for (const Target* target : Target::all()) EXPECT_FALSE(corpus_of(target->name).empty());
}

}  // namespace
}  // namespace mayfly::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  mayfly::testing::register_replays();
  return RUN_ALL_TESTS();
}
