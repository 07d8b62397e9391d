#include "nic/device.h"

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>

#include "nic/devargs.h"
#include "nic/device_setup.h"
#include "nic/eal.h"
#include "nic/fitness.h"
#include "nic/host.h"
#include "nic/memif.h"
#include "nic/quirks.h"
#include "nic/rx_events.h"
#include "nic/vhost.h"
#include "wire/ipv6_address.h"
#include "wire/print.h"

namespace mayfly::nic {
namespace {

constexpr useconds_t kRetryUs = 100'000;
constexpr std::uint32_t kLinkHeaderMax = 18;  // Ethernet's with an 802.1Q tag: no part of the MTU

std::uint64_t random_word() {
  static std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::optional<std::uint16_t> find_port(const std::string& name) {
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) return std::nullopt;
  return id;
}

}  // namespace

/// The steps of Device::open, in order; each returns an error or success.
class DeviceOpener {
 public:
  DeviceOpener(const PortSettings& settings, const DeviceOptions& options)
      : settings_(settings),
        options_(options),
        rx_events_(quirks_of(device_name(settings.device)).rx_events) {
    device_.group_ = std::make_unique<PortGroup>();
  }

  Result<Device> open() {
    for (auto step : {&DeviceOpener::probe, &DeviceOpener::plan, &DeviceOpener::make_pools,
                      &DeviceOpener::configure, &DeviceOpener::set_up_queues,
                      &DeviceOpener::make_rings, &DeviceOpener::set_mac, &DeviceOpener::tell_xdp,
                      &DeviceOpener::start, &DeviceOpener::join_groups, &DeviceOpener::learn_hash,
                      &DeviceOpener::wait_for_link, &DeviceOpener::share_with_kernel}) {
      if (const Result<void> done = (this->*step)(); !done) return done.error();
    }
    return std::move(device_);
  }

 private:
  Error failed(std::string_view what, int status) const {
    // To many drivers -1 is just a failure, and no errno.
    const std::string reason = status == -1 ? "" : fmt::format(": {}", rte_strerror(-status));
    return {fmt::format("device \"{}\": {}{}{}", settings_.device, what, reason, eal_log_suffix())};
  }

  Result<void> probe() {
    const std::string name(device_name(settings_.device));
    auto id = find_port(name);
    if (!id) {
      if (const auto why = why_unfit(settings_, options_.cores))
        return Error{fmt::format("device \"{}\": {}", settings_.device, why->what)};
      std::string devargs = settings_.device;
      if (is_memif(devargs)) {
        auto control = MemifControl::create(devargs, options_.cores);
        if (!control) return Error{fmt::format("device \"{}\": {}", devargs, control.error().what)};
        device_.memif_ = std::move(*control);
        device_.group_->gate = &device_.memif_->gate();
        devargs = device_.memif_->driver_devargs();
      }
      if (settings_.xdp == XdpMode::share) {
        auto xdp = XdpShare::take(host_interface_of(settings_));
        if (!xdp) return Error{fmt::format("device \"{}\": {}", devargs, xdp.error().what)};
        device_.xdp_ = std::make_unique<XdpShare>(std::move(*xdp));
        devargs = device_.xdp_->driver_devargs(devargs);
      }
      if (const auto socket = vhost_socket(devargs))
        if (const auto met = meet_peer(*socket); !met) return met;
      take_eal_log();  // so that an error quotes only messages about this device
      const int status = rte_dev_probe(devargs.c_str());
      id = find_port(name);
      if (!id) return failed("no such device, or its driver refused the arguments", status);
    }
    PortGroup& group = *device_.group_;
    group.port_id = *id;
    if (const int status = rte_eth_dev_info_get(*id, &info_); status != 0)
      return failed("no information", status);
    device_.driver_ = info_.driver_name;
    device_.mtu_ = settings_.mtu;
    device_.interface_ = host_interface_of(settings_);
    if (const auto host = host_interface(device_.interface_))
      device_.interface_index_ = host->index;
    return {};
  }

  /// A guest's end of virtio starts with its host's end, or not at all.
  Result<void> meet_peer(const VhostSocket& socket) const {
    remove_stale_socket(socket);
    if (!socket.needs_peer) return {};
    const std::string peer = fmt::format("the host's end of virtio on {}", socket.path);
    Duration waited;
    if (socket.listens) keep_waiting(peer, waited);  // the driver itself waits
    while (!socket.listens && !has_listener(socket))
      if (!keep_waiting(peer, waited)) return failed("gave up waiting for " + peer, -ETIMEDOUT);
    return {};
  }

