#include "service/site.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/siphash.h"
#include "service/grammar.h"
#include "service/pattern.h"
#include "service/target.h"

namespace mayfly::service {
namespace {

// Bodies up to this size are stored directly after their head, once for each Persistence.
constexpr std::size_t kInlineBodyMax = 4'096;

constexpr std::string_view kText = "text/plain; charset=utf-8";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string content_lines(std::string_view content_type, std::uint64_t body_bytes) {
  return fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", content_type, body_bytes);
}

std::string_view connection_line(Persistence persistence) {
  switch (persistence) {
    case Persistence::implied: return "";
    case Persistence::stated: return "Connection: keep-alive\r\n";
    case Persistence::close: return "Connection: close\r\n";
  }
  return "";
}

// The head behind its preamble. `more_lines` are those that 304 has as well.
std::string head_of(std::uint64_t body_bytes, std::string_view content_type,
                    std::string_view more_lines, Persistence persistence) {
  return fmt::format("{}{}{}\r\n", content_lines(content_type, body_bytes), more_lines,
                     connection_line(persistence));
}

// RFC 3986 2.1: what is not unreserved, nor "/", is written in percent-encoding.
std::string encoded(std::string_view path) {
  std::string result;
  for (const char c : path) {
    const bool is_plain = is_http(c, http_char::plain_path) && is_http(c, http_char::token);
    if (is_plain || c == '/') {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_http(c, http_char::field_value); });
}

// The fault of a route by itself; empty = none.
std::string_view fault_of(const RouteSettings& route) {
  std::string path = route.path;
  const auto canonical = canonical_path(path);
  if (!route.path.starts_with('/') || canonical != route.path) {
    return "the path must begin with \"/\" and contain no \"%\" and no dot segments";
  }
  if (!is_field_value(route.content_type)) return "the content type contains control characters";
  if (route.body.has_value() + route.bytes.has_value() + route.folder.has_value() != 1) {
    return "give exactly one of body, bytes and folder";
  }
  if (route.folder && !route.path.ends_with('/')) return "a folder's path must end with \"/\"";
  return "";
}

}  // namespace

Site::Site() {
#define MAYFLY_X(name, code, reason) add_status(HttpStatus::name, reason);
  MAYFLY_HTTP_STATUSES(MAYFLY_X)
#undef MAYFLY_X
}

Result<Site> Site::load(const HttpSettings& settings, std::uint64_t folder_bytes_max) {
  Site site;
  std::string errors;
  // Exact routes first: they take precedence over a folder's file of the same path.
  for (const bool folders : {false, true}) {
    for (const RouteSettings& route : settings.routes) {
      if (route.folder.has_value() == folders) site.add_route(route, folder_bytes_max, errors);
    }
  }
  if (!errors.empty()) {
    errors.pop_back();  // the last line break
    return Error{std::move(errors)};
  }
  return site;
}

Result<Site> Site::reload(const HttpSettings& settings, std::uint8_t slot) const {
  MAYFLY_ASSERT(slot < kSlots && slot != slot_);
  Result<Site> site = load(settings);
  if (!site) return site;
  site->slot_ = slot;
  site->preambles_ = preambles_;
  return site;
}

ResponseIndex Site::answer(HttpStatus status) const noexcept {
  const std::size_t position = position_of(status);
  MAYFLY_ASSERT(position < by_status_.size());
  return by_status_[position];
}

std::uint64_t Site::memory_bytes() const noexcept {
  std::uint64_t total =
      preambles_->memory_bytes() + paths_.memory_bytes() + responses_.size() * sizeof(Response);
  for (const auto& bytes : kept_) total += bytes.size();
  for (const auto& path : kept_paths_) total += path.size();
  return total;
}

void Site::add_status(HttpStatus status, std::string_view reason) {
  const std::string body = fmt::format("{} {}\n", code_of(status), reason);
  // RFC 9110 15.5.6: 405 names the methods that are allowed.
  const std::string_view allow =
      status == HttpStatus::method_not_allowed ? "Allow: GET, HEAD\r\n" : "";
  const bool interim = code_of(status) < 200;  // RFC 9110 15.2: a head without content
  const std::string head =
      interim ? "\r\n" : head_of(body.size(), kText, allow, Persistence::close);
  const std::string_view content = interim ? std::string_view() : body;
  by_status_.push_back(static_cast<ResponseIndex>(responses_.size()));
  responses_.push_back(make_response(head, bytes_of(content), content.size(), status));
}

void Site::add_route(const RouteSettings& route, std::uint64_t& folder_bytes_left,
                     std::string& errors) {
  const std::string_view fault = fault_of(route);
  if (!fault.empty()) {
    errors += fmt::format("route {}: {}\n", route.path, fault);
  } else if (route.folder) {
    add_folder(route, folder_bytes_left, errors);
  } else if (find(route.path) != 0) {
    errors += fmt::format("route {}: another route has the same path\n", route.path);
  } else if (route.body) {
    const std::string_view type = route.content_type.empty() ? kText : route.content_type;
    const auto body = bytes_of(*route.body);
    const auto kept = keep({body.begin(), body.end()});
    add_path(route.path, add_resource(HttpStatus::ok, type, kept, body.size()));
  } else {
    const std::string_view type =
        route.content_type.empty() ? types_.of("") : std::string_view(route.content_type);
    add_path(route.path, add_resource(HttpStatus::ok, type, pattern(), *route.bytes));
  }
}

void Site::add_folder(const RouteSettings& route, std::uint64_t& bytes_left, std::string& errors) {
  Result<LoadedFolder> loaded = load_folder(*route.folder, bytes_left, route.dot_names);
  if (!loaded) {
    errors += fmt::format("route {}: {}\n", route.path, loaded.error().what);
    return;
  }
  for (LoadedFile& file : loaded->files) {
    MAYFLY_ASSERT(file.bytes.size() <= bytes_left);
    bytes_left -= file.bytes.size();
    add_file(route, std::move(file));
  }
  for (const std::string& folder : loaded->folders) add_redirect(route.path + folder);
}

void Site::add_file(const RouteSettings& route, LoadedFile file) {
  const std::string path = route.path + file.path;
  const std::string type =
      route.content_type.empty() ? std::string(types_.of(path)) : route.content_type;
  const std::span<const std::byte> bytes = keep(std::move(file.bytes));
  const EntityTag tag{siphash24(bytes, {})};
  const auto tag_text = text_of(tag);
  const auto date = http_date(file.modified);
  const std::string lines = fmt::format("Accept-Ranges: bytes\r\nETag: {}\r\nLast-Modified: {}\r\n",
                                        std::string_view(tag_text.data(), tag_text.size()),
                                        std::string_view(date.data(), date.size()));
  const ResponseIndex resource = add_resource(HttpStatus::ok, type, bytes, bytes.size(), lines);
  for (ResponseIndex i = resource; i < responses_.size(); ++i) {
    responses_[i].file = static_cast<std::uint32_t>(files_.size());
    responses_[i].validators_at =
        static_cast<std::uint16_t>(content_lines(type, bytes.size()).size());
  }
  files_.push_back({{tag, file.modified, bytes.size()}, bytes, type});
  add_path(path, resource);
  constexpr std::string_view kIndex = "index.html";
  if (path.ends_with(std::string("/") += kIndex)) {
    add_path(path.substr(0, path.size() - kIndex.size()), resource);
  }
}

// RFC 9110 15.4.2: a folder's relative links are right below its slash only.
void Site::add_redirect(const std::string& folder) {
  const std::string path = folder.ends_with('/') ? folder.substr(0, folder.size() - 1) : folder;
  if (path.empty() || path.starts_with("//")) return;  // "//x/" would be another host
  constexpr std::string_view kBody = "301 Moved Permanently\n";
  const std::string location = fmt::format("Location: {}/\r\n", encoded(path));
  add_path(path, add_resource(HttpStatus::moved_permanently, kText, bytes_of(kBody), kBody.size(),
                              location));
}

void Site::add_path(std::string path, ResponseIndex resource) {
  kept_paths_.push_back(std::move(path));
  if (!paths_.add(kept_paths_.back(), resource)) kept_paths_.pop_back();
}

ResponseIndex Site::add_resource(HttpStatus status, std::string_view content_type,
                                 std::span<const std::byte> body, std::uint64_t body_bytes,
                                 std::string_view more_lines) {
  const auto first = static_cast<ResponseIndex>(responses_.size());
  for (const Persistence p : {Persistence::implied, Persistence::stated, Persistence::close}) {
    const std::string head = head_of(body_bytes, content_type, more_lines, p);
    responses_.push_back(make_response(head, body, body_bytes, status));
  }
  return first;
}

Response Site::make_response(std::string_view head, std::span<const std::byte> body,
                             std::uint64_t body_bytes, HttpStatus status) {
  const auto head_bytes = bytes_of(head);
  std::vector<std::byte> lead(head_bytes.begin(), head_bytes.end());
  const bool is_inline = body_bytes <= kInlineBodyMax;
  if (is_inline) {
    const auto part = body.first(static_cast<std::size_t>(body_bytes));
    lead.insert(lead.end(), part.begin(), part.end());
  }
  Response response;
  response.lead = keep(std::move(lead));
  response.head_size = head.size();
  response.status = status;
  response.preamble = static_cast<std::uint8_t>(position_of(status));
  if (!is_inline) {
    response.body = body;
    response.body_bytes = body_bytes;
  }
  return response;
}

std::span<const std::byte> Site::keep(std::vector<std::byte> bytes) {
  kept_.push_back(std::move(bytes));
  return kept_.back();
}

}  // namespace mayfly::service
