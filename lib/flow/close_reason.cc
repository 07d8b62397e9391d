#include "flow/close_reason.h"

#include <array>

namespace mayfly::flow {
namespace {

#define MAYFLY_X(name, help) #name,
constexpr std::array<std::string_view, kCloseReasonCount> kNames{MAYFLY_CLOSE_REASONS(MAYFLY_X)};
#undef MAYFLY_X
#define MAYFLY_X(name, help) help,
constexpr std::array<std::string_view, kCloseReasonCount> kHelps{MAYFLY_CLOSE_REASONS(MAYFLY_X)};
#undef MAYFLY_X

}  // namespace

std::string_view name_of(CloseReason reason) noexcept {
  const auto i = static_cast<std::size_t>(reason);
  return i < kCloseReasonCount ? kNames[i] : "unknown";
}

std::string_view help_of(CloseReason reason) noexcept {
  const auto i = static_cast<std::size_t>(reason);
  return i < kCloseReasonCount ? kHelps[i] : "";
}

}  // namespace mayfly::flow
