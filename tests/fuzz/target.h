// A fuzz target: a function that must hold its promises whatever bytes it is given. What it expects
// it says with GoogleTest's expectations, so that the same object code runs under libFuzzer and,
// over the corpus, as an ordinary test.
#pragma once

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "fuzz/input.h"

namespace mayfly::testing {

struct Target {
  std::string_view name;
  void (*run)(FuzzInput);

  /// Makes the target known; a file has one, as a static object.
  Target(std::string_view of_corpus, void (*function)(FuzzInput)) : name(of_corpus), run(function) {
    all().push_back(this);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  /// The targets that this program was linked with.
  static std::vector<const Target*>& all() {
    static std::vector<const Target*> known;
    return known;
  }
};

}  // namespace mayfly::testing
