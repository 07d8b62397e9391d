#include "run/engine.h"

#include <sys/random.h>

#include "base/assert.h"

namespace mayfly::run {

tcp::Secret random_secret() {
  tcp::Secret secret{};
  const ssize_t got = getrandom(secret.data(), sizeof secret, 0);
  MAYFLY_ASSERT(got == static_cast<ssize_t>(sizeof secret));
  return secret;
}

}  // namespace mayfly::run