  Result<void> plan() {
    PortGroup& group = *device_.group_;
    if (auto why = why_queues_do_not_fit(info_, settings_.queues, options_.cores))
      return Error{fmt::format("device \"{}\": {}", settings_.device, *why)};
    plan_ = plan_queues(info_, settings_.queues, options_.cores);
    group.cores = options_.cores;
    group.rx_queues = plan_.rx_queues;
    group.tx_queues = plan_.tx_queues;
    group.steering = plan_.steering;
    group.flow_secret = {random_word(), random_word()};
    std::uint16_t rx = descriptors_wanted(settings_), tx = rx;
    if (rx == 0) rx = info_.default_rxportconf.ring_size;
    if (tx == 0) tx = info_.default_txportconf.ring_size;
    device_.rx_descriptors_ = rx != 0 ? rx : kDescriptorsDefault;
    device_.tx_descriptors_ = tx != 0 ? tx : kDescriptorsDefault;
    return {};
  }

  Result<void> make_pools() {
    if (options_.pool != nullptr) {
      device_.owns_pools_ = false;
      device_.group_->pools = {options_.pool};
      return {};
    }
    const std::uint32_t descriptors = std::max(device_.rx_descriptors_, device_.tx_descriptors_);
    for (std::uint32_t core = 0; core < options_.cores; ++core) {
      const std::uint32_t frames =
          pool_size(plan_, core, descriptors, frames_held(settings_, options_), options_.cores);
      rte_mempool* pool = rte_pktmbuf_pool_create(
          fmt::format("frames_{}_{}", device_.group_->port_id, core).c_str(), frames, kPoolCache, 0,
          RTE_PKTMBUF_HEADROOM + link::kFrameRoom, static_cast<int>(rte_socket_id()));
      if (pool == nullptr) {
        return failed(fmt::format("no memory for {} frames of core {}", frames, core), -rte_errno);
      }
      device_.group_->pools.push_back(pool);
    }
    return {};
  }

  Result<void> configure() {
    PortGroup& group = *device_.group_;
    rte_eth_conf conf{};
    device_.rx_offloads_ = wanted_rx_offloads(info_);
    conf.rxmode.offloads = device_.rx_offloads_;
    conf.txmode.offloads = wanted_tx_offloads(info_, plan_.steering);
    // Its interrupt thread handles what its peer does. Asked for the link, the driver would do the
    // same on our thread at the same time; so we are told what the interrupt thread has seen.
    conf.intr_conf.lsc = quirks_of(device_.driver_).shares_memory ? 1 : 0;
    conf.intr_conf.rxq = rx_events_.needs_interrupts() ? 1 : 0;
    if (settings_.mtu >= info_.min_mtu && settings_.mtu <= info_.max_mtu)
      conf.rxmode.mtu = settings_.mtu;
    if (plan_.steering == Steering::device_hash) {
      // The key is secret, so that a peer cannot aim at one core.
      group.toeplitz_key.resize(toeplitz_key_size(info_));
      for (std::uint8_t& octet : group.toeplitz_key)
        octet = static_cast<std::uint8_t>(random_word());
      conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
      // Whole TCP only: fragments all come to one queue then, where they can be put together.
      conf.rx_adv_conf.rss_conf = {group.toeplitz_key.data(), toeplitz_key_size(info_),
                                   RTE_ETH_RSS_NONFRAG_IPV4_TCP | rss_of_ipv6()};
    }
    group.tx_offloads.ip_checksum = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
    group.tx_offloads.tcp_checksum = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
    group.tx_from_one_pool = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0;
    if (group.tx_offloads.ip_checksum)
      group.tx_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
    if (group.tx_offloads.tcp_checksum)
      group.tx_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
    if (group.tx_offloads.tcp_checksum)  // there is no checksum in the header of IPv6
      group.tx_flags6 = RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_TCP_CKSUM;
    int status = rte_eth_dev_configure(group.port_id, plan_.rx_queues, plan_.tx_queues, &conf);
    if (status != 0) return failed("its configuration was refused", status);
    // Devices without such limits do not change the numbers.
    status = rte_eth_dev_adjust_nb_rx_tx_desc(group.port_id, &device_.rx_descriptors_,
                                              &device_.tx_descriptors_);
    if (status != 0) return failed("no acceptable number of descriptors", status);
    return {};
  }

