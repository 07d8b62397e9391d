#include "config/read.h"

#include "config/derive.h"
#include "config/preset.h"
#include "config/rules.h"
#include "config/schema.h"

namespace mayfly::config {
namespace {

void finish(ServeSettings& settings, const Value& root, Report& report) {
  const Scope scope(root, "", report);
  derive(settings, scope, report.file());
  check_rules(settings, scope);
}

void finish(ProgramSettings& settings, const Value& root, Report& report) {
  const Scope scope(root, "", report);
  derive(settings, scope);
  check_rules(settings, scope);
}

void finish(LoadSettings& settings, const Value& root, Report& report) {
  const Scope scope(root, "", report);
  derive(settings, scope);
  check_rules(settings, scope);
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
               const std::string& policy, const std::string& end, const Form<T>& form) {
  // Errors of the preset are reported separately, as keys have other names there.
  Report report(path), presets_report(path);
  T settings;
  if (std::optional<Value> root = read_document(path, Place{}, report)) {
    lay_preset(*root, policy, end, report, presets_report);
    lay_overrides(*root, overrides, report);
    form.read(Cursor{*root, "", report}, settings);
    finish(settings, *root, report);
  }
  report.absorb(std::move(presets_report));
  if (!report.empty()) return {std::nullopt, report.take()};
  return {std::move(settings), {}};
}

}  // namespace

Loaded<ServeSettings> read_serve_settings(const std::string& path,
                                          std::span<const std::string> overrides,
                                          const std::string& policy) {
  static const Form<ServeSettings> form = map(serve_schema());
  return read(path, overrides, policy, "server", form);
}

Loaded<ProgramSettings> read_program_settings(const std::string& path,
                                              std::span<const std::string> overrides,
                                              const std::string& policy) {
  static const Form<ProgramSettings> form = map(program_schema());
  return read(path, overrides, policy, "server", form);
}

Loaded<LoadSettings> read_load_settings(const std::string& path,
                                        std::span<const std::string> overrides,
                                        const std::string& policy) {
  static const Form<LoadSettings> form = map(load_schema());
  return read(path, overrides, policy, "client", form);
}

}  // namespace mayfly::config
