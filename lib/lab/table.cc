// The result as a table for a terminal, as a file for a spreadsheet, and in a few sentences.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lab/report.h"
#include "lab/series.h"
#include "lab/summary.h"

namespace mayfly::lab {
namespace {

/// Its outcome in words: "ok      flat: ...", "interrupted", or "-".
std::string outcome_of(const Judged& judged) {
  if (judged.run->interrupted) return "interrupted";
  if (!judged.holds) return "-";
  return fmt::format("{:<8}{}: {}", *judged.holds ? "ok" : "NOT OK",
                     name_of(judged.run->settings.expect), judged.verdict);
}

/// A dash where no sample was judged.
std::string measured(const LabFigures& f, std::string figure) {
  return f.judged > 0 ? std::move(figure) : "-";
}

std::string experiment_lines(const std::vector<Judged>& experiments) {
  std::string lines =
      fmt::format("{:<24} {:>12} {:>12} {:>6} {:>9} {:>12} {:>10}  outcome\n", "experiment",
                  "offered/s", "sustained/s", "uneven", "p99 us", "time_wait", "refused/s");
  for (const Judged& judged : experiments) {
    const LabFigures& f = judged.figures;
    lines += fmt::format(
        "{:<24} {:>12} {:>12} {:>6} {:>9} {:>12} {:>10}  {}\n", judged.run->settings.name,
        f.offered > 0 ? load::grouped(f.offered) : std::string("-"),
        measured(f, shown(f.sustained)), measured(f, fmt::format("{:.2f}", f.swing)),
        f.p99_us > 0 ? shown(f.p99_us) : "-", load::grouped(f.peak_time_wait),
        measured(f, shown(f.refused)), outcome_of(judged));
  }
  return lines;
}

std::string ledger_lines(const LabResult& result) {
  std::string lines =
      fmt::format("{:<24} {:>12} {:>12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>12}\n",
                  "policy", "connections", "completed", "reset", "old data", "killed", "desync",
                  "unheard", "kept out", "longest", "time_wait");
  for (const world::LedgerRow& row : result.ledger) {
    lines += fmt::format("{:<24} {:>12} {:>12}", row.policy, load::grouped(row.connections),
                         load::grouped(row.completed));
    for (const Harm& harm : kHarms) lines += fmt::format(" {:>9}", load::grouped(row.*harm.count));
    lines += fmt::format(" {:>9} {:>7.1f} s {:>12}\n", load::grouped(row.kept_out),
                         row.kept_out_longest.seconds(), load::grouped(row.peak_time_wait));
  }
  return lines;
}

std::string stories_sentence(const std::vector<Judged>& experiments) {
  std::vector<int> hold, fail;
  for (const Story& story : kStories)
    if (const std::optional<bool> holds = story_holds(experiments, story.number))
      (*holds ? hold : fail).push_back(story.number);
  if (hold.empty() && fail.empty()) return {};
  if (fail.empty() && hold.size() == kStories.size()) return "All six stories hold. ";
  if (fail.empty())
    return hold.size() == 1 ? fmt::format("Story {} holds. ", hold.front())
                            : fmt::format("Stories {} hold. ", fmt::join(hold, ", "));
  return fmt::format("{} of {} stories hold{}: {} failed. ", hold.size(), hold.size() + fail.size(),
                     hold.size() == 1 ? "s" : "", fmt::join(fail, ", "));
}

/// The results of stories 1 and 2.
std::string disease_sentences(const std::vector<Judged>& experiments) {
  std::string words;
  for (const Judged& judged : experiments) {
    const ExperimentSettings& s = judged.run->settings;
    const LabFigures& f = judged.figures;
    if (judged.run->interrupted || f.judged == 0) continue;
    if (s.story == 1 && s.expect == Expectation::collapse)
      words += fmt::format(
          "Closing first, the server carried {}/s of the {}/s offered, with an unevenness of "
          "{:.2f}. ",
          shown(f.sustained), load::grouped(f.offered), f.swing);
    if (s.story == 2 && s.expect == Expectation::bound)
      words += fmt::format("Closing first, the client got {}/s, where the arithmetic allows {}/s. ",
                           shown(f.sustained), load::grouped(f.expected));
  }
  return words;
}

std::string policies_sentence(const std::vector<PolicyRow>& policies) {
  const auto judged = std::ranges::count_if(policies, &PolicyRow::is_judged);
  const auto flat = std::ranges::count_if(policies, &PolicyRow::is_flat);
  std::vector<std::string> harmless;
  bool any_ledger = false;
  for (const PolicyRow& row : policies) {
    if (row.ledger == nullptr) continue;
    any_ledger = true;
    if (row.harms() == 0 && (judged == 0 || row.is_flat())) harmless.push_back(row.name);
  }
  std::string words;
  if (judged > 0) words = fmt::format("{} of {} policies carried the load evenly", flat, judged);
  if (!any_ledger) return words.empty() ? "" : words + "; their harm was not measured. ";
  if (judged == 0) words = fmt::format("{} policies met the hazard lab", policies.size());
  if (harmless.empty()) return words + "; none of them did so without harm. ";
  return fmt::format("{}; without any harm: {}. ", words, fmt::join(harmless, ", "));
}

}  // namespace

std::string summary_words(const std::vector<Judged>& experiments,
                          const std::vector<PolicyRow>& policies) {
  std::string words =
      stories_sentence(experiments) + disease_sentences(experiments) + policies_sentence(policies);
  const auto cut = std::ranges::count_if(
      experiments, [](const Judged& judged) { return judged.run->interrupted; });
  if (cut > 0)
    words += fmt::format("{} experiment{} interrupted and {} not judged. ", cut,
                         cut == 1 ? " was" : "s were", cut == 1 ? "is" : "are");
  if (words.empty() && !experiments.empty())
    words = fmt::format("{} experiment{} ran, without an expectation to be held against.",
                        experiments.size(), experiments.size() == 1 ? "" : "s");
  if (words.empty()) return "Nothing was measured.";
  words.erase(words.find_last_not_of(' ') + 1);
  return words;
}

std::string samples_csv(const LabResult& result) {
  std::string csv = "experiment";
  for (const SampleColumn& column : kSampleColumns) csv += fmt::format(",{}", column.name);
  csv += '\n';
  for (const ExperimentRun& run : result.experiments)
    for (const LabSample& sample : run.samples) {
      csv += run.settings.name;
      for (const SampleColumn& column : kSampleColumns)
        csv += fmt::format(",{:.10g}", column.of(sample));
      csv += '\n';
    }
  return csv;
}

std::string lab_table(const LabResult& result) {
  const std::vector<Judged> experiments = judge(result);
  std::string table;
  if (!experiments.empty()) table += experiment_lines(experiments);
  if (!experiments.empty() && !result.ledger.empty()) table += '\n';
  if (!result.ledger.empty()) table += ledger_lines(result);
  return table + '\n' + summary_words(experiments, policy_rows(result)) + '\n';
}

}  // namespace mayfly::lab
