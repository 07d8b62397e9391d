// Where callers connect: a UNIX socket for the operator, a TCP address of the host's own stack for
// the page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "admin/settings.h"
#include "base/fd.h"
#include "base/result.h"

namespace mayfly::admin {

struct PageAddress {
  std::string host;  ///< an IPv4 or IPv6 address
  std::uint16_t port = 0;
  bool is_loopback = false;
};

/// "127.0.0.1:9000", "[::1]:9000", "localhost:9000", or a port alone on the loopback address.
Result<PageAddress> parse_page_address(const std::string& text);

/// Listens there; no caller is accepted yet.
Result<Fd> listen_at(const PageAddress& address);
/// Makes the socket, accessible to this user alone. A socket that an ended process has left is
/// replaced. It is an error if another process listens on it, or if `path` is not a socket.
Result<Fd> listen_at_socket(const std::string& path);

/// Whether a process listens on the socket at `path`.
bool is_listened_at(const std::string& path);
/// Why no control socket can be made at `path`; nothing if it can. Makes none.
std::optional<std::string> why_no_socket(const std::string& path);
/// Why there can be no page, as without a token on an address that others reach.
std::optional<std::string> why_no_page(const AdminSettings& settings);

/// The token of these settings; empty if none is needed.
Result<std::string> read_token(const AdminSettings& settings);

}  // namespace mayfly::admin
