// The documentation and the examples keep up with the keys. MAYFLY_SOURCE_ROOT is the project's
// folder.
#include "config/reference.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::IsEmpty;

const std::filesystem::path kRoot = MAYFLY_SOURCE_ROOT;

std::set<std::string> documented_rows() {
  std::ifstream file(kRoot / "doc/configuration.md");
  std::set<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) rows.insert(line);
  }
  return rows;
}

std::set<std::string> known_rows() {
  std::set<std::string> rows;
  for (const auto& keys : {serve_reference(), load_reference()}) {
    for (const KeyReference& key : keys) rows.insert(to_markdown(key));
  }
  return rows;
}

/// What is in `rows` and not in `others`, to be read and copied from the failure.
std::string beyond(const std::set<std::string>& rows, const std::set<std::string>& others) {
  std::ostringstream text;
  for (const std::string& row : rows) {
    if (!others.contains(row)) text << row << "\n";
  }
  return text.str();
}

TEST(Reference, DocumentsEveryKey) { EXPECT_EQ(beyond(known_rows(), documented_rows()), ""); }

TEST(Reference, DocumentsNoKeyThatIsNotThere) {
  EXPECT_EQ(beyond(documented_rows(), known_rows()), "");
}

std::vector<std::string> examples(const char* folder) {
  std::vector<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(kRoot / "conf" / folder)) {
    if (file.path().extension() == ".yaml") files.push_back(file.path().string());
  }
  EXPECT_FALSE(files.empty()) << folder;
  return files;
}

TEST(Examples, OfServeAreRight) {
  for (const std::string& file : examples("serve")) {
    EXPECT_THAT(messages(read_serve_settings(file)), IsEmpty());
  }
}

TEST(Examples, OfLoadAreRight) {
  for (const std::string& file : examples("load")) {
    EXPECT_THAT(messages(read_load_settings(file)), IsEmpty());
  }
}

TEST(Examples, OfLabAreRight) {
  EXPECT_THAT(messages(read_lab_settings((kRoot / "conf/lab/first.yaml").string())), IsEmpty());
}

}  // namespace
}  // namespace mayfly::testing
