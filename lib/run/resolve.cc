#include "run/resolve.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

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

}  // namespace

Result<Ipv4Address> resolve_name(const std::string& name) {
  int status = 0, status6 = 0;
  const Answers answers = ask(name, AF_INET, status);
  if (answers == nullptr) {
    if (ask(name, AF_INET6, status6) != nullptr)
      return Error{
          fmt::format("{} has IPv6 addresses only, which are not looked up: name one", name)};
    return Error{fmt::format("no address is known for {}: {}", name, gai_strerror(status))};
  }
  const auto* found = reinterpret_cast<const sockaddr_in*>(answers->ai_addr);
  const Ipv4Address address{ntohl(found->sin_addr.s_addr)};
  // Loopback, multicast and the like: no device reaches them.
  if (const auto usable = config::parse_ipv4(to_string(address)); !usable)
    return Error{fmt::format("{} is {}, which is not reached through a network device", name,
                             to_string(address))};
  return address;
}

}  // namespace mayfly::run
