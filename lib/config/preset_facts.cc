#include "config/preset_facts.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "config/preset.h"
#include "config/schema.h"

namespace mayfly::config {
namespace {

/// The hold with Linux's tcp_tw_recycle is 3.5 x RTO, as in the shard.
constexpr Duration recycle_hold(const tcp::TcpSettings& tcp) { return tcp.rto_min * 7 / 2; }

std::optional<shard::Closer> holder_under(const PresetFile& file) {
  const bool by_client =
      file.client.shard.time_wait.hand_over || file.server.close.first == shard::Closer::client;
  return by_client ? std::optional(shard::Closer::client) : std::nullopt;
}

std::optional<Duration> hold_under(const PresetFile& file, const Value& preset) {
  const shard::ShardSettings& server = file.server.shard;
  if (file.server.close.abort) return Duration{};
  if (server.time_wait.recycle) return recycle_hold(server.tcp);
  if (find(preset, "server.time_wait.hold") == nullptr) return std::nullopt;
  return server.time_wait.hold;
}

plan::PresetFacts facts_of(const std::string& name, const PresetFile& file, const Value& preset) {
  const flow::TimeWaitPolicy& policy = file.server.shard.time_wait;
  plan::PresetFacts facts;
  facts.name = name;
  facts.holder = holder_under(file);
  facts.hold = hold_under(file, preset);
  if (find(preset, "server.time_wait.capacity") != nullptr) facts.capacity = policy.capacity;
  facts.on_full = policy.on_full;
  facts.balance = policy.balance;
  facts.floor = policy.floor;
  facts.reuse = file.client.shard.time_wait.reuse == 1;
  facts.reuse_delay = file.client.shard.time_wait.reuse_delay;
  facts.harm = file.about.harm;
  return facts;
}

}  // namespace

Loaded<std::vector<plan::PresetFacts>> read_preset_facts(const std::string& config) {
  static const Form<PresetFile> form = map(policy_schema());
  Report report("");
  Presets presets(config, "");
  std::vector<std::pair<std::uint32_t, plan::PresetFacts>> found;
  for (const std::string& name : presets.known()) {
    const Value* preset = presets.find(name, Place{}, "", report);
    if (preset == nullptr) continue;
    PresetFile file;
    Report told("");  // find() has checked the same
    form.read(Cursor{*preset, "", told}, file);
    const std::uint32_t last = std::numeric_limits<std::uint32_t>::max();
    found.emplace_back(file.about.place != 0 ? file.about.place : last,
                       facts_of(name, file, *preset));
  }
  if (!report.empty()) return {std::nullopt, report.take()};
  std::ranges::stable_sort(found, {}, &std::pair<std::uint32_t, plan::PresetFacts>::first);
  std::vector<plan::PresetFacts> facts;
  for (auto& [place, one] : found) facts.push_back(std::move(one));
  return {std::move(facts), {}};
}

}  // namespace mayfly::config
