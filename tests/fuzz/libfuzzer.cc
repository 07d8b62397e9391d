// What libFuzzer calls: the one target of this program. A failed expectation counts as a crash.
#include <cstdlib>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const mayfly::testing::Target& target = *mayfly::testing::Target::all().front();
  target.run(mayfly::testing::FuzzInput(std::as_bytes(std::span(data, size))));
  if (::testing::UnitTest::GetInstance()->Failed()) std::abort();
  return 0;
}
