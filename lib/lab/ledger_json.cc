#include "lab/ledger_json.h"

#include "lab/words.h"

namespace mayfly::lab {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kLedgerFields = std::to_array<JsonField<world::LedgerRow>>({
    {"policy", "text", "", "name of the policy",
     [](const world::LedgerRow& row) -> Json { return row.policy; }},
    {"connections", "number", "connections", "connections that the clients began",
     [](const world::LedgerRow& row) -> Json { return row.connections; }},
    {"completed", "number", "connections",
     "connections that ended complete and unharmed at both ends",
     [](const world::LedgerRow& row) -> Json { return row.completed; }},
    {"harms", "number", "", "all harms together",
     [](const world::LedgerRow& row) -> Json { return row.harms(); }},
    {"challenges", "number", "segments", "ACKs sent in TIME_WAIT for a refused segment: not a harm",
     [](const world::LedgerRow& row) -> Json { return row.challenges; }},
    {"killed_after_syn", "number", "entries",
     "TIME_WAIT entries ended by the RST that answered the ACK of a SYN: not a harm",
     [](const world::LedgerRow& row) -> Json { return row.killed_after_syn; }},
    {"kept_out", "number", "connections",
     "connections of honest newcomers whose SYN met silence, or a refusal after their reset",
     [](const world::LedgerRow& row) -> Json { return row.kept_out; }},
    {"kept_out_longest_s", "number", "s",
     "longest time that one of them waited: from each refused SYN until its next one came, or it "
     "gave up",
     [](const world::LedgerRow& row) -> Json { return row.kept_out_longest.seconds(); }},
    {"syns_refused", "number", "SYNs", "SYNs of those connections that opened nothing",
     [](const world::LedgerRow& row) -> Json { return row.syns_refused; }},
    {"peak_time_wait", "number", "entries", "most TIME_WAIT entries of both ends",
     [](const world::LedgerRow& row) -> Json { return row.peak_time_wait; }},
});

constexpr auto kLegendFields = std::to_array<JsonField<Harm>>({
    {"key", "text", "", "key of a harm in `ledger` and `policies`",
     [](const Harm& harm) -> Json { return harm.key; }},
    {"title", "text", "", "title of the harm", [](const Harm& harm) -> Json { return harm.title; }},
    {"meaning", "text", "", "what happened", [](const Harm& harm) -> Json { return harm.meaning; }},
    {"clause", "text", "", "clause of the standard that it breaks",
     [](const Harm& harm) -> Json { return harm.clause; }},
});

}  // namespace

Json ledger_json(const LabResult& result) {
  Json ledger = objects_of(result.ledger, kLedgerFields);
  for (std::size_t i = 0; i < result.ledger.size(); ++i)
    for (const Harm& harm : kHarms) ledger[i][std::string(harm.key)] = result.ledger[i].*harm.count;
  return {{"seed", result.hazard_seed},
          {"seeds", result.hazard_seeds},
          {"ledger", std::move(ledger)},
          {"legend", objects_of(kHarms, kLegendFields)}};
}

void list_harm_keys(std::vector<JsonKey>& keys, const std::string& above) {
  for (const Harm& harm : kHarms)
    keys.push_back({above + std::string(harm.key), "number", "", std::string(harm.meaning)});
}

void list_ledger_keys(std::vector<JsonKey>& keys) {
  keys.push_back({"hazards.seed", "number", "", "seed of the hazard lab, the first if several"});
  keys.push_back({"hazards.seeds", "number", "", "how many seeds the ledger adds up"});
  list_keys(keys, kLedgerFields, "hazards.ledger.N.");
  list_harm_keys(keys, "hazards.ledger.N.");
  list_keys(keys, kLegendFields, "hazards.legend.N.");
}

}  // namespace mayfly::lab