  Result<void> set_up_queues() {
    const PortGroup& group = *device_.group_;
    const int socket = rte_eth_dev_socket_id(group.port_id);
    const auto node = static_cast<unsigned>(socket);  // SOCKET_ID_ANY stays what it is
    for (std::uint16_t q = 0; q < plan_.rx_queues; ++q) {
      const int status = rte_eth_rx_queue_setup(group.port_id, q, device_.rx_descriptors_, node,
                                                nullptr, group.pools[q]);
      if (status != 0) return failed(fmt::format("receive queue {}", q), status);
    }
    for (std::uint16_t q = 0; q < plan_.tx_queues; ++q) {
      const int status =
          rte_eth_tx_queue_setup(group.port_id, q, device_.tx_descriptors_, node, nullptr);
      if (status != 0) return failed(fmt::format("transmit queue {}", q), status);
    }
    return {};
  }

  rte_ring* make_ring(std::string_view kind, std::uint32_t core, unsigned flags) const {
    const std::string name = fmt::format("{}_{}_{}", kind, device_.group_->port_id, core);
    return rte_ring_create(name.c_str(), kHandOverRing, static_cast<int>(rte_socket_id()), flags);
  }

  Result<void> make_rings() {
    PortGroup& group = *device_.group_;
    if (group.steering == Steering::one_core) return {};
    const bool software = group.steering == Steering::software;
    const unsigned rx_flags = software ? RING_F_SP_ENQ | RING_F_SC_DEQ : RING_F_SC_DEQ;
    for (std::uint32_t core = 0; core < group.cores; ++core) {
      group.rx_rings.push_back(make_ring("rx_ring", core, rx_flags));
      if (group.rx_rings.back() == nullptr) return failed("no memory for a ring", -rte_errno);
      group.tx_rings.push_back(nullptr);
      if (core < group.tx_queues) continue;
      group.tx_rings.back() = make_ring("tx_ring", core, RING_F_SP_ENQ | RING_F_SC_DEQ);
      if (group.tx_rings.back() == nullptr) return failed("no memory for a ring", -rte_errno);
    }
    return {};
  }

  Result<void> set_mac() {
    const std::uint16_t id = device_.group_->port_id;
    rte_ether_addr own{};
    if (const int status = rte_eth_macaddr_get(id, &own); status != 0)
      return failed("no MAC address", status);
    if (!settings_.mac && !rte_is_valid_assigned_ether_addr(&own))
      rte_eth_random_addr(own.addr_bytes);
    if (settings_.mac)
      std::memcpy(own.addr_bytes, settings_.mac->octets.data(), sizeof own.addr_bytes);
    std::memcpy(device_.mac_.octets.data(), own.addr_bytes, sizeof own.addr_bytes);
    if (!settings_.mac) return {};
    if (!quirks_of(device_.driver_).shares_host_interface &&
        rte_eth_dev_default_mac_addr_set(id, &own) == 0) {
      return {};
    }
    rte_eth_promiscuous_enable(id);  // devices without a filter refuse, and do not need it
    device_.mac_words_ = "; accepts frames for any MAC address and keeps its own";
    return {};
  }

  /// Until then the program lets everything pass.
  Result<void> tell_xdp() {
    if (device_.xdp_ == nullptr) return {};
    const auto told = device_.xdp_->tell(place(), settings_.mac.has_value());
    if (told) return {};
    return Error{fmt::format("device \"{}\": {}", settings_.device, told.error().what)};
  }

  link::Interface place() const {
    link::Interface place;
    static_cast<link::LinkSettings&>(place) = settings_;
    place.mac = device_.mac_;
    return place;
  }

  bool keep_waiting(const std::string& waiting_for, Duration& waited) const {
    if (waited >= options_.patience) return false;
    waited = waited + Duration{kRetryUs};
    usleep(kRetryUs);
    return !options_.on_wait || options_.on_wait(waiting_for);
  }

  Result<void> start() {
    // Its control channel starts a memif client, which needs its server for it.
    if (!is_memif_client(settings_.device)) {
      const int status = rte_eth_dev_start(device_.group_->port_id);
      if (status != 0) return failed("it does not start", status);
    }
    if (device_.memif_ != nullptr) device_.memif_->begin(device_.group_->port_id);
    device_.rx_events_ = rx_events_.find(device_.group_->port_id, plan_.rx_queues);
    return {};
  }

  std::uint64_t rss_of_ipv6() const {
    return settings_.addresses6.empty()
               ? 0
               : info_.flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV6_TCP;
  }

