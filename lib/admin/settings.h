// Settings of the access to a running process.
#pragma once

#include <cstdint>
#include <string>

namespace mayfly::admin {

enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t { text, json };

/// What a running process says on standard error.
struct LogSettings {
  LogLevel level = LogLevel::info;  ///< the least that is said
  LogFormat format = LogFormat::text;
};

/// Where a running process answers. doc/control.md describes it.
struct AdminSettings {
  /// The path of the control socket; auto: default_socket(); none or empty: there is none.
  std::string socket = "auto";
  std::string page;        ///< ADDRESS:PORT of the page and the API; empty = none
  std::string token_file;  ///< file with the token that callers of the page need; empty = none
};

}  // namespace mayfly::admin
