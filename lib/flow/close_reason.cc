#include "flow/close_reason.h"

namespace mayfly {

std::string_view name_of(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::done: return "done";
    case CloseReason::time_wait: return "time_wait";
    case CloseReason::fin_wait_2: return "fin_wait_2";
    case CloseReason::reset: return "reset";
    case CloseReason::refused: return "refused";
    case CloseReason::timed_out: return "timed_out";
    case CloseReason::unreachable: return "unreachable";
    case CloseReason::aborted: return "aborted";
  }
  return "unknown";
}

}  // namespace mayfly
