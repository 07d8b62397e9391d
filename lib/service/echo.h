// Echo (RFC 862) and discard (RFC 863) over TCP. Both serve until the client closes.
#pragma once

#include <cstddef>
#include <span>

#include "service/closer.h"

namespace mayfly::service {

/// Sends every byte back. If a client does not read, the service stops reading too, and resets the
/// connection after ClosePolicy::kStallMax.
class EchoService {
 public:
  EchoService(const ClosePolicy& policy, ServiceCounters& counters)
      : policy_(policy), counters_(counters) {}

  template <class Conn>
  std::size_t on_data(Conn& c, ServiceState& s, std::span<const std::byte> text) noexcept {
    if (s.phase != Phase::open) return text.size();
    const std::size_t taken = c.send_copy(text);
    counters_.bytes_out.add(taken);
    ClosePolicy::wait_for_room(c, s);
    return taken;
  }

  template <class Conn>
  void on_sent(Conn& c, ServiceState& s) noexcept {
    if (s.phase != Phase::open) return policy_.on_sent(c, s);
    if (c.unsent() > 0) return ClosePolicy::watch(c, s);
    s.untaken = 0;
    c.wake_at(Instant::never());
  }

 private:
  const ClosePolicy& policy_;
  ServiceCounters& counters_;
};

/// Discards every byte.
class DiscardService {
 public:
  explicit DiscardService(ServiceCounters& counters) : counters_(counters) {}

  std::size_t on_data(std::span<const std::byte> text) noexcept {
    counters_.discarded.add(text.size());
    return text.size();
  }

 private:
  ServiceCounters& counters_;
};

}  // namespace mayfly::service
