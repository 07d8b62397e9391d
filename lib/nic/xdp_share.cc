#include "nic/xdp_share.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/endian.h"
#include "nic/devargs.h"

namespace mayfly::nic {
namespace {

constexpr std::string_view kProgramName = "mayfly_share";

/// A file descriptor that is closed.
class Handle {
 public:
  explicit Handle(int fd) : fd_(fd) {}
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// The program at an interface; not open if there is none.
Handle program_at(std::uint32_t index) {
  std::uint32_t id = 0;
  if (bpf_xdp_query_id(static_cast<int>(index), 0, &id) != 0 || id == 0) return Handle(-1);
  return Handle(bpf_prog_get_fd_by_id(id));
}

/// Its maps, at most four.
struct ProgramMaps {
  std::string name;  // of the program
  std::array<std::uint32_t, 4> ids{};
};
std::optional<ProgramMaps> maps_of(const Handle& program) {
  ProgramMaps maps;
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<std::uint32_t>(maps.ids.size());
  info.map_ids = reinterpret_cast<std::uintptr_t>(maps.ids.data());
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return std::nullopt;
  maps.name = info.name;
  return maps;
}

Handle map_named(const ProgramMaps& maps, std::string_view name) {
  for (const std::uint32_t id : maps.ids) {
    Handle map(id == 0 ? -1 : bpf_map_get_fd_by_id(id));
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (map.is_open() && bpf_obj_get_info_by_fd(map.get(), &info, &size) == 0 && info.name == name)
      return map;
  }
  return Handle(-1);
}

template <std::size_t N>
struct Key {
  std::uint32_t length;
  std::array<std::uint8_t, N> octets;
};

template <std::size_t N>
bool add(const Handle& map, std::array<std::uint8_t, N> octets, const Prefix32& prefix) {
  store_be32(reinterpret_cast<std::byte*>(&octets[N - 4]), prefix.first);
  const Key<N> key{static_cast<std::uint32_t>((N - 4) * 8 + prefix.length), octets};
  const std::uint8_t is_there = 1;
  return bpf_map_update_elem(map.get(), &key, &is_there, BPF_ANY) == 0;
}

bool add_all(const ProgramMaps& maps, const link::Interface& place, bool has_own_mac) {
  const Handle four = map_named(maps, "addresses4"), six = map_named(maps, "addresses6");
  bool is_good = four.is_open() && six.is_open();
  for (const auto& range : place.addresses)
    for (const Prefix32& prefix : prefixes_of(range.first.host, range.last.host))
      is_good = is_good && add(four, std::array<std::uint8_t, 4>{}, prefix);
  for (const auto& range : place.addresses6)
    for (const Prefix32& prefix : prefixes_of(range.first.low(), range.last.low()))
      is_good = is_good && add(six, range.first.octets, prefix);
  if (has_own_mac && place.has_ipv6())
    is_good = is_good && add(six, place.link_local().octets, {place.link_local().low(), 32});
  const Handle vlan = map_named(maps, "vlan");
  const std::uint32_t first = 0, id = place.vlan;
  return is_good && vlan.is_open() && bpf_map_update_elem(vlan.get(), &first, &id, BPF_ANY) == 0;
}

}  // namespace

Result<XdpShare> XdpShare::take(const std::string& interface) {
  if (share_program().empty()) return Error{"xdp: share needs a program that is built with clang"};
  XdpShare share;
  share.index_ = if_nametoindex(interface.c_str());
  if (program_at(share.index_).is_open())
    return Error{
        fmt::format("interface {0} has an XDP program already, maybe another process's: ip link "
                    "set dev {0} xdp off removes it",
                    interface)};
  share.file_ = memfd_create("mayfly-share", MFD_CLOEXEC);
  const std::string_view bytes = share_program();
  if (share.file_ < 0 ||
      write(share.file_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return Error{fmt::format("no memory for the XDP program: {}", std::strerror(errno))};
  return share;
}

XdpShare::XdpShare(XdpShare&& other) noexcept
    : index_(other.index_),
      file_(std::exchange(other.file_, -1)),
      link_(std::exchange(other.link_, -1)) {}

XdpShare::~XdpShare() {
  if (file_ >= 0) close(file_);
  if (link_ >= 0) close(link_);
}

std::string XdpShare::driver_devargs(std::string_view devargs) const {
  return with_argument(devargs, "xdp_prog", fmt::format("/proc/self/fd/{}", file_));
}

Result<void> XdpShare::tell(const link::Interface& place, bool has_own_mac) {
  const Handle program = program_at(index_);
  const auto maps = program.is_open() ? maps_of(program) : std::nullopt;
  if (!maps || maps->name != kProgramName) return Error{"its XDP program is not there"};
  if (!add_all(*maps, place, has_own_mac))
    return Error{
        fmt::format("its XDP program does not take the addresses: {}", std::strerror(errno))};
  const int index = static_cast<int>(index_);
  if (bpf_xdp_detach(index, 0, nullptr) == 0)
    link_ = bpf_link_create(program.get(), index, BPF_XDP, nullptr);
  if (link_ < 0)
    return Error{fmt::format("its XDP program is not attached: {}", std::strerror(errno))};
  return {};
}

std::vector<Prefix32> prefixes_of(std::uint32_t first, std::uint32_t last) {
  std::vector<Prefix32> prefixes;
  std::uint64_t at = first;
  const std::uint64_t end = std::uint64_t{last} + 1;
  while (at < end) {
    // As large as its alignment and the rest allow.
    int bits = at == 0 ? 32 : std::min(32, std::countr_zero(at));
    while ((std::uint64_t{1} << bits) > end - at) --bits;
    prefixes.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint8_t>(32 - bits)});
    at += std::uint64_t{1} << bits;
  }
  return prefixes;
}

}  // namespace mayfly::nic
