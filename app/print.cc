#include "print.h"

#include <fmt/format.h>
#include <unistd.h>

#include "wire/print.h"

namespace mayfly::app {

int fail(const Error& error) {
  fmt::print(stderr, "mayfly: {}\n", error.what);
  return run::exit_status_of(error);
}

void print_change(const config::Change& change) {
  // On a terminal the generator overwrites one line with its progress.
  const char* fresh_line = isatty(STDOUT_FILENO) != 0 ? "\r\x1b[K" : "";
  for (const config::KeyChange& one : change.changes)
    fmt::print("{}{}\n", fresh_line, to_string(one));
  std::fflush(stdout);
}

std::string listens_in_words(const config::ServeSettings& settings) {
  std::string words;
  for (const service::ListenSettings& listen : settings.listen) {
    const char* service = listen.service == service::ServiceKind::http   ? "http"
                          : listen.service == service::ServiceKind::echo ? "echo"
                                                                         : "discard";
    words += fmt::format("{}port {} {}", words.empty() ? "" : ", ", listen.port, service);
  }
  return words;
}

std::string addresses_in_words(const nic::ProcessSettings& process) {
  std::string words;
  for (const nic::PortSettings& port : process.ports) {
    for (const link::InterfaceAddress& address : port.addresses) {
      words += words.empty() ? "" : ", ";
      words += to_string(address.first);
      if (address.last != address.first) words += "-" + to_string(address.last);
      words += fmt::format("/{}", address.prefix_length);
    }
  }
  return words;
}

}  // namespace mayfly::app