  /// RFC 4861 7.2: questions for our addresses come to groups. A device that cannot take a list of
  /// them takes all groups, or everything; one without any filter refuses all three.
  Result<void> join_groups() {
    if (settings_.addresses6.empty()) return {};
    constexpr std::uint32_t kGroupsMax = 64;
    std::vector<rte_ether_addr> groups;
    const auto join = [&](const Ipv6Address& group) {
      rte_ether_addr address{};
      const MacAddress mac = wire::group_mac(group);
      std::memcpy(address.addr_bytes, mac.octets.data(), sizeof address.addr_bytes);
      groups.push_back(address);
    };
    join(wire::kAllNodes);
    join(wire::solicited_node(wire::link_local_of(device_.mac_)));
    bool fits = true;
    for (const link::InterfaceAddress6& range : settings_.addresses6) {
      if (!range.arp) continue;
      const std::uint32_t more = range.last.low() - range.first.low();
      fits = fits && more < kGroupsMax;
      for (std::uint32_t k = 0; fits && k <= more; ++k)
        join(wire::solicited_node(range.first.with_low(range.first.low() + k)));
    }
    const std::uint16_t id = device_.group_->port_id;
    if (fits && rte_eth_dev_set_mc_addr_list(id, groups.data(),
                                             static_cast<std::uint32_t>(groups.size())) == 0)
      return {};
    if (rte_eth_allmulticast_enable(id) != 0) rte_eth_promiscuous_enable(id);
    return {};
  }

