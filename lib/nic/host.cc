#include "nic/host.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/fd.h"
#include "nic/devargs.h"

namespace mayfly::nic {
namespace {

namespace fs = std::filesystem;

bool ask(int request, const std::string& name, ifreq& answer) {
  answer = {};
  name.copy(answer.ifr_name, sizeof answer.ifr_name - 1);
  const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return ioctl(fd.get(), static_cast<unsigned long>(request), &answer) == 0;
}

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// "0000:03:00.0" of "03:00.0".
std::string whole_pci_address(std::string_view address) {
  const bool has_domain = std::ranges::count(address, ':') == 2;
  return (has_domain ? "" : "0000:") + std::string(address);
}

bool is_up(const std::string& root, const std::string& name) {
  const std::string flags = first_line(root + "/sys/class/net/" + name + "/flags");
  return (std::strtoul(flags.c_str(), nullptr, 16) & IFF_UP) != 0;
}

/// An IPv4 or IPv6 route to everywhere leaves through it.
bool has_default_route(const std::string& root, const std::string& name) {
  std::ifstream ipv4(root + "/proc/net/route");
  for (std::string line; std::getline(ipv4, line);) {
    std::istringstream words(line);
    std::string interface, destination, gateway, flags, counts, uses, metric, mask;
    words >> interface >> destination >> gateway >> flags >> counts >> uses >> metric >> mask;
    if (interface == name && destination == "00000000" && mask == "00000000") return true;
  }
  std::ifstream ipv6(root + "/proc/net/ipv6_route");
  for (std::string line; std::getline(ipv6, line);) {
    std::istringstream words(line);
    std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    if (fields.size() == 10 && fields[9] == name && fields[1] == "00" &&
        fields[0].find_first_not_of('0') == std::string::npos)
      return true;
  }
  return false;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  fs::directory_iterator entry(folder, failure), end;
  for (; !failure && entry != end; entry.increment(failure))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::optional<HostInterface> host_interface(const std::string& name) {
  ifreq answer{};
  if (name.size() >= sizeof answer.ifr_name || !ask(SIOCGIFINDEX, name, answer))
    return std::nullopt;
  HostInterface found{.index = static_cast<std::uint32_t>(answer.ifr_ifindex)};
  if (!ask(SIOCGIFFLAGS, name, answer)) return std::nullopt;
  found.is_up = (answer.ifr_flags & IFF_UP) != 0;
  found.has_carrier = (answer.ifr_flags & IFF_RUNNING) != 0;
  if (ask(SIOCGIFMTU, name, answer)) found.mtu = static_cast<std::uint32_t>(answer.ifr_mtu);
  if (ask(SIOCGIFHWADDR, name, answer)) {
    const auto kind = answer.ifr_hwaddr.sa_family;
    found.is_ethernet = kind == ARPHRD_ETHER || kind == ARPHRD_LOOPBACK;
  }
  return found;
}

std::string host_interface_names() {
  std::vector<std::string> names;
  struct if_nameindex* all = if_nameindex();
  for (struct if_nameindex* one = all; one != nullptr && one->if_index != 0; ++one)
    names.emplace_back(one->if_name);
  if (all != nullptr) if_freenameindex(all);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::optional<Unfit> why_pci_is_not_free(std::string_view address, const std::string& root) {
  const std::string whole = whole_pci_address(address);
  const fs::path device = root + "/sys/bus/pci/devices/" + whole;
  if (!fs::exists(device))
    return Unfit{
        fmt::format("there is no PCI device {}: dpdk-devbind.py --status lists them", whole), true};
  for (const std::string& name : names_in(device / "net")) {
    if (has_default_route(root, name))
      return Unfit{fmt::format(
          "the kernel's interface {} on it has the default route: it may be this machine's own way "
          "to the world, and whoever is logged in would be cut off; use another card",
          name)};
    if (is_up(root, name))
      return Unfit{fmt::format(
          "the kernel's interface {0} on it is up: it may be this machine's own way in; if it is "
          "not, ip link set dev {0} down, then dpdk-devbind.py --bind=vfio-pci {1}",
          name, whole)};
  }
  return std::nullopt;
}

std::vector<std::uint32_t> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<std::uint32_t> cpus;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::optional<std::string> far_end_of(const std::string& name, const std::string& root) {
  const fs::path folder = root + "/sys/class/net";
  const std::string own = first_line(folder / name / "ifindex");
  const std::string far = first_line(folder / name / "iflink");
  if (far.empty() || far == own) return std::nullopt;
  for (const std::string& other : names_in(folder))
    if (first_line(folder / other / "ifindex") == far &&
        first_line(folder / other / "iflink") == own)
      return other;
  return std::nullopt;
}

bool leaves_work_to_a_device(const std::string& name) {
  for (const std::uint32_t what : {ETHTOOL_GTXCSUM, ETHTOOL_GTSO, ETHTOOL_GGSO}) {
    ethtool_value value{};
    value.cmd = what;
    ifreq request{};
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (ioctl(fd.get(), SIOCETHTOOL, &request) == 0 && value.data != 0) return true;
  }
  return false;
}

std::string pmd_folder() { return RTE_EAL_PMD_PATH; }

std::optional<MissingDriver> missing_driver(std::string_view device, const std::string& folder) {
  std::string name(device_name(device));
  name.erase(name.find_last_not_of("0123456789") + 1);
  constexpr std::string_view kBegin = "librte_", kEnd = ".so", kKind = "net_";
  std::vector<std::string> there;
  for (const std::string& file : names_in(folder))
    if (file.starts_with(std::string(kBegin) += kKind) && file.ends_with(kEnd))
      there.push_back(file.substr(kBegin.size(), file.size() - kBegin.size() - kEnd.size()));
  // A library may have several drivers: net_virtio_user is in that of net_virtio. And older names
  // go on: eth_pcap.
  const bool is_known = there.empty() || !name.starts_with(kKind) ||
                        std::ranges::any_of(there, [&](const std::string& driver) {
                          return name == driver || name.starts_with(driver + "_");
                        });
  if (is_known) return std::nullopt;
  return MissingDriver{name, std::move(there)};
}

}  // namespace mayfly::nic
