// The file descriptors that become readable when a device has received, where its driver reads from
// the kernel. A core without work waits for them, and need not look again and again.
#pragma once

#include <cstdint>
#include <vector>

namespace mayfly::nic {

/// How a driver's receive queues can be waited for.
enum class RxEvents : std::uint8_t {
  none,            ///< they cannot
  packet_sockets,  ///< each is an AF_PACKET socket
  xdp_sockets,     ///< each is an AF_XDP socket
  interrupts,      ///< each is the descriptor of its receive interrupt, which is always enabled
};

/// The descriptors of this process that are sockets of the family, in ascending order.
std::vector<int> sockets_of(int family);

/// Made before a device, which then opens its sockets: no driver tells its own. For the control
/// thread.
class RxEventsFinder {
 public:
  explicit RxEventsFinder(RxEvents kind);
  /// The device has to be configured with receive interrupts.
  bool needs_interrupts() const { return kind_ == RxEvents::interrupts; }
  /// The descriptor of each queue of the started device. Sockets are in the order in which they
  /// were opened, which is that of the queues. None if there is another number of them.
  std::vector<int> find(std::uint16_t port_id, std::uint32_t queues) const;

 private:
  RxEvents kind_;
  std::vector<int> before_;
};

}  // namespace mayfly::nic
