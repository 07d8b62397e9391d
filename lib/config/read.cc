#include "config/read.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "config/derive.h"
#include "config/preset.h"
#include "config/rules.h"
#include "config/schema.h"

namespace mayfly::config {
namespace {

void derive_all(ServeSettings& settings, const Scope& scope, const std::string& file) {
  derive(settings, scope, file);
}
void derive_all(ProgramSettings& settings, const Scope& scope, const std::string&) {
  derive(settings, scope);
}
void derive_all(LoadSettings& settings, const Scope& scope, const std::string&) {
  derive(settings, scope);
}

template <class T>
void resolve(T&, const Machine&, const Scope&) {}
void resolve(LoadSettings& settings, const Machine& machine, const Scope& scope) {
  check_target(settings.target, scope);
  resolve_target(settings, machine, scope);
}

template <class T>
void finish(T& settings, const Value& root, Report& report, const Machine& machine) {
  const Scope scope(root, "", report);
  resolve(settings, machine, scope);
  derive_all(settings, scope, report.file());
  check_rules(settings, scope);
  check_machine(settings, machine, scope);
}

/// Lays the part of the preset that is for this end, "server" or "client", over the document.
void lay_preset(Value& root, const std::string& policy, const std::string& end, Report& report,
                Report& presets_report) {
  if (policy.empty()) return;
  Presets presets(report.file(), "");
  const Place command_line{.file = "--policy " + policy};
  const Value* preset = presets.find(policy, command_line, "", presets_report);
  const Value* part = preset == nullptr ? nullptr : find(*preset, end);
  if (part != nullptr && part->kind == Value::Kind::map) lay_over(root, with_prefix(*part, end));
}

template <class T>
Loaded<T> read(const std::string& path, std::span<const std::string> overrides,
               const std::string& policy, const std::string& end, const Form<T>& form,
               const Machine& machine) {
  // Errors of the preset are reported separately, as keys have other names there.
  Report report(path), presets_report(path);
  T settings;
  if (std::optional<Value> root = read_document(path, Place{}, report)) {
    lay_preset(*root, policy, end, report, presets_report);
    lay_overrides(*root, overrides, report);
    form.read(Cursor{*root, "", report}, settings);
    finish(settings, *root, report, machine);
  }
  report.absorb(std::move(presets_report));
  if (!report.empty()) return {std::nullopt, report.take(), report.take_notes()};
  return {std::move(settings), {}, report.take_notes()};
}

}  // namespace

Loaded<ServeSettings> read_serve_settings(const std::string& path,
                                          std::span<const std::string> overrides,
                                          const std::string& policy, const Machine& machine) {
  static const Form<ServeSettings> form = map(serve_schema());
  return read(path, overrides, policy, "server", form, machine);
}

Loaded<ProgramSettings> read_program_settings(const std::string& path,
                                              std::span<const std::string> overrides,
                                              const std::string& policy, const Machine& machine) {
  static const Form<ProgramSettings> form = map(program_schema());
  return read(path, overrides, policy, "server", form, machine);
}

Loaded<LoadSettings> read_load_settings(const std::string& path,
                                        std::span<const std::string> overrides,
                                        const std::string& policy, const Machine& machine) {
  static const Form<LoadSettings> form = map(load_schema());
  return read(path, overrides, policy, "client", form, machine);
}

FileKind kind_of(const std::string& path, std::span<const std::string> overrides) {
  Report unused(path);
  std::optional<Value> root = read_document(path, Place{}, unused);
  if (!root) return FileKind::serve;
  lay_overrides(*root, overrides, unused);
  const auto has_one_of = [&](std::initializer_list<std::string_view> keys) {
    return std::ranges::any_of(keys, [&](std::string_view key) { return find(*root, key); });
  };
  if (has_one_of({"about"})) return FileKind::policy;
  if (has_one_of({"experiments", "hazards", "wire", "sample"})) return FileKind::lab;
  if (has_one_of({"server", "client"})) {
    // A lab has at least to say how much load there is; a preset has no key for it.
    return has_one_of({"client.load"}) ? FileKind::lab : FileKind::policy;
  }
  if (has_one_of({"listen", "http"})) return FileKind::serve;
  return has_one_of({"load", "target", "sources"}) ? FileKind::load : FileKind::serve;
}

}  // namespace mayfly::config
