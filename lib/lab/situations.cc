#include "lab/situations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "lab/words.h"

namespace mayfly::lab {
namespace {

using world::Situation;

const SituationSettings* settings_of(const LabResult& result, Situation situation) {
  const auto found = std::ranges::find(result.situations, situation, &SituationSettings::situation);
  return found != result.situations.end() ? &*found : nullptr;
}

SituationRow& row_of(SituationTable& table, const std::string& policy) {
  const auto found = std::ranges::find(table.rows, policy, &SituationRow::policy);
  return found != table.rows.end() ? *found
                                   : table.rows.emplace_back(SituationRow{.policy = policy});
}

SituationTable table_of(const LabResult& result, Situation situation) {
  SituationTable table{.situation = situation, .settings = settings_of(result, situation)};
  for (const ExperimentRun& run : result.experiments) {
    if (run.settings.situation != situation) continue;
    SituationRow& row = row_of(table, run.settings.policy);
    row.run = &run;
    row.figures = figures_of(run);
    if (row.is_judged()) table.best_cps = std::max(table.best_cps, row.figures.sustained);
  }
  for (const world::LedgerRow& line : result.ledger) {
    if (line.situations.empty()) continue;
    const world::LedgerRow& own = line.situations[static_cast<std::size_t>(situation)];
    if (own.connections == 0) continue;
    SituationRow& row = row_of(table, line.policy);
    row.ledger = &own;
    row.everywhere = &line;
  }
  return table;
}

double share_of(std::uint64_t count, const world::LedgerRow& ledger) {
  return static_cast<double>(count) / static_cast<double>(ledger.connections);
}

bool lets_newcomers_in(const SituationRow& row) {
  return share_of(row.ledger->kept_out, *row.ledger) <= kKeptOutShare;
}

/// The order of preference: it lets newcomers in; then least harm, then fewest newcomers kept out,
/// then least harm in all situations, as few connections show little; then least memory.
auto price_of(const SituationRow& row) {
  const world::LedgerRow& ledger = *row.ledger;
  const double kept_out = share_of(ledger.kept_out, ledger);
  return std::tuple(!lets_newcomers_in(row), share_of(ledger.harms(), ledger), kept_out,
                    share_of(row.everywhere->harms(), *row.everywhere), row.figures.server_peak);
}

bool carries(const SituationRow& row, const SituationTable& table) {
  return table.best_cps <= 0 ||
         (row.is_judged() && row.figures.sustained >= kCarriesShare * table.best_cps);
}

std::string price_words(const world::LedgerRow& ledger) {
  const auto harm = harms_per_million(ledger);
  std::string words = ledger.harms() == 0
                          ? fmt::format("harmed none of {} simulated connections",
                                        load::grouped(ledger.connections))
                          : fmt::format("harmed {} in a million", shown(harm.value_or(0)));
  if (ledger.kept_out == 0) return words + " and kept nobody out";
  const double longest = ledger.kept_out_longest.seconds();
  return words + fmt::format(" and kept {} of {} newcomers out, for at most {}",
                             load::grouped(ledger.kept_out), load::grouped(ledger.connections),
                             longest < 1 ? fmt::format("{:.0f} ms", std::ceil(1e3 * longest))
                                         : fmt::format("{:.1f} s", longest));
}

/// A TIME_WAIT is handed over only between two ends that agree on it.
bool needs_both_ends(const SituationRow& row) {
  if (row.run == nullptr) return false;
  const LabPair& ends = row.run->settings;
  return ends.server.shard.time_wait.hand_over || ends.client.shard.time_wait.hand_over;
}

/// A proxy and its upstreams often have one owner; the peers of other servers do as they like.
bool can_be_followed(const SituationRow& row, const SituationTable& table) {
  return table.situation == Situation::proxy || !needs_both_ends(row);
}

/// Of those that carry the load and can be followed. Null if there is none.
const SituationRow* best_of(const SituationTable& table) {
  const SituationRow* best = nullptr;
  for (const SituationRow& row : table.rows)
    if (row.ledger != nullptr && carries(row, table) && can_be_followed(row, table) &&
        (best == nullptr || price_of(row) < price_of(*best)))
      best = &row;
  return best;
}

/// Of those that ran, harmed nobody, let newcomers in, and can be followed.
const SituationRow* fastest_harmless(const SituationTable& table) {
  const SituationRow* fastest = nullptr;
  for (const SituationRow& row : table.rows)
    if (row.is_judged() && row.ledger != nullptr && row.ledger->harms() == 0 &&
        lets_newcomers_in(row) && can_be_followed(row, table) &&
        (fastest == nullptr || row.figures.sustained > fastest->figures.sustained))
      fastest = &row;
  return fastest;
}

std::string words_of(const SituationRow& best, const SituationTable& table) {
  std::string words;
  if (best.is_judged())
    words = fmt::format(
        "It carried {}/s of the {}/s offered, with {} TIME_WAIT entries at the server; ",
        shown(best.figures.sustained), shown(best.figures.offered),
        load::grouped(best.figures.server_peak));
  words += (words.empty() ? "It " : "it ") + price_words(*best.ledger) + ".";
  if (needs_both_ends(best)) words += " The other end must follow the policy too.";
  const SituationRow* const harmless = fastest_harmless(table);
  if (best.ledger->harms() > 0 && harmless != nullptr)
    words += fmt::format(" Without any harm: {}, with {}/s.", harmless->policy,
                         shown(harmless->figures.sustained));
  for (const SituationRow& row : table.rows)
    if (row.is_judged() && row.ledger != nullptr && !can_be_followed(row, table) &&
        carries(row, table) && price_of(row) < price_of(best))
      words += fmt::format(" Better where the other ends follow it too: {}, with {}/s, which {}.",
                           row.policy, shown(row.figures.sustained), price_words(*row.ledger));
  return words;
}

void recommend(SituationTable& table) {
  const SituationRow* const best = best_of(table);
  if (best == nullptr) return;
  table.policy = best->policy;
  table.words = words_of(*best, table);
  const bool is_client = table.situation == Situation::proxy;
  table.command = fmt::format("mayfly {} --policy {} -c {}", is_client ? "load" : "serve",
                              table.policy, is_client ? "load.yaml" : "serve.yaml");
}

}  // namespace

std::vector<SituationTable> situation_tables(const LabResult& result) {
  std::vector<SituationTable> tables;
  for (std::size_t i = 0; i < world::kSituationCount; ++i) {
    SituationTable table = table_of(result, static_cast<Situation>(i));
    if (table.rows.empty()) continue;
    recommend(table);
    tables.push_back(std::move(table));
  }
  return tables;
}

std::optional<double> per_million(const SituationRow& row, std::uint64_t world::LedgerRow::*count) {
  if (row.ledger == nullptr) return std::nullopt;
  return 1e6 * share_of(row.ledger->*count, *row.ledger);
}

std::optional<double> harms_per_million(const world::LedgerRow& ledger) {
  if (ledger.connections == 0) return std::nullopt;
  return 1e6 * share_of(ledger.harms(), ledger);
}

}  // namespace mayfly::lab
