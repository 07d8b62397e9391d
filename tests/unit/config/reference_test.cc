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
  for (const auto& keys : {config::serve_reference(), config::load_reference(),
                           config::lab_reference(), config::policy_reference()}) {
    for (const config::KeyReference& key : keys) rows.insert(to_markdown(key));
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
  for (const char* folder : {"serve", "cluster"}) {
    for (const std::string& file : examples(folder)) {
      EXPECT_THAT(messages(config::read_serve_settings(file)), IsEmpty());
    }
  }
}

TEST(Examples, OfLoadAreRight) {
  for (const std::string& file : examples("load")) {
    EXPECT_THAT(messages(config::read_load_settings(file)), IsEmpty());
  }
}

TEST(Examples, OfLabAreRight) {
  for (const std::string& file : examples("lab")) {
    EXPECT_THAT(messages(config::read_lab_settings(file)), IsEmpty());
  }
}

TEST(Presets, FitEveryServerAndClient) {
  for (const std::string& preset : examples("policy")) {
    for (const std::string& file : examples("serve")) {
      EXPECT_THAT(messages(config::read_serve_settings(file, {}, preset)), IsEmpty());
    }
    for (const std::string& file : examples("load")) {
      EXPECT_THAT(messages(config::read_load_settings(file, {}, preset)), IsEmpty());
    }
  }
}

TEST(Presets, SayInFiveLinesWhatTheyAre) {
  const std::vector<std::string> openings{
      "# Does: ", "# Buys: ", "# Risks: ", "# Who does so: ", "# Clause: "};
  for (const std::string& preset : examples("policy")) {
    std::ifstream file(preset);
    std::string line;
    for (const std::string& opening : openings) {
      std::getline(file, line);
      EXPECT_TRUE(line.starts_with(opening) && line.ends_with('.')) << preset << ": " << line;
      EXPECT_LE(line.size(), 100u) << preset << ": " << line;
    }
    std::getline(file, line);
    EXPECT_FALSE(line.starts_with('#')) << preset << ": " << line;
  }
}

TEST(Presets, AreAllComparedByTheHazardLab) {
  std::set<std::string> all;
  for (const std::string& preset : examples("policy")) {
    all.insert(std::filesystem::path(preset).stem().string());
  }
  for (const char* name : {"hazards", "tour"}) {
    const auto lab =
        config::read_lab_settings((kRoot / "conf/lab" / (std::string(name) + ".yaml")).string());
    ASSERT_THAT(messages(lab), IsEmpty());
    std::set<std::string> compared;
    for (const lab::LabPair& pair : lab.settings->hazards.policies) compared.insert(pair.policy);
    EXPECT_EQ(compared, all) << name;
  }
}

TEST(Tour, TellsSixStoriesAndComparesAllPoliciesInUnderThreeMinutes) {
  const auto lab = config::read_lab_settings((kRoot / "conf/lab/tour.yaml").string());
  ASSERT_THAT(messages(lab), IsEmpty());
  Duration all;
  std::set<int> stories;
  for (const config::LabExperiment& experiment : lab.settings->experiments) {
    all = all + experiment.client.load.duration;
    if (experiment.calibrates || experiment.situation) continue;
    stories.insert(experiment.story);
    EXPECT_NE(experiment.expect, lab::Expectation::none) << experiment.name;
  }
  EXPECT_LE(all, 135_s) << "besides, each needs a fifth of a second, and the ledger some";
  EXPECT_EQ(lab.settings->situations.size(), world::kSituationCount);
  EXPECT_EQ(stories, (std::set<int>{1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace mayfly::testing
