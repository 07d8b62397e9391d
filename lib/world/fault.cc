#include "world/fault.h"

#include <array>

namespace mayfly::world {

std::string_view name_of(SimFault fault) noexcept {
  constexpr std::string_view names[] = {
#define MAYFLY_X(name, help) #name,
      MAYFLY_SIM_FAULTS(MAYFLY_X)
#undef MAYFLY_X
  };
  return names[static_cast<std::size_t>(fault)];
}

std::string_view help_of(SimFault fault) noexcept {
  constexpr std::string_view helps[] = {
#define MAYFLY_X(name, help) help,
      MAYFLY_SIM_FAULTS(MAYFLY_X)
#undef MAYFLY_X
  };
  return helps[static_cast<std::size_t>(fault)];
}

std::string to_string(FaultSet faults) {
  std::string text;
  faults.for_each([&](SimFault fault) {
    if (!text.empty()) text += ',';
    text += name_of(fault);
  });
  return text.empty() ? "none" : text;
}

Result<FaultSet> parse_faults(std::string_view text) {
  if (text == "none") return FaultSet{};
  if (text == "all") return FaultSet::all();
  FaultSet faults;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view name = text.substr(0, comma);
    bool known = false;
    FaultSet::all().for_each([&](SimFault fault) {
      if (name != name_of(fault)) return;
      known = true;
      faults = faults.with(fault);
    });
    if (!known)
      return Error{"there is no fault '" + std::string(name) + "'; 'list' shows those there are"};
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return faults;
}

}  // namespace mayfly::world
