#include "world/fairness_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "world/ledger.h"

namespace mayfly::world {

void FairnessOracle::look_at_end(Instant now) {
  for (std::uint32_t index = 0; index < book_.size() && !judge_.found(); ++index) {
    const Incarnation& i = book_[index];
    const Duration bound = scenario_.traffics[book_.tuple(i.tuple).traffic].bound;
    judge_answer(i, now);
    if (scenario_.is_harmless) judge_ledger(i, now);
    if (bound < Duration::max()) judge_bound(i, bound, now);
  }
  for (std::size_t traffic = 0; traffic < scenario_.traffics.size(); ++traffic)
    if (scenario_.traffics[traffic].goodput_least > 0) judge_goodput(traffic, now);
}

// Whatever happens to others, this one is not evicted, not reset and not kept waiting.
void FairnessOracle::judge_bound(const Incarnation& i, Duration bound, Instant now) {
  if (i.parting == Parting::client_aborts || i.parting == Parting::server_aborts) return;
  const auto violated = [&](const std::string& what) {
    judge_.violated(now, "fairness", what + ": " + describe(book_, i));
  };
  if (!i.client.ended_well() || !i.server.ended_well())
    return violated(fmt::format("it ended {} at the client and {} at the server",
                                name_of(i.client.reason), name_of(i.server.reason)));
  const Duration took = std::max(i.client.ended_at, i.server.ended_at) - i.began;
  if (took > bound) violated(fmt::format("it took {:.3f} s", took.seconds()));
}

// Where nothing happens but that flows are moved, nobody is harmed.
void FairnessOracle::judge_ledger(const Incarnation& i, Instant now) {
  LedgerRow row;
  add_to(row, i);
  const std::pair<const char*, std::uint64_t> harms[] = {
      {"reset in LAST_ACK", row.reset_in_last_ack},
      {"old data", row.old_data},
      {"killed", row.killed},
      {"desynchronised", row.desynchronised},
      {"blackholed", row.blackholed}};
  for (const auto& [name, count] : harms)
    if (count > 0)
      judge_.violated(
          now, "ledger",
          fmt::format("{}, {} at the client and {} at the server: {}", name,
                      name_of(i.client.reason), name_of(i.server.reason), describe(book_, i)));
}

// RFC 9112 9.6: an RST for what the client said behind its request must not destroy the answer.
void FairnessOracle::judge_answer(const Incarnation& i, Instant now) {
  const bool ends_orderly =
      i.parting == Parting::client_first || i.parting == Parting::server_first;
  const bool is_cut = i.client.ended && i.client.opened &&
                      i.client.reason == flow::CloseReason::reset && i.client.received < i.answer;
  // A connection that sends an RST for what nobody reads has itself ended by `reset`.
  using Reason = flow::CloseReason;
  const bool is_servers_doing = i.server.ended && !i.server.crashed && !i.server.gave_up &&
                                !i.server.lingered &&
                                (i.server.reason == Reason::aborted ||
                                 i.server.reason == Reason::reset || i.server.ended_well());
  const bool is_promised = scenario_.keeps_promises && i.promised;
  if (!is_promised || i.chatter == 0 || !ends_orderly || !is_cut || !is_servers_doing) return;
  judge_.violated(now, "answer",
                  fmt::format("{} of {} octets arrived before an RST: {}", i.client.received,
                              i.answer, describe(book_, i)));
}

// From the first connection that was begun to the last.
void FairnessOracle::judge_goodput(std::size_t traffic, Instant now) {
  constexpr std::size_t kLeast = 200;  // fewer say nothing
  std::vector<Instant> begun, ended;
  for (std::uint32_t index = 0; index < book_.size(); ++index) {
    const Incarnation& i = book_[index];
    if (book_.tuple(i.tuple).traffic != traffic) continue;
    begun.push_back(i.began);
    if (i.client.ended_well() && i.server.ended_well()) ended.push_back(i.client.ended_at);
  }
  if (begun.size() < kLeast) return;
  const Duration span = begun.back() - begun.front();
  const auto completed =
      std::ranges::count_if(ended, [&](Instant at) { return at <= begun.back(); });
  const double rate = static_cast<double>(completed) / span.seconds();
  const double least = scenario_.traffics[traffic].goodput_least;
  if (rate < least)
    judge_.violated(now, "goodput",
                    fmt::format("{:.0f} connections a second while {:.0f} are offered; {:.0f} are "
                                "promised",
                                rate, static_cast<double>(begun.size()) / span.seconds(), least));
}

}  // namespace mayfly::world
