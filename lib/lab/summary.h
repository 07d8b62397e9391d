// The parts of summary.json that the page and the table for the terminal use too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_fields.h"
#include "lab/policies.h"
#include "lab/words.h"

namespace mayfly::lab {

/// An experiment with its evaluation.
struct Judged {
  const ExperimentRun* run = nullptr;
  LabFigures figures;
  std::optional<bool> holds;  ///< nullopt: nothing was expected, or it was interrupted
  std::string verdict;        ///< in words; empty if nothing was expected
};

std::vector<Judged> judge(const LabResult& result);

/// True if all experiments of this story did what was expected. nullopt: nothing was expected, or
/// one was interrupted and no other failed.
std::optional<bool> story_holds(const std::vector<Judged>& experiments, std::uint8_t story);

/// The whole result in a few sentences.
std::string summary_words(const std::vector<Judged>& experiments,
                          const std::vector<PolicyRow>& policies);

std::string_view name_of(Expectation expectation);

/// Every key that lab_json may write, for doc/json.md.
std::vector<JsonKey> lab_json_keys();

}  // namespace mayfly::lab
