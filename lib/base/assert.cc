#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace mayfly {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "mayfly: a bug: expected %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace mayfly
