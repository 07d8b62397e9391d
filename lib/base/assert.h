// Assertions for bugs. They stay on in release builds; use them where they cost one compare.
#pragma once

namespace mayfly {
/// Prints the broken expectation and its place to standard error, then aborts.
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, const char* file,
                                              int line) noexcept;
}  // namespace mayfly

/// Aborts the process if `expression` is false. States what must hold at entry or exit whatever a
/// peer or a file contains; input that can be wrong is an Error, a Drop or a Verdict.
#define MAYFLY_ASSERT(expression)                                  \
  do {                                                             \
    if (!(expression)) [[unlikely]]                                \
      ::mayfly::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)
