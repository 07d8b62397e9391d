#include "unit/nic/eal_environment.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "nic/ring_pair.h"

namespace mayfly::testing {
namespace {

std::uint32_t first_cpu() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::uint32_t cpu = 0;
  while (!CPU_ISSET(cpu, &set)) ++cpu;
  return cpu;
}

std::unique_ptr<nic::Eal> running;

class EalEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    nic::EalOptions options;
    options.hugepages = nic::HugePagesMode::never;
    options.cores = {first_cpu()};
    options.memory_mb = 192;
    auto started = start_eal(options);
    if (!started) {
      std::fprintf(stderr, "%s\n", started.error().what.c_str());
      std::exit(1);
    }
    running = std::make_unique<nic::Eal>(std::move(*started));
  }
  void TearDown() override { running.reset(); }
};

[[maybe_unused]] const auto* const environment =
    ::testing::AddGlobalTestEnvironment(new EalEnvironment);

nic::Device open(const std::string& name, std::uint32_t cores, std::uint16_t queues) {
  nic::PortSettings settings;
  settings.device = name;
  settings.descriptors = 256;
  settings.queues = queues;
  nic::DeviceOptions options;
  options.cores = cores;
  options.frames_held = 256;
  auto device = nic::Device::open(settings, options);
  if (!device) {
    std::fprintf(stderr, "%s\n", device.error().what.c_str());
    std::exit(1);
  }
  return std::move(*device);
}

}  // namespace

nic::Eal& eal() { return *running; }

OpenPair open_pair(std::uint32_t cores_a, std::uint32_t cores_b, std::uint16_t queues) {
  static int pairs = 0;
  auto pair = nic::make_ring_pair(fmt::format("t{}", pairs++), 256, queues);
  if (!pair) {
    std::fprintf(stderr, "%s\n", pair.error().what.c_str());
    std::exit(1);
  }
  const std::uint16_t wanted = queues > 1 ? queues : std::uint16_t{0};
  return {open(pair->a, cores_a, wanted), open(pair->b, cores_b, wanted)};
}

}  // namespace mayfly::testing
