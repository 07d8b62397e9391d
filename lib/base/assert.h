// Assertions for bugs. MAYFLY_ASSERT stays on in release builds; use it where it costs one compare.
#pragma once

namespace mayfly {
/// Prints the broken expectation and its place to standard error, then aborts.
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, const char* file,
                                              int line) noexcept;
}  // namespace mayfly

#define MAYFLY_ASSERT(expression)                                  \
  do {                                                             \
    if (!(expression)) [[unlikely]]                                \
      ::mayfly::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)
