// What the lab leaves behind: summary.json, samples.csv, the table and the page.
#include "lab/report.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "lab/page.h"
#include "lab/summary.h"
#include "support/json_keys.h"
#include "support/lab_example.h"

namespace mayfly::testing {
namespace {

using lab::Expectation;
using lab::LabResult;

using Json = nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Json& find(const Json& list, const std::string& name) {
  return *std::ranges::find_if(list, [&](const Json& one) { return one["name"] == name; });
}

TEST(LabJson, JudgesTheSixStories) {
  const Json json = lab_json(lab_example());
  ASSERT_EQ(json["stories"].size(), 6u);
  for (const auto& [number, story] : json["stories"].items()) EXPECT_EQ(story["holds"], true);
  EXPECT_EQ(json["stories"]["1"]["halved"], true);
  EXPECT_GT(json["stories"]["1"]["swing"], 1);
  EXPECT_LT(json["stories"]["2"]["error_of_bound"], 0.05);
  for (const char* cure : {"3", "4", "5", "6"}) EXPECT_LT(json["stories"][cure]["swing_max"], 0.1);
  EXPECT_THAT(json["summary"].get<std::string>(), StartsWith("All six stories hold."));
}

TEST(LabJson, TellsOfAStoryThatFails) {
  LabResult result = lab_example();
  for (lab::LabSample& sample : result.experiments.front().samples) sample.cps = 100'000;
  const Json json = lab_json(result);
  EXPECT_EQ(json["stories"]["1"]["holds"], false);
  EXPECT_EQ(json["stories"]["1"]["halved"], false);
  EXPECT_EQ(json["experiments"][0]["holds"], false);
  EXPECT_THAT(json["summary"].get<std::string>(), StartsWith("5 of 6 stories hold: 1 failed."));
}

TEST(LabJson, LeavesAnInterruptedExperimentAndItsStoryOpen) {
  LabResult result = lab_example();
  result.experiments.front().interrupted = true;
  const Json json = lab_json(result);
  EXPECT_EQ(json["experiments"][0]["holds"], nullptr);
  EXPECT_EQ(json["experiments"][0]["verdict"], "interrupted after 8.0 s: not judged");
  EXPECT_EQ(json["stories"]["1"]["holds"], nullptr);
}

TEST(LabJson, GivesEachPolicyARowOfFiguresAndHarms) {
  const Json json = lab_json(lab_example());
  const Json& evict = find(json["policies"], "evict-oldest");
  EXPECT_EQ(evict["peak_time_wait"], 50'000);
  EXPECT_EQ(evict["bytes"], 50'000 * plan::kTimeWaitBytes);
  EXPECT_EQ(evict["reset_in_last_ack"], 9);
  EXPECT_EQ(evict["marks"], Json({"reset_in_last_ack", "old_data"}));
  EXPECT_GT(evict["time_wait"]["evicted"], 0);
}

TEST(LabJson, SaysNullForWhatWasNotMeasured) {
  LabResult result = lab_example();
  std::erase_if(result.ledger, [](const world::LedgerRow& row) { return row.policy == "none"; });
  const Json json = lab_json(result);
  EXPECT_EQ(find(json["policies"], "strict-rfc9293")["sustained_cps"], nullptr);
  EXPECT_EQ(find(json["policies"], "strict-rfc9293")["harms"], 0);
  EXPECT_EQ(find(json["policies"], "none")["harms"], nullptr);
}

/// The experiment that stands for policy "p", of these with their stories and expectations.
std::string standing(const LabResult& result) {
  return lab_json(result)["policies"][0]["experiment"];
}

lab::ExperimentRun under_policy(const char* name, std::uint8_t story, Expectation expect) {
  return example_run(name, story, expect, shard::Closer::client,
                     [](lab::ExperimentSettings& s) { s.policy = "p"; });
}

TEST(LabJson, LetsTheExperimentOfStoryFiveStandForThePolicy) {
  LabResult result;
  result.experiments = {under_policy("a", 3, Expectation::flat),
                        under_policy("b", 5, Expectation::none),
                        under_policy("c", 5, Expectation::none)};
  EXPECT_EQ(standing(result), "b");
  result.experiments[1].interrupted = true;
  EXPECT_EQ(standing(result), "c");
}

TEST(LabJson, LetsNoExperimentOfStorySixStandForAPolicy) {
  LabResult result;
  result.experiments = {under_policy("a", 6, Expectation::flat)};
  EXPECT_THAT(lab_json(result)["policies"], ::testing::IsEmpty());
  result.experiments.push_back(under_policy("b", 3, Expectation::bound));
  EXPECT_EQ(standing(result), "b");
}

TEST(LabJson, LetsNoShortageStandForThePolicyIfAnotherCan) {
  LabResult result;
  result.experiments = {under_policy("a", 2, Expectation::bound),
                        under_policy("b", 3, Expectation::flat),
                        under_policy("c", 3, Expectation::bound)};
  EXPECT_EQ(standing(result), "b");
}

TEST(LabJson, KeepsTheResultsOfBothEnds) {
  const Json json = lab_json(lab_example());
  EXPECT_EQ(json["experiments"][0]["server"]["time_wait"]["peak"], 50'000);
  EXPECT_EQ(json["experiments"][0]["client"]["latency_us"]["p99"], 78);
}

/// With a result of either end, and all that only a single experiment has.
Json whole_json() {
  Json json = lab_json(lab_example());
  const Json single = lab_json(one_experiment_example());
  json["server"] = single["server"];
  json["client"] = single["client"];
  const Json compared = lab_json(compared_example());
  json["situations"] = compared["situations"];
  json["calibration"] = compared["calibration"];
  return json;
}

TEST(LabJson, WritesEveryDocumentedKeyAndNoOther) {
  EXPECT_EQ(undocumented(whole_json(), lab::lab_json_keys()), std::set<std::string>{});
  EXPECT_EQ(unwritten(whole_json(), lab::lab_json_keys()), std::set<std::string>{});
}

TEST(LabJson, HasItsTableInTheDocumentation) {
  EXPECT_EQ(documented_rows("lab"), rows_of(lab::lab_json_keys()));
}

TEST(LabJson, OfNothingSaysSo) {
  const Json json = lab::lab_json({});
  EXPECT_EQ(json["summary"], "Nothing was measured.");
  EXPECT_TRUE(json["stories"].empty());
  EXPECT_TRUE(json["policies"].empty());
}

TEST(LabJson, OfTheLedgerAloneNamesTheHarmless) {
  EXPECT_EQ(lab_json(hazards_only_example())["summary"],
            "10 policies met the hazard lab; without any harm: strict-rfc9293, client-first, "
            "balanced, rfc6191.");
}

TEST(SamplesCsv, HasALineForEachSampleBelowItsHeader) {
  const LabResult result = lab_example();
  std::istringstream csv(samples_csv(result));
  std::string line;
  std::getline(csv, line);
  EXPECT_THAT(line, StartsWith("experiment,t,cps,offered,refused"));
  const auto columns = std::ranges::count(line, ',');
  std::size_t lines = 0, samples = 0;
  while (std::getline(csv, line)) {
    ++lines;
    EXPECT_EQ(std::ranges::count(line, ','), columns);
  }
  for (const lab::ExperimentRun& run : result.experiments) samples += run.samples.size();
  EXPECT_EQ(lines, samples);
}

TEST(LabTable, HasALineForEachExperimentAndPolicyAndTheSummary) {
  const std::string table = lab_table(lab_example());
  EXPECT_THAT(table, AllOf(HasSubstr("\ndisease-server "), HasSubstr("\nlinux-tw-recycle "),
                           HasSubstr("interrupted"), HasSubstr("All six stories hold.")));
  EXPECT_EQ(table.find(" \n"), std::string::npos) << "no line ends in blanks";
}

/// The JSON that the page draws.
Json data_of(const std::string& page) {
  return Json::parse(
      page.substr(lab::kPageBeforeData.size(),
                  page.size() - lab::kPageBeforeData.size() - lab::kPageAfterData.size()));
}

TEST(ReportHtml, HasEveryFigureOfTheSummary) {
  const LabResult result = lab_example();
  Json data = data_of(report_html(result)), summary = lab_json(result);
  for (std::size_t i = 0; i < result.experiments.size(); ++i) {
    data["experiments"][i].erase("chart");
    summary["experiments"][i].erase("server");
    summary["experiments"][i].erase("client");
  }
  EXPECT_EQ(data, summary);
}

TEST(ReportHtml, CannotBeLeftByTextOfTheUser) {
  LabResult result = one_experiment_example();
  result.origin.config = "</script><script>alert(1)</script><!-- \xff";
  result.experiments[0].settings.title = "</SCRIPT >";
  const std::string page = report_html(result);
  const std::string data =
      page.substr(lab::kPageBeforeData.size(),
                  page.size() - lab::kPageBeforeData.size() - lab::kPageAfterData.size());
  EXPECT_THAT(data, Not(HasSubstr("<")));
  EXPECT_THAT(data_of(page)["origin"]["config"].get<std::string>(),
              StartsWith("</script><script>alert(1)</script><!-- "));
}

TEST(ReportHtml, AsksForNoOtherFile) {
  const std::string page = report_html(lab_example());
  for (const char* outside : {"<link rel=\"stylesheet", "<script src", "<img", "@import", "url("})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  EXPECT_THAT(page, AllOf(StartsWith("<!DOCTYPE html>"), HasSubstr("default-src 'none'"),
                          EndsWith("</html>\n")));
}

TEST(ReportHtml, DrawsAHundredSamplesAtMost) {
  lab::ExperimentSettings s = example_settings("long");
  s.client.load.duration = Duration::from_s(120);
  LabResult result;
  result.experiments.push_back(example_run(s));
  const Json data = data_of(report_html(result));
  EXPECT_LE(data["experiments"][0]["chart"]["t"].size(), 100u);
  EXPECT_EQ(data["experiments"][0]["samples"], 1'200);
}

TEST(Report, OfTheSameResultIsTheSame) {
  EXPECT_EQ(lab_json(lab_example()), lab_json(lab_example()));
  EXPECT_EQ(report_html(lab_example()), report_html(lab_example()));
}

}  // namespace
}  // namespace mayfly::testing
