// Notes in the book which SYNs and resets reach a server, and what it sends to their clients before
// it lets them in: nothing else shows a SYN that a live listener does not answer.
#pragma once

#include <cstddef>
#include <span>

#include "world/world.h"

namespace mayfly::world {

class HandshakeTap {
 public:
  /// Sees the frames of the port of host `server` from now on. `world` outlives the tap, which
  /// outlives the world's last step.
  HandshakeTap(World& world, std::size_t server);
  HandshakeTap(const HandshakeTap&) = delete;
  HandshakeTap& operator=(const HandshakeTap&) = delete;

 private:
  void see(std::span<const std::byte> frame, bool sent, Instant now);
  bool has_room() const;

  World& world_;
  const WorldHost& server_;
};

}  // namespace mayfly::world
