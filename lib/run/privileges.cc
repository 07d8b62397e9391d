#include "run/privileges.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include "base/assert.h"

namespace mayfly::run {

void give_up_capabilities() {
  const cap_t none = cap_init();
  MAYFLY_ASSERT(none != nullptr);
  const bool is_done = cap_set_proc(none) == 0;
  cap_free(none);
  // A program that is executed gets none back, whatever its file says, and though the user is root.
  MAYFLY_ASSERT(is_done && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

}  // namespace mayfly::run
