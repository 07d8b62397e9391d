#include "admin/links_json.h"

namespace mayfly::admin {
namespace {

using Json = nlohmann::ordered_json;

// clang-format off
constexpr auto kFields = std::to_array<JsonField<LinkReport>>({
    {"device", "text", "", "the port's `device`",
     [](const LinkReport& link) { return Json(link.device); }},
    {"state", "text", "",
     "`up`, `no_carrier` (nothing at the other end), `down` (switched off) or `gone` (the kernel's "
     "interface was deleted)",
     [](const LinkReport& link) { return Json(link.state); }},
    {"mtu", "level", "bytes", "the device's own; 0 = it does not say",
     [](const LinkReport& link) { return Json(link.mtu); }},
    {"changes", "counter", "changes", "of state or MTU since the start",
     [](const LinkReport& link) { return Json(link.changes); }},
    {"last_change_s", "number", "s", "time since the last change, or since the start",
     [](const LinkReport& link) { return Json(link.since_change.seconds()); }},
    {"problem", "text", "", "what is wrong, and what to do about it; empty = nothing",
     [](const LinkReport& link) { return Json(link.problem); }},
});
// clang-format on

}  // namespace

Json links_json(std::span<const LinkReport> links) {
  Json json = Json::array();
  for (const LinkReport& link : links) {
    Json one;
    write_fields(one, kFields, link);
    json.push_back(std::move(one));
  }
  return json;
}

std::vector<JsonKey> link_json_keys() {
  std::vector<JsonKey> keys;
  list_keys(keys, kFields, "links.N.");
  return keys;
}

}  // namespace mayfly::admin
