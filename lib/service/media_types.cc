#include "service/media_types.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "service/grammar.h"

namespace mayfly::service {
namespace {

constexpr std::pair<std::string_view, std::string_view> kBuiltIn[] = {
    {"html", "text/html"},
    {"htm", "text/html"},
    {"css", "text/css"},
    {"js", "text/javascript"},
    {"mjs", "text/javascript"},
    {"json", "application/json"},
    {"txt", "text/plain"},
    {"md", "text/markdown"},
    {"csv", "text/csv"},
    {"xml", "application/xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"ico", "image/vnd.microsoft.icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"mp4", "video/mp4"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return result;
}

// RFC 9110 8.3.1: type "/" subtype.
bool is_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos || slash == 0 || slash + 1 == text.size()) return false;
  return std::ranges::all_of(text, [](char c) { return c == '/' || is_http(c, http_char::token); });
}

std::string with_charset(std::string_view type) {
  std::string result(type);
  return type.starts_with("text/") ? result + "; charset=utf-8" : result;
}

}  // namespace

MediaTypes MediaTypes::load(const std::string& file) {
  MediaTypes types;
  for (const auto& [suffix, type] : kBuiltIn)
    types.by_suffix_[std::string(suffix)] = with_charset(type);
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string type;
    if (!(words >> type) || !is_media_type(type)) continue;
    for (std::string suffix; words >> suffix;) types.by_suffix_[lower(suffix)] = with_charset(type);
  }
  return types;
}

std::string_view MediaTypes::of(std::string_view file_name) const {
  const std::size_t dot = file_name.rfind('.');
  if (dot != file_name.npos) {
    const auto found = by_suffix_.find(lower(file_name.substr(dot + 1)));
    if (found != by_suffix_.end()) return found->second;
  }
  return "application/octet-stream";
}

}  // namespace mayfly::service
