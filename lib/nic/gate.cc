#include "nic/gate.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"

namespace mayfly::nic {

namespace {

bool membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

Gate::Gate(std::uint32_t cores)
    : cores_(cores),
      fences_itself_(!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)),
      places_(std::make_unique<Place[]>(cores)) {}

void Gate::close() noexcept {
  open_.store(false, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // A full fence on every core that runs a thread of this process.
  if (!fences_itself_) {
    const bool done = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    MAYFLY_ASSERT(done);  // nothing but a missing registration makes it fail
  }
  for (std::uint32_t core = 0; core < cores_; ++core)
    while (places_[core].is_inside.load(std::memory_order_acquire)) sched_yield();
}

}  // namespace mayfly::nic
