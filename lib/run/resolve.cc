#include "run/resolve.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <optional>

#include "config/addresses.h"
#include "wire/print.h"

namespace mayfly::run {
namespace {

struct FreeList {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};
using Answers = std::unique_ptr<addrinfo, FreeList>;

/// The answers of this family; `status` is what getaddrinfo returned.
Answers ask(const std::string& name, int family, int& status) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  status = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  return Answers(status == 0 ? list : nullptr);
}

template <class Address>
Address address_in(const addrinfo& answer);
template <>
Ipv4Address address_in(const addrinfo& answer) {
  return {ntohl(reinterpret_cast<const sockaddr_in*>(answer.ai_addr)->sin_addr.s_addr)};
}
template <>
Ipv6Address address_in(const addrinfo& answer) {
  const auto* six = reinterpret_cast<const sockaddr_in6*>(answer.ai_addr);
  Ipv6Address address;
  std::memcpy(address.octets.data(), &six->sin6_addr, address.octets.size());
  return address;
}

bool is_usable(const Ipv4Address& address) { return bool{config::parse_ipv4(to_string(address))}; }
bool is_usable(const Ipv6Address& address) { return bool{config::parse_ipv6(to_string(address))}; }

/// Takes the first answer that a device can reach: loopback, multicast and the like are not. What
/// is not taken is noted in `unusable`.
template <class Address>
std::optional<Address> first_of(const addrinfo* answers, std::string& unusable) {
  for (; answers != nullptr; answers = answers->ai_next) {
    const auto address = address_in<Address>(*answers);
    if (is_usable(address)) return address;
    unusable = to_string(address);
  }
  return std::nullopt;
}

}  // namespace

Result<config::HostAddresses> resolve_name(const std::string& name) {
  int status = 0, status6 = 0;
  const Answers four = ask(name, AF_INET, status), six = ask(name, AF_INET6, status6);
  if (four == nullptr && six == nullptr)
    return Error{fmt::format("no address is known for {}: {}", name, gai_strerror(status))};
  std::string unusable;
  config::HostAddresses found;
  found.six = first_of<Ipv6Address>(six.get(), unusable);
  found.four = first_of<Ipv4Address>(four.get(), unusable);
  if (found.four || found.six) return found;
  return Error{
      fmt::format("{} is {}, which is not reached through a network device", name, unusable)};
}

}  // namespace mayfly::run