  /// Sets the queue of each hash value. A device may accept our table, or have its own.
  Result<void> learn_hash() {
    PortGroup& group = *device_.group_;
    if (group.steering != Steering::device_hash) return {};
    std::vector<rte_eth_rss_reta_entry64> table((info_.reta_size + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                                RTE_ETH_RETA_GROUP_SIZE);
    for (std::uint16_t i = 0; i < info_.reta_size; ++i) {
      auto& entry = table[i / RTE_ETH_RETA_GROUP_SIZE];
      entry.mask |= std::uint64_t{1} << i % RTE_ETH_RETA_GROUP_SIZE;
      entry.reta[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<std::uint16_t>(i % group.rx_queues);
    }
    int status = rte_eth_dev_rss_reta_update(group.port_id, table.data(), info_.reta_size);
    if (status != 0)
      status = rte_eth_dev_rss_reta_query(group.port_id, table.data(), info_.reta_size);
    if (status != 0) return failed("its RSS table can neither be set nor read", status);
    for (std::uint16_t i = 0; i < info_.reta_size; ++i) {
      group.indirection.push_back(
          table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE]);
    }
    return {};
  }

  /// The frames that a memif client sends before the end of its handshake are lost.
  Result<void> wait_for_link() {
    Duration waited;
    while (is_memif_client(settings_.device) && !device_.link_up()) {
      const std::string peer = memif_peer_words(settings_.device);
      if (!keep_waiting(peer, waited)) return failed("gave up waiting for " + peer, -ETIMEDOUT);
    }
    return {};
  }

  /// The second device has the port's MTU and, if it can, its MAC address, so that the kernel takes
  /// for its own what comes by the port. The port hears all groups: some are the kernel's.
  Result<void> share_with_kernel() {
    if (!settings_.exception.any()) return {};
    PortGroup& group = *device_.group_;
    PortSettings second;
    second.device = settings_.exception.device;
    second.mtu = settings_.mtu;
    second.descriptors = kExceptionDescriptors;
    DeviceOptions options = options_;
    options.cores = 1;
    options.pool = group.pools[0];
    auto kernel = Device::open(second, options);
    if (!kernel) return kernel.error();
    device_.kernel_ = std::make_unique<Device>(std::move(*kernel));
    const std::uint16_t id = device_.kernel_->group_->port_id;
    rte_eth_dev_set_mtu(id, settings_.mtu);  // a device without one takes any frame
    rte_ether_addr mac{};
    std::memcpy(mac.addr_bytes, device_.mac_.octets.data(), sizeof mac.addr_bytes);
    if (quirks_of(device_.kernel_->driver_).is_kernel_end)
      rte_eth_dev_default_mac_addr_set(id, &mac);
    if (rte_eth_allmulticast_enable(group.port_id) != 0) rte_eth_promiscuous_enable(group.port_id);
    return make_exception_group();
  }

  Result<void> make_exception_group() {
    PortGroup& group = *device_.group_;
    device_.exception_ = std::make_unique<ExceptionGroup>();
    ExceptionGroup& exception = *device_.exception_;
    exception.settings = settings_.exception;
    exception.interface = place();
    exception.kernel = device_.kernel_->group_.get();
    exception.frame_max = settings_.mtu + kLinkHeaderMax;
    exception.waiting =
        rte_ring_create(fmt::format("to_kernel_{}", group.port_id).c_str(), kExceptionRing,
                        static_cast<int>(rte_socket_id()), RING_F_SC_DEQ);
    if (exception.waiting == nullptr) return failed("no memory for a ring", -rte_errno);
    group.exception = device_.exception_.get();
    return {};
  }

  const PortSettings& settings_;
  const DeviceOptions& options_;
  RxEventsFinder rx_events_;
  rte_eth_dev_info info_{};
  QueuePlan plan_;
  Device device_;
};

Result<Device> Device::open(const PortSettings& settings, const DeviceOptions& options) {
  return DeviceOpener(settings, options).open();
}

Device::~Device() {
  kernel_.reset();  // it has frames of our pool
  if (exception_ != nullptr) rte_ring_free(exception_->waiting);
  memif_.reset();  // its driver hears of no peer any more
  if (group_ == nullptr || driver_.empty()) return;
  rte_eth_dev_stop(group_->port_id);
  rte_eth_dev_close(group_->port_id);
  for (rte_ring* ring : group_->rx_rings) rte_ring_free(ring);
  for (rte_ring* ring : group_->tx_rings) rte_ring_free(ring);
  for (rte_mempool* pool : group_->pools)
    if (owns_pools_) rte_mempool_free(pool);
}

std::vector<int> Device::rx_events(std::uint32_t core_index) const {
  // With several cores each has a ring besides, which others fill.
  if (group_->steering != Steering::one_core || rx_events_.empty()) return {};
  std::vector<int> events{rx_events_[core_index]};
  if (kernel_ == nullptr) return events;
  if (kernel_->rx_events_.empty()) return {};
  events.push_back(kernel_->rx_events_[0]);
  return events;
}

LinkReading Device::link() const {
  LinkReading reading{.state = LinkState::no_carrier};
  if (!interface_.empty()) {
    const auto host = host_interface(interface_);
    if (!host || host->index != interface_index_) return {LinkState::gone, 0};
    reading.mtu = host->mtu;
    const std::uint32_t frame_max = host->mtu < mtu_ ? host->mtu + kLinkHeaderMax : UINT32_MAX;
    group_->frame_max.store(frame_max, std::memory_order_relaxed);
    if (!host->is_up) {
      reading.state = LinkState::down;
    } else if (host->has_carrier) {
      reading.state = LinkState::up;
    }
    return reading;
  }
  std::uint16_t mtu = 0;
  if (rte_eth_dev_get_mtu(group_->port_id, &mtu) == 0) reading.mtu = mtu;
  rte_eth_link link{};
  const bool is_up = group_->gate != nullptr
                         ? group_->gate->is_open()
                         : rte_eth_link_get_nowait(group_->port_id, &link) == 0 &&
                               link.link_status == RTE_ETH_LINK_UP;
  if (is_up) reading.state = LinkState::up;
  return reading;
}

std::string Device::describe() const {
  const PortGroup& g = *group_;
  std::string words = fmt::format("{}, {} receive and {} transmit queue{} of {} and {} descriptors",
                                  driver_, g.rx_queues, g.tx_queues, g.tx_queues == 1 ? "" : "s",
                                  rx_descriptors_, tx_descriptors_);
  const auto side = [](bool ip, bool tcp) {
    return ip && tcp ? "by the device"
           : tcp     ? "IPv4 in software, TCP by the device"
           : ip      ? "IPv4 by the device, TCP in software"
                     : "in software";
  };
  words += fmt::format("; checksums received {}, sent {}",
                       side(rx_offloads_ & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM,
                            rx_offloads_ & RTE_ETH_RX_OFFLOAD_TCP_CKSUM),
                       side(g.tx_offloads.ip_checksum, g.tx_offloads.tcp_checksum));
  switch (g.steering) {
    case Steering::one_core: break;
    case Steering::device_hash: words += "; the device's RSS spreads flows over the cores"; break;
    case Steering::device_own:
      words += "; the device spreads flows over the queues in its own way";
      break;
    case Steering::software:
      words += fmt::format("; software RSS: core 0 receives for all {}", g.cores);
      if (g.tx_queues < g.cores) words += fmt::format(" and sends for {}", g.cores - g.tx_queues);
  }
  words += mac_words_;
  if (xdp_ != nullptr) words += "; what is not ours stays with the kernel";
  if (kernel_ == nullptr) return words;
  words += fmt::format("; what is not ours goes to {}", exception_->settings.device);
  if (!quirks_of(kernel_->driver_).is_kernel_end)
    words += fmt::format(", whose other end must have the MAC address {}", to_string(mac_));
  return words;
}

}  // namespace mayfly::nic
