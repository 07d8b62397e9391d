// What a configuration that is good by itself is held against before a start: the machine, the
// files that it names, and whether its load can last. The questions are the caller's, so that this
// folder opens nothing and a test can play the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/rules.h"
#include "config/settings.h"
#include "nic/unfit.h"

namespace mayfly::config {

/// The addresses that a name has, the first of each family.
struct HostAddresses {
  std::optional<Ipv4Address> four;
  std::optional<Ipv6Address> six;
};

/// An answer says what is wrong and what to do; nothing if all is well. What is not set is not
/// asked.
struct Machine {
  /// What is not there may come, or is on another machine: that is noted, and no error.
  bool tolerates_absence = false;
  std::vector<std::uint32_t> cpus;  ///< that this process may use; empty = not asked
  std::function<std::optional<nic::Unfit>(const nic::PortSettings&, std::size_t cores)> why_unfit;
  std::function<std::optional<std::string>(const std::string& file)> why_unwritable;
  std::function<std::optional<std::string>(const std::string& socket)> why_no_socket;
  std::function<std::optional<std::string>(const admin::AdminSettings&)> why_no_page;
  std::function<Result<void>(const service::HttpSettings&)> check_site;
  std::function<Result<void>(const load::ClientSettings&)> check_sources;
  std::function<Result<HostAddresses>(const std::string& name)> resolve;
  std::function<Result<void>(const lab::LabPair&)> check_lasts;
};

/// Asks for the addresses of a target that has a name, before the settings are checked, and takes
/// that of the family that is asked for, or else of one that the ports have; IPv4 if they have
/// both.
void resolve_target(LoadSettings& settings, const Machine& machine, const Scope& scope);

void check_machine(const ServeSettings& settings, const Machine& machine, const Scope& scope);
void check_machine(const ProgramSettings& settings, const Machine& machine, const Scope& scope);
void check_machine(const LoadSettings& settings, const Machine& machine, const Scope& scope);
/// An experiment, whose devices the lab makes.
void check_machine(const BothEnds& pair, const Machine& machine, const Scope& both,
                   const Scope& server, const Scope& client);

}  // namespace mayfly::config
