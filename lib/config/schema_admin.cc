#include "config/schema_admin.h"

#include "config/forms.h"

namespace mayfly::config {

Schema<admin::AdminSettings> admin_schema() {
  return {{"socket", &admin::AdminSettings::socket, file_or_auto(),
           "the UNIX socket for `mayfly ctl`, made at start; auto = /run/mayfly/serve.sock (or "
           "load.sock), in the user's runtime folder if it is not root's"},
          {"page", &admin::AdminSettings::page, text(),
           "where a browser finds the live page, such as 127.0.0.1:9000 (doc/control.md)"},
          {"token_file", &admin::AdminSettings::token_file, file_name("file"),
           "a file with the token that the page's callers need; without it the page is for this "
           "machine alone"}};
}

Schema<admin::LogSettings> log_schema() {
  using L = admin::LogSettings;
  return {{"level", &L::level,
           choice<admin::LogLevel>({{"debug", admin::LogLevel::debug},
                                    {"info", admin::LogLevel::info},
                                    {"warn", admin::LogLevel::warn},
                                    {"error", admin::LogLevel::error}}),
           "the least that is said"},
          {"format", &L::format,
           choice<admin::LogFormat>(
               {{"text", admin::LogFormat::text}, {"json", admin::LogFormat::json}}),
           "lines for people, or an object of JSON a line"}};
}

}  // namespace mayfly::config
