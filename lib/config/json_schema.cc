#include "config/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace mayfly::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kListOf = "list of ";

Json any_of(std::string_view choices) {
  Json values = Json::array();
  while (!choices.empty()) {
    const std::size_t comma = std::min(choices.find(", "), choices.size());
    const std::string word(choices.substr(0, comma));
    values.push_back(word);
    // YAML reads these as numbers and truth values if they have no quotes.
    const Json plain = Json::parse(word, nullptr, false);
    if (plain.is_number() || plain.is_boolean()) values.push_back(plain);
    choices.remove_prefix(std::min(comma + 2, choices.size()));
  }
  return {{"enum", std::move(values)}};
}

/// The schema of a value of this type, as KeyReference names it.
Json value_of(std::string_view type, std::string_view range) {
  if (type.starts_with(kListOf)) {
    // A list of one may be written as the one.
    const Json item = value_of(type.substr(kListOf.size()), range);
    Json list{{"type", "array"}, {"items", item}};
    if (item.value("type", Json()) == "object") return list;
    return {{"anyOf", Json::array({std::move(list), item})}};
  }
  if (type.ends_with(" or map"))
    return {{"type", Json::array({"string", "number", "boolean", "null", "object"})}};
  if (type == "map") return {{"type", "object"}};
  if (type == "one of") return any_of(range);
  if (type == "boolean") return {{"type", Json::array({"boolean", "string"})}};
  return {{"type", Json::array({"string", "number", "boolean", "null"})}};
}

/// The object that the key is in, below `root`; those on the way are made.
Json& object_of(Json& root, std::string_view& key) {
  Json* at = &root;
  for (std::size_t dot; (dot = key.find('.')) != key.npos; key.remove_prefix(dot + 1)) {
    const std::string word(key.substr(0, dot));
    if (word == "N") {
      at = &(*at)["items"];
    } else {
      Json& properties = (*at)["properties"];
      at = &properties[word];
    }
    if (!at->contains("type"))
      (*at)["type"] = key.substr(dot + 1).starts_with("N.") ? "array" : "object";
    if ((*at)["type"] == "object") (*at)["additionalProperties"] = false;
  }
  return *at;
}

void add(Json& root, const KeyReference& key) {
  std::string_view name = key.path;
  Json& object = object_of(root, name);
  Json value = value_of(key.type, key.range);
  std::string help = key.help;
  if (!key.range.empty()) help += fmt::format(" ({}: {})", key.type, key.range);
  if (key.fallback != "required") help += fmt::format("; by default {}", key.fallback);
  value["description"] = help;
  if (key.fallback == "required") object["required"].push_back(std::string(name));
  Json& place = object["properties"][std::string(name)];
  value.update(place.is_null() ? Json::object() : place);
  place = std::move(value);
}

}  // namespace

std::string json_schema(const std::string& title, const std::vector<KeyReference>& keys) {
  Json root{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
            {"title", title},
            {"type", "object"},
            {"additionalProperties", false}};
  for (const KeyReference& key : keys) add(root, key);
  return root.dump(1) + "\n";
}

}  // namespace mayfly::config
