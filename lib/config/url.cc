#include "config/url.h"

#include <algorithm>
#include <cctype>

#include "config/addresses.h"
#include "config/error.h"

namespace mayfly::config {
namespace {

bool begins_with(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), text.begin(), [](char s, char t) {
           return s == std::tolower(static_cast<unsigned char>(t));
         });
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
}

bool is_all_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<std::string> parse_host6(std::string_view text) {
  if (const auto address = parse_ipv6(text); !address) return address.error();
  return std::string(text);
}

/// HOST[:PORT]
Result<HttpUrl> parse_authority(std::string_view authority, std::string_view whole) {
  HttpUrl url;
  if (authority.find('@') != authority.npos)
    return Error{in_quotes(whole) + " has a user name or a password, which Mayfly does not send"};
  // RFC 3986 3.2.2: an IPv6 address is in brackets.
  const std::size_t closed = authority.starts_with('[') ? authority.find(']') : 0;
  if (closed == authority.npos) return Error{in_quotes(whole) + " has no ] after its address"};
  const std::size_t colon = authority.find(':', closed);
  const std::string_view written = authority.substr(0, colon);
  if (closed != 0 && written.size() != closed + 1)
    return Error{in_quotes(whole) + " has neither a port nor a path after the ]"};
  const auto host = closed != 0 ? parse_host6(written.substr(1, closed - 1)) : parse_host(written);
  if (!host) return host.error();
  url.host = *host;
  if (colon == authority.npos || colon + 1 == authority.size()) return url;
  const auto port = parse_port_range(authority.substr(colon + 1));
  if (!port || port->first != port->last)
    return Error{in_quotes(whole) + " has no port from 1 to 65535 after the colon"};
  url.port = port->first;
  return url;
}

}  // namespace

bool is_numeric_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
  });
}

Result<std::string> parse_host(std::string_view text) {
  constexpr std::size_t kNameMax = 253, kLabelMax = 63;  // RFC 1035 2.3.4
  if (text.empty()) return Error{"has no host"};
  if (is_numeric_host(text)) {
    if (const auto address = parse_ipv4(text); !address) return address.error();
    return std::string(text);
  }
  if (looks_like_ipv6(text)) {
    if (const auto address = parse_ipv6(text); address) return std::string(text);
    return Error{in_quotes(text) +
                 " is no IPv6 address; if it has a port, that is a key of its own"};
  }
  const bool is_clean = std::all_of(text.begin(), text.end(), is_name_character);
  bool labels_fit = true;
  for (std::size_t label = 0; char c : text) {
    labels_fit &= c == '.' ? label > 0 : label < kLabelMax;
    label = c == '.' ? 0 : label + 1;
  }
  if (!is_clean || !labels_fit || text.size() > kNameMax)
    return Error{in_quotes(text) + " is no name of a host"};
  return std::string(text);
}

Result<HttpUrl> parse_http_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (!is_all_visible(text))
    return Error{in_quotes(text) + " contains a space or a character that is not ASCII"};
  if (begins_with(text, "https://"))
    return Error{in_quotes(text) +
                 " asks for TLS, which Mayfly does not speak: give an http:// URL"};
  if (!begins_with(text, kScheme))
    return Error{text.find("://") == text.npos
                     ? in_quotes(text) + " has no scheme; did you mean http://" +
                           std::string(text) + "?"
                     : in_quotes(text) + " is no http URL"};
  const std::string_view whole = text.substr(0, text.find('#'));
  const std::string_view rest = whole.substr(kScheme.size());
  const std::size_t end = rest.find_first_of("/?");
  auto url = parse_authority(rest.substr(0, end), text);
  if (!url || end == rest.npos) return url;
  url->path = rest.substr(end);
  if (url->path[0] == '?') url->path = "/" + url->path;
  return url;
}

}  // namespace mayfly::config
