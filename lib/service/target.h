// The request target (RFC 9112 3.2), from the bytes on the wire to the path that names a resource.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace mayfly::service {

/// The canonical path of an origin-form or absolute-form (http, https) target without its query,
/// made in place, so it points into `target`: percent-encoding decoded, dot segments removed, never
/// above "/". None if the target is malformed, of another form or scheme, or contains an encoded
/// NUL. Takes time linear in its length.
std::optional<std::string_view> canonical_path(std::span<char> target) noexcept;

}  // namespace mayfly::service
