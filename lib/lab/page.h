// The page without its data, as the build embeds it (embed.py): everything before the JSON and
// everything after it.
#pragma once

#include <string_view>

namespace mayfly::lab {

extern const std::string_view kPageBeforeData, kPageAfterData;

}  // namespace mayfly::lab
