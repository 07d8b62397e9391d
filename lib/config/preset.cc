#include "config/preset.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "config/schema.h"

namespace mayfly::config {
namespace {

constexpr const char* kSuffix = ".yaml";

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(kSuffix);
}

/// The preset in `file`, checked. It is laid over other layers even if it has mistakes, as its
/// other keys may show more of them.
std::optional<Value> read_preset(const std::string& file, Report& report) {
  static const Form<PresetFile> form = map(policy_schema());
  Report found(report.file());
  std::optional<Value> root = read_document(file, Place{.file = file}, found);
  if (root) {
    PresetFile unused;
    form.read(Cursor{*root, "", found}, unused);
  }
  report.absorb(std::move(found));
  return root;
}

}  // namespace

Presets::Presets(const std::string& config, std::filesystem::path path_base)
    : path_base_(std::move(path_base)) {
  const std::filesystem::path folder = std::filesystem::path(config).parent_path();
  for (const auto& candidate :
       {folder / ".." / "policy", folder / "policy", std::filesystem::path("conf") / "policy",
        std::filesystem::path(MAYFLY_SHARE) / "conf" / "policy"}) {
    folders_.push_back(candidate.lexically_normal());
  }
}

const Value* Presets::find(const std::string& name, const Place& place, const std::string& key,
                           Report& report) {
  const std::optional<std::filesystem::path> file = locate(name);
  if (!file) {
    Report missing(report.file());  // which the same finding twice is not added to
    missing.add(place, key, in_quotes(name) + " is no preset", hint_for(name));
    report.absorb(std::move(missing));
    return nullptr;
  }
  auto [at, is_new] = read_.try_emplace(*file);
  if (is_new) at->second = read_preset(file->string(), report);
  return at->second ? &*at->second : nullptr;
}

std::string Presets::hint_for(const std::string& name) const {
  if (is_path(name))
    return "a path is relative to the file that names it, or to the current folder";
  const std::vector<std::string> names = known();
  if (!names.empty()) return fmt::format("known: {}", fmt::join(names, ", "));
  std::vector<std::string> looked_in;
  for (const std::filesystem::path& folder : folders_) looked_in.push_back(folder.string());
  return fmt::format("there are none in {}", fmt::join(looked_in, ", "));
}

std::optional<std::filesystem::path> Presets::locate(const std::string& name) const {
  std::error_code ignored;
  if (is_path(name)) {
    const std::filesystem::path file = (path_base_ / name).lexically_normal();
    if (std::filesystem::is_regular_file(file, ignored)) return file;
    return std::nullopt;
  }
  for (const std::filesystem::path& folder : folders_) {
    const std::filesystem::path file = folder / (name + kSuffix);
    if (std::filesystem::is_regular_file(file, ignored)) return file;
  }
  return std::nullopt;
}

std::vector<std::string> Presets::known() const {
  std::set<std::string> names;
  std::error_code failure;
  for (const std::filesystem::path& folder : folders_) {
    std::filesystem::directory_iterator file(folder, failure), end;
    for (; !failure && file != end; file.increment(failure)) {
      if (file->path().extension() == kSuffix) names.insert(file->path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

std::string preset_name(const std::string& name_or_path) {
  return is_path(name_or_path) ? std::filesystem::path(name_or_path).stem().string() : name_or_path;
}

}  // namespace mayfly::config
