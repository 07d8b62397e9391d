// What the lab measures: samples in time, an experiment's outcome, the hazard ledger. Plain values,
// filled by the runner and the hazard lab, read by the evaluation, the files and the report.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lab/settings.h"

namespace mayfly {

/// One look at a running experiment. Rates are those since the sample before.
struct LabSample {
  double t = 0;          ///< seconds since the experiment began
  double cps = 0;        ///< connections completed a second, as the client counts
  double offered = 0;    ///< connections that were to start a second: the schedule's
  double refused = 0;    ///< SYNs a second that the server dropped: table or TIME_WAIT full
  double reset = 0;      ///< connections a second that ended by RST or RST in LAST_ACK, both ends
  double failed = 0;     ///< connections a second that failed, as the client counts
  double exhausted = 0;  ///< starts a second for which no source pair was free
  std::uint64_t server_time_wait = 0, client_time_wait = 0;  ///< entries held
  std::uint64_t server_open = 0, client_open = 0;            ///< connection blocks in use
  double server_hold = 0;  ///< seconds; what an entry made now gets (time_wait.balance moves it)
  double p50_us = 0, p99_us = 0;            ///< latency of what completed since the sample before
  double server_busy = 0, client_busy = 0;  ///< share of the polling cores' cycles, 0..1
};

/// An experiment as it was run.
struct ExperimentRun {
  ExperimentSettings settings;
  std::vector<LabSample> samples;
  nlohmann::ordered_json server, client;  ///< the results of serve and of load
  bool interrupted = false;               ///< the user ended it before its time
};

/// One policy's row of the hazard ledger. Counts over the whole simulated run.
struct LedgerRow {
  std::string policy;
  std::uint64_t connections = 0;        ///< begun by the clients
  std::uint64_t completed = 0;          ///< whole and unharmed, from both ends' view
  std::uint64_t reset_in_last_ack = 0;  ///< reason 1: a lost final ACK was answered by RST
  std::uint64_t old_data = 0;           ///< reason 2: segments of an old incarnation taken as new
  std::uint64_t killed = 0;          ///< RFC 1337 H3: ended by a segment that was not meant for it
  std::uint64_t desynchronised = 0;  ///< RFC 1337 H2: the two ends never agreed again
  std::uint64_t blackholed = 0;      ///< SYNs that a live listener never answered
  std::uint64_t challenges = 0;      ///< ACKs that answered what TIME_WAIT refused: not a harm
  std::uint64_t peak_time_wait = 0;  ///< entries, both ends
  std::uint64_t harms() const {
    return reset_in_last_ack + old_data + killed + desynchronised + blackholed;
  }
};

/// Where and with what it was made.
struct LabOrigin {
  std::string version, commit, machine, when;
  std::string config_name, config;  ///< the lab's file and its text
};

struct LabResult {
  LabOrigin origin;
  std::vector<ExperimentRun> experiments;
  std::uint64_t hazard_seed = 0;
  std::vector<LedgerRow> ledger;
};

}  // namespace mayfly
