// DPDK's environment for test programs that need its hash table and no device: started once,
// without huge pages, PCI or files. A program gets it by compiling this file in.
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>

namespace mayfly::testing {
namespace {

class EalEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    std::array<const char*, 9> arguments{
        "mayfly_test",    "--no-huge", "--no-shconf", "--no-pci",
        "--no-telemetry", "-m",        "256",         "--log-level=lib.eal:error",
        nullptr};
    const int count = static_cast<int>(arguments.size()) - 1;
    ASSERT_GE(rte_eal_init(count, const_cast<char**>(arguments.data())), 0);
  }
  void TearDown() override { rte_eal_cleanup(); }
};
[[maybe_unused]] const auto* const kEal = ::testing::AddGlobalTestEnvironment(new EalEnvironment);

}  // namespace
}  // namespace mayfly::testing
