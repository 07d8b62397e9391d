#include "lab_wire.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "nic/ring_pair.h"

namespace mayfly::app {

Result<LabWireEnds> make_wire(config::LabWire wire, const config::BothEnds& ends) {
  if (wire == config::LabWire::ring) {
    const auto queues =
        static_cast<std::uint16_t>(std::max(ends.server.cores.size(), ends.client.cores.size()));
    const auto pair = nic::make_ring_pair("lab", kRingSize, queues);
    if (!pair) return pair.error();
    return LabWireEnds{pair->a, pair->b};
  }
  const auto end = [](int number, const char* role) {
    return fmt::format(
        "net_memif{},role={},id=0,socket=/tmp/mayfly-lab-{}.sock,socket-abstract=no,rsize=14",
        number, role, getpid());
  };
  return LabWireEnds{end(0, "server"), end(1, "client")};
}

}  // namespace mayfly::app
