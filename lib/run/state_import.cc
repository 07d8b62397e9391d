#include "run/state_import.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

namespace mayfly::run {
namespace {

using Json = nlohmann::ordered_json;

struct Tally {
  std::uint64_t taken = 0, expired = 0, known = 0, refused = 0;

  void add(const Tally& more) {
    taken += more.taken;
    expired += more.expired;
    known += more.known;
    refused += more.refused;
  }
  void put_into(Json& json) const {
    json["taken"] = taken;
    json["expired"] = expired;
    json["known"] = known;
    json["refused"] = refused;
  }
};

/// Gives a core entries in pieces. False: it does not answer.
bool give(const ImportingCores& cores, std::size_t core,
          std::span<const flow::ForeignTimeWait> entries, Tally& sum) {
  while (!entries.empty()) {
    const auto some = entries.first(std::min(entries.size(), flow::ForeignBatch::kMax));
    entries = entries.subspan(some.size());
    flow::ForeignBatch batch;
    std::ranges::copy(some, batch.entries.begin());
    batch.size = some.size();
    if (!cores.take(core, batch)) return false;
    sum.add({batch.taken, batch.expired, batch.known, batch.refused});
  }
  return true;
}

/// An error if a core does not answer.
Result<Tally> hand_over(const ImportingCores& cores, const flow::ForeignTimeWaits& read) {
  std::vector<std::vector<flow::ForeignTimeWait>> owned(cores.cores);
  std::vector<flow::ForeignTimeWait> for_all;
  for (const flow::ForeignTimeWait& entry : read.entries) {
    const std::optional<std::size_t> owner = cores.owner(entry.key);
    (owner ? owned[*owner] : for_all).push_back(entry);
  }
  Tally sum{.expired = read.expired}, same;
  for (std::size_t core = 0; core < cores.cores; ++core)
    if (!give(cores, core, owned[core], sum) || !give(cores, core, for_all, core == 0 ? sum : same))
      return Error{"core " + std::to_string(core) + " does not answer"};
  return sum;
}

}  // namespace

Json import_time_waits(const ImportingCores& cores, const std::vector<std::string>& files) {
  Json json{{"files", Json::array()}};
  Tally all;
  for (const std::string& file : files) {
    Json one{{"file", file}};
    const auto read = cores.read(file);
    const auto handed = read ? hand_over(cores, *read) : Result<Tally>(read.error());
    if (handed) {
      handed->put_into(one);
      all.add(*handed);
    } else {
      one["error"] = handed.error().what;
    }
    json["files"].push_back(std::move(one));
  }
  all.put_into(json);
  return json;
}

}  // namespace mayfly::run
