#include "nic/eal.h"

#include <fmt/format.h>
#include <pthread.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_version.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include "base/assert.h"
#include "nic/devargs.h"
#include "nic/eal_log.h"
#include "nic/host.h"
#include "nic/memif.h"
#include "nic/quirks.h"

namespace mayfly::nic {

struct Eal::State {
  std::vector<std::function<void()>> loops;  // one a core; lcore i + 1 runs loops[i]
  std::string memory_words;
  bool hugepages = false;
};

namespace {

constexpr std::size_t kHugePageMb = 2;

std::size_t free_huge_pages() {
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  std::size_t pages = 0;
  file >> pages;
  return file ? pages : 0;
}

struct MemoryChoice {
  bool hugepages = false;
  std::string words;
};

MemoryChoice choose_memory(const EalOptions& options) {
  const std::string plain =
      fmt::format("{} MB of ordinary 4 KB pages (slower: more TLB misses)", options.memory_mb);
  if (options.hugepages == HugePagesMode::never) {
    return {false, plain + ", as set in the configuration"};
  }
  const std::size_t needed = (options.memory_mb + kHugePageMb - 1) / kHugePageMb;
  const std::size_t free = free_huge_pages();
  if (free >= needed) return {true, fmt::format("{} huge pages of {} MB", needed, kHugePageMb)};
  return {
      false,
      fmt::format(
          "{}: {} huge pages of {} MB are needed and {} are free; \"sysctl -w vm.nr_hugepages={}\" "
          "makes some",
          plain, needed, kHugePageMb, free, needed)};
}

std::string comma_list(const std::vector<std::uint32_t>& cpus) {
  std::string list;
  for (const std::uint32_t cpu : cpus) {
    if (!list.empty()) list += ',';
    list += std::to_string(cpu);
  }
  return list;
}

Result<void> check_cores(const std::vector<std::uint32_t>& cores,
                         const std::vector<std::uint32_t>& allowed) {
  if (cores.size() >= RTE_MAX_LCORE) {
    return Error{fmt::format("{} cores, but at most {} can poll", cores.size(), RTE_MAX_LCORE - 1)};
  }
  for (std::size_t i = 0; i < cores.size(); ++i) {
    if (!std::ranges::binary_search(allowed, cores[i])) {
      return Error{fmt::format("core {} is not among this process's CPUs {}", cores[i],
                               comma_list(allowed))};
    }
    if (std::find(cores.begin(), cores.begin() + i, cores[i]) != cores.begin() + i) {
      return Error{fmt::format("core {} is given twice", cores[i])};
    }
  }
  return {};
}

/// "0@(2,3),1@0,2@1": the control thread on the CPUs that do not poll, then a worker for each
/// polling core.
std::string lcore_map(const std::vector<std::uint32_t>& cores,
                      const std::vector<std::uint32_t>& allowed) {
  std::vector<std::uint32_t> control;
  for (const std::uint32_t cpu : allowed) {
    if (std::ranges::find(cores, cpu) == cores.end()) control.push_back(cpu);
  }
  if (control.empty()) control = allowed;
  std::string map = fmt::format("0@({})", comma_list(control));
  for (std::size_t i = 0; i < cores.size(); ++i) map += fmt::format(",{}@{}", i + 1, cores[i]);
  return map;
}

std::vector<std::string> arguments(const EalOptions& options, bool hugepages,
                                   const std::vector<std::uint32_t>& allowed) {
  std::string prefix = options.file_prefix;
  if (prefix.empty()) prefix = fmt::format("mayfly-{}", getpid());
  std::vector<std::string> args{
      "mayfly", "--lcores=" + lcore_map(options.cores, allowed), "--main-lcore=0",
      // Virtual addresses for DMA too: no physical ones are needed, root or not.
      "--iova-mode=va", "--log-level=*:error", "--file-prefix=" + prefix, "-m",
      std::to_string(options.memory_mb)};
  if (hugepages) {
    args.push_back("--in-memory");  // nothing is left behind on hugetlbfs, nor under /run
  } else {
    args.insert(args.end(), {"--no-huge", "--no-shconf"});  // excludes --in-memory in 22.11
  }
  if (!options.telemetry) args.push_back("--no-telemetry");
  if (options.single_file_segments) args.push_back("--single-file-segments");
  if (options.pci.empty()) args.push_back("--no-pci");
  for (const std::string& address : options.pci) args.insert(args.end(), {"-a", address});
  return args;
}

bool init(std::vector<std::string> args) {
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  return rte_eal_init(static_cast<int>(args.size()), argv.data()) >= 0;
}

int call_loop(void* loop) {
  (*static_cast<std::function<void()>*>(loop))();
  return 0;
}

}  // namespace

void EalOptions::expect(const PortSettings& port) {
  for (const std::string& device : {port.device, port.exception.device}) {
    if (is_pci_address(device)) pci.push_back(device);
    if (is_zero_copy(device) || quirks_of(device_name(device)).shares_memory)
      single_file_segments = true;
  }
}

Eal::Eal(std::unique_ptr<State> state) : state_(std::move(state)) {}

Eal::Eal(Eal&& other) noexcept = default;

Eal::~Eal() {
  if (state_ == nullptr) return;
  wait();
  const std::string runtime_folder = rte_eal_get_runtime_dir();
  rte_eal_cleanup();
  // DPDK removes neither the folder of this process's prefix, nor in time the socket there.
  unlink((runtime_folder + "/dpdk_telemetry.v2").c_str());
  rmdir(runtime_folder.c_str());
}

bool Eal::run_on(std::size_t core_index, std::function<void()> loop) {
  MAYFLY_ASSERT(core_index < state_->loops.size());
  const auto lcore = static_cast<unsigned>(core_index + 1);
  if (rte_eal_get_lcore_state(lcore) != WAIT) return false;
  state_->loops[core_index] = std::move(loop);
  return rte_eal_remote_launch(call_loop, &state_->loops[core_index], lcore) == 0;
}

void Eal::wait() { rte_eal_mp_wait_lcore(); }

const std::string& Eal::memory_words() const { return state_->memory_words; }
bool Eal::hugepages() const { return state_->hugepages; }

Result<Eal> start_eal(const EalOptions& options) {
  const std::vector<std::uint32_t> allowed = allowed_cpus();
  if (const auto possible = check_cores(options.cores, allowed); !possible) return possible.error();
  MemoryChoice memory = choose_memory(options);
  keep_eal_log();
  if (!init(arguments(options, memory.hugepages, allowed))) {
    return Error{
        fmt::format("DPDK did not start: {}{}", rte_strerror(rte_errno), eal_log_suffix())};
  }
  Eal eal(std::make_unique<Eal::State>(
      Eal::State{std::vector<std::function<void()>>(options.cores.size()), std::move(memory.words),
                 memory.hugepages}));
  for (const std::string& vdev : options.vdevs) {
    if (rte_dev_probe(vdev.c_str()) != 0) {
      return Error{fmt::format("cannot make the device \"{}\"{}", vdev, eal_log_suffix())};
    }
  }
  return eal;
}

std::string dpdk_version() { return rte_version(); }

}  // namespace mayfly::nic
