#include "run/doctor.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

#include "admin/endpoints.h"
#include "config/addresses.h"
#include "config/error.h"
#include "link/interface.h"
#include "nic/arp_probe.h"
#include "nic/devargs.h"
#include "nic/fitness.h"
#include "nic/host.h"
#include "nic/nd_probe.h"
#include "wire/print.h"

namespace mayfly::run {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

/// The first line of a file; empty if it cannot be read.
std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string whole_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

class Examination {
 public:
  explicit Examination(std::string root) : root_(std::move(root)) {}

  void rights() {
    const std::string status = whole_text(root_ + "/proc/self/status");
    const std::size_t at = status.find("CapEff:");
    std::uint64_t caps = 0;
    if (at != status.npos) {
      const std::size_t digits = status.find_first_not_of(" \t", at + 7);
      std::from_chars(status.data() + digits, status.data() + status.size(), caps, 16);
    }
    constexpr std::uint64_t kNetAdmin = 1 << 12, kNetRaw = 1 << 13, kIpcLock = 1 << 14;
    if ((caps & (kNetAdmin | kNetRaw | kIpcLock)) == (kNetAdmin | kNetRaw | kIpcLock))
      return add(Level::good, "the rights for devices and memory are there");
    add(Level::bad, "this user may open no devices (CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK)",
        "sudo mayfly ..., or: setcap cap_net_admin,cap_net_raw,cap_ipc_lock,cap_sys_admin+ep "
        "$(command -v mayfly)");
  }

