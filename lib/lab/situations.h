// The situations in which policies are compared: what each policy did at line rate, and what it
// harmed in the simulator, in the same situation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/evaluate.h"
#include "lab/result.h"

namespace mayfly::lab {

/// The best that a newcomer can ask for: one retransmission of its SYN (RFC 6298 2: 1 s) and a
/// little more.
inline constexpr double kPatienceSeconds = 1.1;
/// A policy carries the load of a situation with at least this share of the best one's rate.
inline constexpr double kCarriesShare = 0.9;
/// And it lets newcomers in if it keeps at most this share of them out.
inline constexpr double kKeptOutShare = 0.01;

/// A policy in a situation. Points into the LabResult.
struct SituationRow {
  std::string policy;
  const ExperimentRun* run = nullptr;            ///< at line rate; null: it did not run
  LabFigures figures;                            ///< of that run
  const world::LedgerRow* ledger = nullptr;      ///< simulated; null: it was not
  const world::LedgerRow* everywhere = nullptr;  ///< with `ledger`: all situations together

  bool is_judged() const { return run != nullptr && !run->interrupted && figures.judged > 0; }
};

/// A situation, and what to do in it.
struct SituationTable {
  world::Situation situation = world::Situation::many_clients;
  const SituationSettings* settings = nullptr;  ///< null: nothing ran at line rate
  std::vector<SituationRow> rows;               ///< in the order of the policies
  double best_cps = 0;                          ///< of the policy with the highest rate; 0 = none
  std::string policy;                           ///< recommended; empty = nothing was measured
  std::string words;                            ///< why this one
  std::string command;                          ///< that serves with it; empty without `policy`
};

/// Those of which anything is known.
std::vector<SituationTable> situation_tables(const LabResult& result);

/// `count` of the connections in the simulator, for a million; nullopt if it was not simulated.
std::optional<double> per_million(const SituationRow& row, std::uint64_t world::LedgerRow::*count);
/// The same of all harms.
std::optional<double> harms_per_million(const world::LedgerRow& ledger);

}  // namespace mayfly::lab
