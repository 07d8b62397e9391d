#include "nic/fitness.h"

#include <fmt/format.h>
#include <rte_ether.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "nic/devargs.h"
#include "nic/host.h"
#include "nic/memif.h"
#include "nic/quirks.h"
#include "nic/vhost.h"

namespace mayfly::nic {
namespace {

/// Calls `f` with each word of a list with spaces between; ends with the first that answers.
template <class F>
auto first_of_words(std::string_view list, F&& f) -> decltype(f(list)) {
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(' '));
    if (auto answer = f(word)) return answer;
    list.remove_prefix(std::min(list.size(), word.size() + 1));
  }
  return std::nullopt;
}

bool has_word(std::string_view list, std::string_view wanted) {
  return first_of_words(list,
                        [&](std::string_view word) {
                          return word == wanted ? std::optional(true) : std::nullopt;
                        })
      .has_value();
}

/// The names of arguments, "role" and "id" of "net_memif0,role=client,id=0".
std::vector<std::string> argument_names(std::string_view devargs) {
  std::vector<std::string> names;
  for (std::size_t comma; (comma = devargs.find(',')) != devargs.npos;) {
    devargs.remove_prefix(comma + 1);
    names.emplace_back(devargs.substr(0, devargs.find_first_of("=,")));
  }
  return names;
}

std::optional<Unfit> why_arguments_are_unfit(const std::string& devargs,
                                             const DriverQuirks& driver) {
  bool has_source = driver.needs.empty();
  for (const std::string& name : argument_names(devargs)) {
    if (!driver.arguments.empty() && !has_word(driver.arguments, name))
      return Unfit{fmt::format("{} has no argument \"{}\": it has {}", driver.driver, name,
                               driver.arguments)};
    has_source |= has_word(driver.needs, name);
  }
  if (has_source) return std::nullopt;
  return Unfit{fmt::format("{} needs one of the arguments {}", driver.driver, driver.needs)};
}

/// Of a device that has as many queues as its arguments say, all in use from the start.
std::optional<Unfit> why_queue_pairs_are_unfit(const PortSettings& port, const DriverQuirks& driver,
                                               std::size_t cores) {
  std::size_t pairs = 1;
  const std::string_view text = device_argument(port.device, "qpairs");
  std::from_chars(text.data(), text.data() + text.size(), pairs);
  const bool reads_all = port.queues == 0 || port.queues >= cores;
  if (!driver.spreads_by_itself || pairs <= 1 || (pairs == cores && reads_all)) return std::nullopt;
  return Unfit{unread_queues_words(pairs, cores)};
}

// The memif driver of DPDK 22.11 loses its place in the ring when the ring is full and a frame
// takes several of its buffers.
std::optional<Unfit> why_buffers_are_unfit(const PortSettings& port) {
  std::size_t buffer = 2'048;  // the driver's default
  const std::string_view text = device_argument(port.device, "bsize");
  std::from_chars(text.data(), text.data() + text.size(), buffer);
  const std::size_t frame =
      port.mtu + sizeof(rte_ether_hdr) + (port.vlan != 0 ? sizeof(rte_vlan_hdr) : 0);
  if (buffer >= frame) return std::nullopt;
  return Unfit{fmt::format(
      "a frame of {} bytes, the mtu of {} with its header, does not fit into a buffer of "
      "bsize={}, and the driver loses frames that take several: a larger bsize, or a smaller mtu "
      "(576 at least) at both ends",
      frame, port.mtu, buffer)};
}

std::optional<Unfit> why_interface_is_unfit(const std::string& name, const PortSettings& port) {
  const auto found = host_interface(name);
  if (!found)
    return Unfit{
        fmt::format("there is no interface \"{}\"; there are {}", name, host_interface_names()),
        true};
  if (!found->is_ethernet)
    return Unfit{
        fmt::format("interface {} carries no Ethernet frames: use a veth, a tap or a card", name)};
  if (found->mtu < port.mtu)
    return Unfit{fmt::format(
        "interface {0} has an MTU of {1}, below the port's mtu of {2}: it would refuse full "
        "frames; "
        "mtu: {1}, or ip link set dev {0} mtu {2}",
        name, found->mtu, port.mtu)};
  return std::nullopt;
}

/// A port that shares its interface with the kernel by our own XDP program.
std::optional<Unfit> why_xdp_is_unfit(const PortSettings& port, const DriverQuirks& driver) {
  if (port.xdp == XdpMode::all) return std::nullopt;
  if (!driver.runs_xdp_program)
    return Unfit{"xdp: share is for net_af_xdp; exception is for any device"};
  if (!device_argument(port.device, "xdp_prog").empty())
    return Unfit{"xdp: share brings an XDP program: leave out xdp_prog"};
  return std::nullopt;
}

std::optional<Unfit> why_driver_is_unknown(std::string_view name) {
  constexpr std::string_view kVirtual[] = {"net_", "eth_"};
  for (const std::string_view prefix : kVirtual)
    if (name.starts_with(prefix)) return std::nullopt;
  return Unfit{fmt::format(
      "\"{}\" is neither a PCI address, such as 0000:03:00.0, nor a virtual device, such as "
      "net_af_packet0",
      name)};
}

