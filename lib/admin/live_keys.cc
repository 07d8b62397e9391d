// What a sample's keys are; a test holds sampler.cc to them.
#include <algorithm>

#include "admin/sampler.h"
#include "admin/stats_json.h"

namespace mayfly::admin {

std::vector<JsonKey> live_json_keys() {
  std::vector<JsonKey> keys = {
      {"t", "number", "s", "when the sample was taken, since 1970"},
      {"interval_s", "number", "s", "time that the rates are of: since the sample before"},
      {"policy", "text", "", "preset in effect; empty = as the file says"},
      {"draining", "boolean", "", "whether no new connections are accepted any more"},
      {"changes", "counter", "changes", "changes of the settings since the start"},
      {"cps", "number", "connections/s", "connections that ended with both FINs exchanged"},
      {"accepted_cps", "number", "connections/s", "passive opens that were completed"},
      {"reset_cps", "number", "connections/s", "connections that ended by the peer's RST"},
      {"retransmitted_cps", "number", "segments/s", "segments sent again"},
      {"rx_pps", "number", "frames/s", "frames received"},
      {"tx_pps", "number", "frames/s", "frames handed to the device"},
      {"cookies_cps", "number", "segments/s", "SYNs answered with a cookie"},
      {"connections", "gauge", "connections", "connection blocks in use now"},
      {"connections_max", "number", "connections", "connection blocks that there are"},
      {"states.handshake", "gauge", "connections", "in SYN_RECEIVED"},
      {"states.open", "gauge", "connections", "in ESTABLISHED or CLOSE_WAIT, or opened by us"},
      {"states.closing", "gauge", "connections",
       "closed here and waiting for the peer: FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK"},
      {"states.time_wait", "gauge", "entries", "TIME_WAIT entries held now"},
      {"time_wait.now", "gauge", "entries", "TIME_WAIT entries held now"},
      {"time_wait.capacity", "number", "entries", "entries that may be held, of all cores"},
      {"time_wait.opened_cps", "number", "entries/s", "entries made"},
      {"time_wait.expired_cps", "number", "entries/s", "entries held for their whole time"},
      {"time_wait.evicted_cps", "number", "entries/s", "entries ended early to make room"},
      {"time_wait.skipped_cps", "number", "connections/s", "closed without an entry that was due"},
      {"time_wait.hold_s", "level", "s", "hold (2MSL) of an entry made now"},
      {"time_wait.little", "number", "entries", "`opened_cps` x `hold_s`: what this rate fills"},
      {"time_wait.evicted_age_s", "number", "s",
       "median age of those evicted meanwhile, within a power of two; null if none was"},
      {"time_wait.ages", "array", "",
       "entries by age: place i counts those below 2^i s and not below half of it, the last all "
       "older ones; from the rate at which they were made"},
      {"drops", "object", "",
       "frames and segments dropped a second, by reason; those that dropped "
       "nothing are left out"},
      {"harm.rst_to_last_ack", "number", "segments/s",
       "RSTs to the FIN of a connection unknown "
       "here"},
      {"harm.reset_in_last_ack", "number", "connections/s",
       "connections of ours reset in "
       "LAST_ACK"},
      {"harm.syn_recycled_away", "number", "segments/s", "SYNs dropped by time_wait.recycle"},
      {"busy", "array", "", "share of each core's cycles in polls that did work, 0 to 1"},
      {"client", "object", "", "the live lab's generator: the keys from `cps` to `busy`"},
      {"latency_us.p50", "number", "us",
       "median latency of the time since the sample before; "
       "`latency_us` is null where nothing is measured"},
      {"latency_us.p99", "number", "us", "99th percentile of the same"},
      {"load.offered_cps", "number", "connections/s", "starts that were due"},
      {"load.completed_cps", "number", "connections/s", "connections completed as planned"},
      {"load.failed_cps", "number", "connections/s", "connections that failed"},
      {"load.failed", "object", "", "the same by reason; those without any are left out"},
      {"load.exhausted_cps", "number", "connections/s", "starts that found no free source"},
      {"links", "array", "", "as `links` of serve"},
      {"problems", "array", "",
       "what is wrong now, the worst first: `level` (bad, warn, note), `key`, `what`, `do`, and "
       "`policy`, a preset that helps, or null"},
  };
  const auto place = std::ranges::find(keys, "time_wait.now", &JsonKey::path);
  std::vector<JsonKey> states;
  for (const tcp::State state : kCountedStates)
    states.push_back({"by_state." + key_of(state), "gauge", "connections",
                      "connections in " + std::string(name_of(state)) + " now"});
  keys.insert(place, states.begin(), states.end());
  return keys;
}

}  // namespace mayfly::admin
