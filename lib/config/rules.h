// Rules between keys. They are checked on settings that were read, and skipped for keys in which
// there is already an error.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/error.h"
#include "config/settings.h"

namespace mayfly::config {

/// The part of a document that has the keys of one settings struct: all of it, or the "server" of
/// an experiment.
class Scope {
 public:
  Scope(const Value& root, std::string prefix, Report& report)
      : root_(root), prefix_(std::move(prefix)), report_(report), known_(report.size()) {}

  /// True if the file or an override sets `key` or a key below it.
  bool has(std::string_view key) const;
  /// The text of a key that has a single value; empty if there is none.
  std::string_view text(std::string_view key) const;
  /// True if the keys were read without error. Errors found by rules do not count.
  bool is_sound(std::initializer_list<std::string_view> keys) const;
  /// Reports an error of `key`.
  void fail(std::string_view key, std::string what, std::string hint = {}) const;
  /// See Report::note.
  void note(std::string_view key, std::string what, std::string hint = {}) const;

 private:
  const Value& root_;
  std::string prefix_;
  Report& report_;
  std::size_t known_;  ///< errors at the start
};

void check_rules(const ServeSettings& settings, const Scope& scope);
void check_rules(const ProgramSettings& settings, const Scope& scope);
/// The key that says where the server is: target.url or target.address.
std::string_view target_key(const Scope& scope);
/// The keys of a target that a file names (the lab knows its own).
void check_target(const load::TargetSettings& target, const Scope& scope);
void check_rules(const LoadSettings& settings, const Scope& scope);
/// Checks the policy of either end: tcp and time_wait.
void check_policy(const shard::ShardSettings& settings, const Scope& scope);
/// Checks the two ends of an experiment, each by itself and both together.
void check_rules(const BothEnds& pair, const Scope& both, const Scope& server, const Scope& client);
/// Checks all experiments together.
void check_rules(const LabSettings& lab, const Scope& scope);
/// When the experiments of its situations are among them.
void check_situations(const LabSettings& lab, const Scope& scope);

}  // namespace mayfly::config