  void hugepages() {
    const std::string pages = root_ + "/sys/kernel/mm/hugepages/hugepages-2048kB/";
    const std::string all = first_line(pages + "nr_hugepages");
    if (all.empty() || all == "0")
      return add(Level::slow, "no hugepages are reserved: tables will miss the TLB",
                 "echo 1024 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    if (whole_text(root_ + "/proc/mounts").find(" hugetlbfs ") == std::string::npos)
      return add(Level::slow, "hugepages are reserved, but no hugetlbfs is mounted",
                 "mkdir -p /dev/hugepages && mount -t hugetlbfs nodev /dev/hugepages");
    add(Level::good, fmt::format("{} of {} hugepages of 2 MB are free",
                                 first_line(pages + "free_hugepages"), all));
  }

  void core(std::uint32_t number) {
    const std::string cpu = fmt::format("{}/sys/devices/system/cpu/cpu{}", root_, number);
    if (!fs::exists(cpu))
      return add(Level::bad, fmt::format("there is no processor {}", number),
                 "cores: those that nproc --all counts, from 0");
    if (!is_isolated(number))
      add(Level::slow, fmt::format("processor {} also runs what the kernel puts there", number),
          fmt::format("kernel command line: isolcpus={0} nohz_full={0}, then reboot", number));
    const std::string governor = first_line(cpu + "/cpufreq/scaling_governor");
    if (!governor.empty() && governor != "performance")
      return add(Level::slow, fmt::format("processor {} changes its clock ({})", number, governor),
                 fmt::format("echo performance > /sys/devices/system/cpu/cpu{}/cpufreq/"
                             "scaling_governor",
                             number));
    add(Level::good, fmt::format("processor {} is there", number));
  }

  void port(const nic::PortSettings& port, std::size_t cores, const Target& target) {
    if (const auto missing = nic::missing_driver(port.device)) {
      const auto meant = config::nearest(missing->driver, missing->there);
      return add(Level::bad, "DPDK has no driver " + missing->driver,
                 meant ? "device: " + *meant + "0,..."
                       : "one of " + fmt::format("{}", fmt::join(missing->there, ", ")));
    }
    if (const auto unfit = nic::why_unfit(port, cores, root_))
      return add(Level::bad, fmt::format("{}: {}", port.device, unfit->what));
    if (nic::is_pci_address(port.device)) return pci(port.device);
    const std::string name = nic::host_interface_of(port);
    if (name.empty())
      return add(Level::good, port.device + ": nothing of this machine is in the way");
    if (!interface(name, port)) return;
    for (const std::optional<Ipv4Address>& asked : {port.gateway, target.four})
      if (asked && !port.addresses.empty()) neighbour(name, port, *asked);
    for (const std::optional<Ipv6Address>& asked : {port.gateway6, target.six})
      if (asked && !port.addresses6.empty()) neighbour6(name, port, *asked);
  }

  std::vector<Finding> take() && { return std::move(found_); }

 private:
  void add(Level level, std::string what, std::string remedy = "") {
    found_.push_back({level, std::move(what), std::move(remedy)});
  }

  /// Whether "2-3,5" has the number.
  bool is_isolated(std::uint32_t number) const {
    std::stringstream ranges(first_line(root_ + "/sys/devices/system/cpu/isolated"));
    for (std::string range; std::getline(ranges, range, ',');) {
      unsigned first = 0, last = 0;
      const int read = std::sscanf(range.c_str(), "%u-%u", &first, &last);
      if (read >= 1 && number >= first && number <= (read == 2 ? last : first)) return true;
    }
    return false;
  }

  void pci(const std::string& address) {
    const std::string device = address.size() == 7 ? "0000:" + address : address;
    const fs::path driver = root_ + "/sys/bus/pci/devices/" + device + "/driver";
    std::error_code failure;
    const std::string name = fs::read_symlink(driver, failure).filename().string();
    const bool has_iommu = fs::exists(root_ + "/sys/class/iommu", failure) &&
                           !fs::is_empty(root_ + "/sys/class/iommu", failure);
    const bool may_do_without =
        first_line(root_ + "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y";
    if (name == "vfio-pci" && !has_iommu && !may_do_without)
      return add(Level::bad, device + ": there is no IOMMU, so vfio-pci gives it to nobody",
                 "echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode, or switch the "
                 "IOMMU on: intel_iommu=on iommu=pt");
    if (name == "vfio-pci" || name == "mlx5_core" || name == "uio_pci_generic")
      return add(Level::good, device + " is bound to " + name);
    add(Level::bad, fmt::format("{} is bound to {}", device, name.empty() ? "no driver" : name),
        "modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci " + device);
  }

  /// True if frames can go over it.
  bool interface(const std::string& name, const nic::PortSettings& port) {
    const auto host = nic::host_interface(name);
    if (!host) {
      add(Level::bad, "there is no interface " + name, "ip link");
      return false;
    }
    if (!host->is_up)
      add(Level::bad, name + " is switched off", "ip link set dev " + name + " up");
    else if (!host->has_carrier)
      add(Level::bad, name + " has nothing at its other end", "see to the cable, or to the peer");
    for (const link::InterfaceAddress& address : port.addresses)
      if (const auto where = kernel_has(address))
        add(Level::bad,
            fmt::format("the kernel has {} too, on {}: it answers with resets",
                        to_string(address.first), *where),
            fmt::format("ip address del {}/{} dev {}", to_string(address.first),
                        address.prefix_length, *where));
    if (!fs::exists(root_ + "/sys/class/net/" + name + "/device") && name != "lo") far_end(name);
    return host->is_up && host->has_carrier;
  }

  /// Nobody computes the checksums that a Linux peer leaves to a veth.
  void far_end(const std::string& name) {
    const auto far = nic::far_end_of(name, root_);
    if (!far)
      return add(Level::good, name +
                                  " is virtual: a Linux peer must send whole checksums (on its "
                                  "side: ethtool -K DEV tx off tso off gso off gro off)");
    if (nic::leaves_work_to_a_device(*far))
      return add(Level::bad,
                 fmt::format("{}, the other end of {}, leaves checksums and long frames to a "
                             "device that is not there: its frames will be dropped",
                             *far, name),
                 fmt::format("ethtool -K {} tx off tso off gso off gro off", *far));
    add(Level::good, fmt::format("{}, the other end of {}, sends whole frames", *far, name));
  }

  /// Whether it answers ARP, if it is on this link and frames have no tag.
  void neighbour(const std::string& name, const nic::PortSettings& port, Ipv4Address asked) {
    const auto own = std::ranges::find_if(
        port.addresses, [&](const auto& each) { return config::is_on_link(each, asked); });
    if (own == port.addresses.end() || port.vlan != 0) return;
    const auto answers =
        nic::answers_arp(name, own->first, asked, std::chrono::milliseconds(1'000));
    add_answer(answers, to_string(asked), "ARP", name);
  }

  /// Whether it answers neighbour discovery, likewise.
  void neighbour6(const std::string& name, const nic::PortSettings& port,
                  const Ipv6Address& asked) {
    link::Interface interface;
    static_cast<link::LinkSettings&>(interface) = port;
    if (!interface.is_on_link(asked) || port.vlan != 0) return;
    // From a link-local address only a host with that MAC address may ask: ours is that of the
    // port.
    const Ipv6Address own =
        asked.is_link_local() ? port.addresses6[0].first : interface.source_for(asked);
    add_answer(nic::answers_nd(name, own, asked, std::chrono::milliseconds(1'000)),
               to_string(asked), "neighbour discovery", name);
  }

  void add_answer(const Result<bool>& answers, const std::string& who, const char* protocol,
                  const std::string& name) {
    if (!answers)
      return add(Level::slow,
                 fmt::format("whether {} is there was not asked: {}", who, answers.error().what));
    if (*answers) return add(Level::good, fmt::format("{} answers {} on {}", who, protocol, name));
    add(Level::bad, fmt::format("{} does not answer {} on {}", who, protocol, name),
        "is the address right, the host on, and this the link that it is on?");
  }

  /// The interface on which the kernel has one of these addresses.
  static std::optional<std::string> kernel_has(const link::InterfaceAddress& wanted) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return std::nullopt;
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
      if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
      const auto* inet = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      const Ipv4Address ip{ntohl(inet->sin_addr.s_addr)};
      if (ip >= wanted.first && ip <= wanted.last) return std::string(one->ifa_name);
    }
    return std::nullopt;
  }

  std::string root_;
  std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> examine(const nic::ProcessSettings& process,
                             const std::vector<std::uint32_t>& cores, const std::string& root,
                             const Target& target) {
  Examination examination(root);
  examination.rights();
  examination.hugepages();
  for (const std::uint32_t number : cores) examination.core(number);
  for (const nic::PortSettings& port : process.ports) examination.port(port, cores.size(), target);
  return std::move(examination).take();
}

std::vector<Finding> examine(const admin::AdminSettings& admin) {
  std::vector<Finding> found;
  if (const auto page = admin::parse_page_address(admin.page); !admin.page.empty() && page) {
    const auto listener = admin::listen_at(*page);  // and lets it go
    if (!listener)
      found.push_back({Level::bad, listener.error().what,
                       fmt::format("ss -ltnp sport = :{} shows who has it", page->port)});
    else
      found.push_back({Level::good, "the page's address is free", ""});
  }
  const bool is_path = !admin.socket.empty() && admin.socket != "auto" && admin.socket != "none";
  if (is_path && admin::is_listened_at(admin.socket))
    found.push_back({Level::bad, "another process listens on " + admin.socket,
                     "mayfly ctl --socket " + admin.socket + " drain, or another admin.socket"});
  return found;
}

}  // namespace mayfly::run
