#include "nic/ring_pair.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include <bit>
#include <vector>

#include "nic/eal.h"

namespace mayfly::nic {
namespace {

std::vector<rte_ring*> make_rings(const std::string& name, std::uint32_t size,
                                  std::uint16_t queues) {
  std::vector<rte_ring*> rings;
  for (std::uint16_t q = 0; q < queues; ++q) {
    rte_ring* ring =
        rte_ring_create(fmt::format("{}_{}", name, q).c_str(), std::bit_ceil(size),
                        static_cast<int>(rte_socket_id()), RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (ring == nullptr) return {};
    rings.push_back(ring);
  }
  return rings;
}

bool make_end(const std::string& name, const std::vector<rte_ring*>& rx,
              const std::vector<rte_ring*>& tx) {
  return rte_eth_from_rings(name.c_str(), rx.data(), static_cast<unsigned>(rx.size()), tx.data(),
                            static_cast<unsigned>(tx.size()), rte_socket_id()) >= 0;
}

}  // namespace

Result<RingPair> make_ring_pair(const std::string& name, std::uint32_t ring_size,
                                std::uint16_t queues) {
  const auto a_to_b = make_rings(name + "_ab", ring_size, queues);
  const auto b_to_a = make_rings(name + "_ba", ring_size, queues);
  if (a_to_b.empty() || b_to_a.empty() || !make_end(name + "_a", b_to_a, a_to_b) ||
      !make_end(name + "_b", a_to_b, b_to_a)) {
    return Error{fmt::format("cannot make the ring pair \"{}\": {}{}", name,
                             rte_strerror(rte_errno), eal_log_suffix())};
  }
  // The driver puts its own name before ours.
  return RingPair{"net_ring_" + name + "_a", "net_ring_" + name + "_b"};
}

}  // namespace mayfly::nic
