// What is wrong now and what to do about it, in words: the page's banner, the head of `mayfly top`,
// the reasons of /api/health.
#pragma once

#include <nlohmann/json.hpp>

#include "admin/reading.h"

namespace mayfly::admin {

/// An array of {level: "bad" | "warn" | "note", key, what, do, policy}; the worst first. `policy`
/// is a preset that helps, or null. `sample` has the live figures of `now`; `peak_rate` is the most
/// TIME_WAIT entries made a second of late.
nlohmann::ordered_json problems_of(const nlohmann::ordered_json& sample, const Reading& now,
                                   double peak_rate);

}  // namespace mayfly::admin
