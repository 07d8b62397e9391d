// The URL of a target, and the names of hosts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mayfly::config {

/// What a request needs of an http URL (RFC 9110 4.2.1).
struct HttpUrl {
  std::string host;  ///< an IPv4 address or a name
  std::uint16_t port = 80;
  std::string path = "/";  ///< with the query, if there is one
};

/// "http://example.org:8080/a?b". What Mayfly cannot request is an error that says why: https,
/// IPv6, a password. A fragment is left out, as it is never sent (RFC 9110 7.1).
Result<HttpUrl> parse_http_url(std::string_view text);

/// An IPv4 address, or a name as DNS and /etc/hosts have it.
Result<std::string> parse_host(std::string_view text);

/// True if it is written as an IPv4 address, valid or not: a name has another character.
bool is_numeric_host(std::string_view text);

}  // namespace mayfly::config
