// What the lab measures: samples in time, an experiment's outcome, the hazard ledger. Plain values,
// filled by the runner and the hazard lab, read by the evaluation, the files and the report.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lab/settings.h"
#include "world/ledger_row.h"

namespace mayfly::lab {

/// A sample of a running experiment. Rates are those since the sample before.
struct LabSample {
  double t = 0;          ///< seconds since the experiment began
  double cps = 0;        ///< connections completed a second, as the client counts
  double offered = 0;    ///< connections a second that the schedule starts
  double refused = 0;    ///< SYNs a second that the server dropped: table or TIME_WAIT full
  double reset = 0;      ///< connections a second that ended by RST or RST in LAST_ACK, both ends
  double failed = 0;     ///< connections a second that failed, as the client counts
  double exhausted = 0;  ///< starts a second for which no source was free
  std::uint64_t server_time_wait = 0, client_time_wait = 0;  ///< entries held
  std::uint64_t server_open = 0, client_open = 0;            ///< connection blocks in use
  double server_hold = 0;  ///< seconds; that of an entry made now (time_wait.balance)
  double p50_us = 0, p99_us = 0, p999_us = 0;  ///< latency of connections since the sample before
  double server_busy = 0, client_busy = 0;     ///< share of busy cycles, 0..1
  /// Of server_open: in SYN_RECEIVED, and closed there but waiting for the client (FIN_WAIT_1,
  /// FIN_WAIT_2, CLOSING, LAST_ACK).
  std::uint64_t server_half_open = 0, server_closing = 0;
};

/// An experiment as it was run.
struct ExperimentRun {
  ExperimentSettings settings;
  std::vector<LabSample> samples;
  nlohmann::ordered_json server, client;  ///< the results of serve and of load
  bool interrupted = false;               ///< the user ended it early
  int runs = 1;                           ///< this is the last of so many, see run_as_expected()
};

/// The origin of a result: program, machine, time and configuration.
struct LabOrigin {
  std::string version, commit, machine, when;
  std::string config_name, config;  ///< the lab's file and its text
};

/// What this machine carries without TIME_WAIT.
struct Calibration {
  std::string experiment;  ///< that measured it; empty = none did
  double cps = 0;          ///< connections a second, the median of its samples
};

/// All that a lab has measured.
struct LabResult {
  LabOrigin origin;
  Calibration calibration;
  std::vector<SituationSettings> situations;
  std::vector<ExperimentRun> experiments;
  std::uint64_t hazard_seed = 0;
  std::uint32_t hazard_seeds = 1;  ///< from that one on
  std::vector<world::LedgerRow> ledger;
};

}  // namespace mayfly::lab
