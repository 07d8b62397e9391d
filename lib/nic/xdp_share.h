// An interface that the kernel keeps, with net_af_xdp: the project's own XDP program (share.bpf.c)
// gives the port's sockets what is for its addresses, and the kernel everything else. The driver's
// own program takes all frames of a queue.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "link/interface.h"

namespace mayfly::nic {

/// The program's object file; empty if this program was built without clang.
std::string_view share_program();

class XdpShare {
 public:
  /// Fails if the interface has a program already.
  static Result<XdpShare> take(const std::string& interface);

  XdpShare(XdpShare&& other) noexcept;
  XdpShare& operator=(XdpShare&&) = delete;
  ~XdpShare();

  /// The port's device, which loads the program and attaches it.
  std::string driver_devargs(std::string_view devargs) const;
  /// Once it is attached: what the port's addresses are. From then on the program stays for as long
  /// as this process, however that ends; the driver would leave it behind. Of IPv6's link-local
  /// address it is told if the port's MAC address is not the interface's, as the kernel has the
  /// same one otherwise.
  Result<void> tell(const link::Interface& place, bool has_own_mac);

 private:
  XdpShare() = default;

  std::uint32_t index_ = 0;  // of the interface
  int file_ = -1;            // with the program, in memory
  int link_ = -1;            // holds the program at the interface
};

/// The prefixes that make up a range of numbers: first and length in bits of 32 each, few.
struct Prefix32 {
  std::uint32_t first = 0;
  std::uint8_t length = 32;
  friend bool operator==(const Prefix32&, const Prefix32&) = default;
};
std::vector<Prefix32> prefixes_of(std::uint32_t first, std::uint32_t last);

}  // namespace mayfly::nic
