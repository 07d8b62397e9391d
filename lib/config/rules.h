// What no single key can tell: rules between keys. They run on settings that were read, and stay
// silent about keys that are known to be wrong.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/error.h"
#include "config/settings.h"

namespace mayfly::config {

/// The part of a document that holds the keys of one settings struct: all of it, or an
/// experiment's "server".
class Scope {
 public:
  Scope(const Value& root, std::string prefix, Report& report)
      : root_(root), prefix_(std::move(prefix)), report_(report), known_(report.size()) {}

  /// Whether the file or an override says anything under `key`.
  bool has(std::string_view key) const;
  /// Whether the keys were read without error. What rules find counts not: each stands for itself.
  bool is_sound(std::initializer_list<std::string_view> keys) const;
  void fail(std::string_view key, std::string what, std::string hint = {}) const;

 private:
  const Value& root_;
  std::string prefix_;
  Report& report_;
  std::size_t known_;  ///< errors at the start
};

void check_rules(const ServeSettings& settings, const Scope& scope);
void check_rules(const ProgramSettings& settings, const Scope& scope);
void check_rules(const LoadSettings& settings, const Scope& scope);
/// What holds of either end's policy alone: tcp and time_wait.
void check_policy(const shard::ShardSettings& settings, const Scope& scope);
/// The two ends of an experiment, each by itself and with the other.
void check_rules(const BothEnds& pair, const Scope& both, const Scope& server, const Scope& client);
/// The experiments with each other.
void check_rules(const LabSettings& lab, const Scope& scope);

}  // namespace mayfly::config