std::optional<Unfit> why_socket_is_unfit(const std::string& devargs) {
  if (!vhost_socket(devargs) && device_argument(devargs, "socket-abstract") != "no")
    return std::nullopt;
  const auto vhost = vhost_socket(devargs);
  const std::filesystem::path socket =
      vhost ? vhost->path : std::string(device_argument(devargs, "socket"));
  const std::filesystem::path folder = socket.has_parent_path() ? socket.parent_path() : ".";
  std::error_code failure;
  if (socket.empty() || std::filesystem::is_directory(folder, failure)) return std::nullopt;
  return Unfit{fmt::format("socket {}: there is no folder {}", socket.string(), folder.string()),
               true};
}

template <class T>
T read_as(std::ifstream& file, bool is_swapped = false) {
  std::array<char, sizeof(T)> octets{};
  file.read(octets.data(), octets.size());
  if (is_swapped) std::reverse(octets.begin(), octets.end());
  T value{};
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}

/// The link type in the header of a classic capture file, or in the first interface description of
/// a pcapng file; nothing if it is neither.
std::optional<std::uint32_t> link_type_of(std::ifstream& file) {
  constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d, kNext = 0x0a0d0d0a;
  constexpr std::uint32_t kSectionOrder = 0x1a2b3c4d;
  const auto magic = read_as<std::uint32_t>(file);
  const std::uint32_t swapped = __builtin_bswap32(magic);
  if (magic == kNext) {
    const auto length = read_as<std::uint32_t>(file), order = read_as<std::uint32_t>(file);
    const bool is_swapped = order != kSectionOrder;
    file.seekg(is_swapped ? __builtin_bswap32(length) : length);
    const auto block = read_as<std::uint32_t>(file, is_swapped);
    read_as<std::uint32_t>(file);
    const auto type = read_as<std::uint16_t>(file, is_swapped);
    return file && block == 1 ? std::optional<std::uint32_t>(type) : std::nullopt;
  }
  const bool is_swapped = swapped == kMicroseconds || swapped == kNanoseconds;
  if (!is_swapped && magic != kMicroseconds && magic != kNanoseconds) return std::nullopt;
  file.seekg(20);
  const auto type = read_as<std::uint32_t>(file, is_swapped);
  constexpr std::uint32_t kTypeBits = 0x0fff'ffff;  // above them: the length of a check sequence
  return file ? std::optional<std::uint32_t>(type & kTypeBits) : std::nullopt;
}

}  // namespace

std::optional<Unfit> why_capture_is_unfit(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Unfit{fmt::format("{}: {}", path, std::strerror(errno)), true};
  const auto type = link_type_of(file);
  if (!type) return Unfit{fmt::format("{} is no capture file", path)};
  constexpr std::uint32_t kEthernet = 1;
  if (*type == kEthernet) return std::nullopt;
  return Unfit{fmt::format(
      "{} is a capture of link type {}, not of Ethernet frames (1): capture on one interface, not "
      "on \"any\"",
      path, *type)};
}

std::string unread_queues_words(std::size_t queues, std::size_t cores) {
  return fmt::format(
      "its frames are spread over qpairs={} queues, and each of {} cores reads one: use as many "
      "cores as queue pairs, or leave qpairs out",
      queues, cores);
}

std::string host_interface_of(const PortSettings& port) {
  const DriverQuirks& driver = quirks_of(device_name(port.device));
  std::string found;
  first_of_words(driver.interface_arguments, [&](std::string_view key) {
    found = device_argument(port.device, key);
    return found.empty() ? std::optional<bool>() : true;
  });
  return found;
}

std::optional<Unfit> why_unfit(const PortSettings& port, std::size_t cores,
                               const std::string& root) {
  if (auto why = why_xdp_is_unfit(port, quirks_of(device_name(port.device)))) return why;
  if (is_pci_address(port.device)) return why_pci_is_not_free(device_name(port.device), root);
  const std::string_view name = device_name(port.device);
  if (auto why = why_driver_is_unknown(name)) return why;
  const DriverQuirks& driver = quirks_of(name);
  if (auto why = why_arguments_are_unfit(port.device, driver)) return why;
  if (auto why = why_queue_pairs_are_unfit(port, driver, cores)) return why;
  if (is_memif(port.device))
    if (auto why = why_buffers_are_unfit(port)) return why;
  if (driver.has_server_socket || vhost_socket(port.device))
    if (auto why = why_socket_is_unfit(port.device)) return why;
  auto why = first_of_words(driver.interface_arguments, [&](std::string_view key) {
    const std::string interface(device_argument(port.device, key));
    return interface.empty() ? std::optional<Unfit>() : why_interface_is_unfit(interface, port);
  });
  if (why) return why;
  return first_of_words(driver.capture_arguments, [&](std::string_view key) {
    const std::string file(device_argument(port.device, key));
    return file.empty() ? std::optional<Unfit>() : why_capture_is_unfit(file);
  });
}

}  // namespace mayfly::nic
