#include "admin/access.h"

#include <algorithm>
#include <array>

namespace mayfly::admin {
namespace {

/// "127.0.0.1" of "127.0.0.1:9000", "[::1]" of "[::1]:9000".
std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  if (colon == host.npos || (bracket != host.npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

bool is_loopback_name(std::string_view host) {
  constexpr auto kNames = std::to_array<std::string_view>({"127.0.0.1", "localhost", "[::1]"});
  return std::ranges::find(kNames, without_port(host)) != kNames.end();
}

}  // namespace

bool is_same_secret(std::string_view given, std::string_view wanted) {
  // No early end, and no branch on a byte: the time tells nothing of `wanted`.
  unsigned differs = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char other = wanted.empty() ? '\0' : wanted[i % wanted.size()];
    differs |= static_cast<unsigned char>(given[i] ^ other);
  }
  return differs == 0 && !wanted.empty();
}

std::optional<Refusal> why_refused(const AccessRules& rules, const Caller& caller) {
  if (caller.is_on_socket || caller.is_public) return std::nullopt;
  if (!rules.token.empty()) {
    constexpr std::string_view kScheme = "Bearer ";
    const std::string_view given = caller.authorization;
    // The token is no cookie: a browser never sends it by itself, so no other site can use it.
    if (given.starts_with(kScheme) && is_same_secret(given.substr(kScheme.size()), rules.token))
      return std::nullopt;
    return Refusal{401,
                   "a token is needed: Authorization: Bearer TOKEN, or #token=TOKEN at the "
                   "end of the page's address"};
  }
  // Another name for 127.0.0.1 is how a web page of another site gets here (DNS rebinding).
  if (!is_loopback_name(caller.host))
    return Refusal{403, "without a token the host must be 127.0.0.1, localhost or [::1]"};
  const bool is_same_site = caller.origin.empty() || caller.origin == "http://" + caller.host;
  const bool is_ours = caller.fetch_site.empty() || caller.fetch_site == "same-origin" ||
                       caller.fetch_site == "none";
  if (!is_same_site || !is_ours) return Refusal{403, "a page of another site may not ask"};
  return std::nullopt;
}

}  // namespace mayfly::admin
