// DPDK's environment for test programs that need its hash table and no device: started once,
// without huge pages, PCI or files. A program gets it by compiling this file in.
#include <gtest/gtest.h>

#include "support/eal.h"

namespace mayfly::testing {
namespace {

class EalEnvironment : public ::testing::Environment {
 public:
  void SetUp() override { ASSERT_TRUE(start_eal()); }
  void TearDown() override { rte_eal_cleanup(); }
};
[[maybe_unused]] const auto* const kEal = ::testing::AddGlobalTestEnvironment(new EalEnvironment);

}  // namespace
}  // namespace mayfly::testing
