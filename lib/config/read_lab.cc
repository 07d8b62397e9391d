// The lab's file: layers that are merged, read and checked once for each experiment.
#include <fmt/format.h>

#include <filesystem>

#include "config/derive.h"
#include "config/preset.h"
#include "config/read.h"
#include "config/rules.h"
#include "config/schema.h"
#include "config/situations.h"

namespace mayfly::config {
namespace {

/// Whether a pair is run, or only its policy is used: then no other key is required. To compare is
/// to run it with its preset above all layers.
enum class Use : std::uint8_t { run, compare, policy };

/// Makes pairs of ends from the layers of one file.
class PairReader {
 public:
  /// `top` overrides are laid over all else.
  PairReader(const Value& root, Report& report, const Machine& machine,
             std::span<const std::string> top = {})
      : root_(root),
        report_(report),
        machine_(machine),
        top_(top),
        presets_(report.file(), std::filesystem::path(report.file()).parent_path()) {
    base_.kind = Value::Kind::map;
    base_.place = root.place;
    lay_ends(base_, root);
  }

  /// Reads the base, the preset named by `pair.policy` and the layers at `key`, each laid over the
  /// one before; to compare or use a policy alone, the preset is laid over the layers. `policy_key`
  /// is the key that names the preset.
  void read(BothEnds& pair, const std::string& key, const std::string& policy_key, Use use) {
    Value merged = base_;
    const Value* own = key.empty() ? nullptr : find(root_, key);
    if (own != nullptr && use != Use::run) lay_ends(merged, with_prefix(*own, key));
    if (!pair.policy.empty()) {
      const Place place = nearest_place(root_, policy_key);
      const Value* preset = presets_.find(pair.policy, place, policy_key, report_);
      if (preset != nullptr) lay_ends(merged, *preset);
      pair.policy = preset_name(pair.policy);
    }
    if (own != nullptr && use == Use::run) lay_ends(merged, with_prefix(*own, key));
    lay_overrides(merged, top_, report_);
    Report found(report_.file());
    settle(pair, merged, found, use);
    const bool is_one_of_many = !pair.name.empty() && !policy_key.empty();
    report_.absorb(std::move(found), is_one_of_many ? "with " + pair.name : "");
  }

 private:
  static void lay_ends(Value& under, const Value& over) {
    Value ends{.kind = Value::Kind::map, .place = over.place};
    for (const Value::Entry& entry : over.entries) {
      if (entry.key == "server" || entry.key == "client") ends.entries.push_back(entry);
    }
    lay_over(under, ends);
  }

  void settle(BothEnds& pair, const Value& merged, Report& found, Use use) const {
    static const Form<BothEnds> form = map(pair_schema());
    BothEnds ends = lab_defaults();
    form.read(Cursor{merged, "", found, use == Use::policy}, ends);
    const Scope both(merged, "", found), server(merged, "server", found),
        client(merged, "client", found);
    derive(ends, server, client, found.file());
    if (use != Use::policy) {
      check_rules(ends, both, server, client);
      check_machine(ends, machine_, both, server, client);
    } else {
      check_policy(ends.server.shard, server);
      check_policy(ends.client.shard, client);
    }
    pair.server = std::move(ends.server);
    pair.client = std::move(ends.client);
  }

  const Value& root_;
  Report& report_;
  const Machine& machine_;
  std::span<const std::string> top_;
  Presets presets_;
  Value base_;
};

/// An experiment for each policy of the hazard lab in each situation.
void read_situations(LabFile& lab, PairReader& reader, const Scope& scope) {
  for (std::size_t i = 0; i < lab.situation_files.size(); ++i) {
    const lab::SituationSettings& situation = lab.situation_files[i];
    const std::string key = fmt::format("situations.{}", i);
    lab.situations.push_back(situation);
    for (std::size_t p = 0; p < lab.hazards.policies.size(); ++p) {
      const lab::LabPair& pair = lab.hazards.policies[p];
      LabExperiment experiment = experiment_in(situation, pair.policy);
      experiment.policy = pair.policy;
      reader.read(experiment, key, fmt::format("hazards.policies.{}", p), Use::compare);
      put_into(situation, experiment);
      lab.experiments.push_back(std::move(experiment));
    }
  }
  check_situations(lab, scope);
}

void read_pairs(LabFile& lab, const Value& root, Report& report, const Machine& machine) {
  PairReader reader(root, report, machine);
  const Scope scope(root, "", report);
  if (!scope.has("experiments") && !scope.has("hazards")) {
    lab.experiments.resize(1);
    lab.experiments[0].name = "run";
    reader.read(lab.experiments[0], "", "", Use::run);
    derive(lab.experiments[0], scope);
  }
  for (std::size_t i = 0; scope.has("experiments") && i < lab.experiments.size(); ++i) {
    const std::string key = fmt::format("experiments.{}", i);
    reader.read(lab.experiments[i], key, key + ".policy", Use::run);
    derive(lab.experiments[i], Scope(root, key, report));
  }
  for (std::size_t i = 0; i < lab.hazards.policies.size(); ++i) {
    lab::LabPair& pair = lab.hazards.policies[i];
    BothEnds ends{.name = pair.name, .policy = pair.policy, .server = {}, .client = {}};
    reader.read(ends, "hazards", fmt::format("hazards.policies.{}", i), Use::policy);
    pair = ends.lab_pair();
    pair.name = pair.policy;
  }
  check_rules(lab, scope);
  read_situations(lab, reader, scope);
}

}  // namespace

Loaded<LabSettings> read_lab_settings(const std::string& path,
                                      std::span<const std::string> overrides,
                                      const Machine& machine) {
  static const Form<LabFile> form = map(lab_schema());
  Report report(path);
  LabFile lab;
  if (std::optional<Value> root = read_document(path, Place{}, report)) {
    lay_overrides(*root, overrides, report);
    form.read(Cursor{*root, "", report}, lab);
    read_pairs(lab, *root, report, machine);
  }
  if (!report.empty()) return {std::nullopt, report.take(), report.take_notes()};
  return {std::move(static_cast<LabSettings&>(lab)), {}, report.take_notes()};
}

Loaded<BothEnds> read_live_pair(const std::string& path, const std::string& policy,
                                std::span<const std::string> overrides, const Machine& machine) {
  static const Form<LabFile> form = map(lab_schema());
  Report report(path);
  BothEnds pair;
  pair.policy = policy;
  if (std::optional<Value> root = read_document(path, Place{}, report)) {
    LabFile lab;
    form.read(Cursor{*root, "", report}, lab);
    PairReader(*root, report, machine, overrides).read(pair, "", "", Use::run);
  }
  if (!report.empty()) return {std::nullopt, report.take(), report.take_notes()};
  return {std::move(pair), {}, report.take_notes()};
}

Loaded<BothEnds> read_policy(const std::string& policy) {
  Report report("");
  const Value nothing{.kind = Value::Kind::map, .place = {.file = "--policy " + policy}};
  BothEnds pair;
  pair.policy = policy;
  PairReader(nothing, report, {}).read(pair, "", "", Use::policy);
  if (!report.empty()) return {std::nullopt, report.take()};
  return {std::move(pair), {}};
}

}  // namespace mayfly::config
