// The ports' links as JSON: what stands under `links` of serve and load.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fields.h"
#include "base/time.h"

namespace mayfly::admin {

struct LinkReport {
  std::string device;
  std::string_view state;  ///< nic::name_of
  std::uint32_t mtu = 0;
  std::uint64_t changes = 0;
  Duration since_change{};
  std::string problem;  ///< empty = none
};

/// The array.
nlohmann::ordered_json links_json(std::span<const LinkReport> links);
/// The keys of each of its places, for doc/json.md.
std::vector<JsonKey> link_json_keys();

}  // namespace mayfly::admin
