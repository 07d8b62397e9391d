#include "print.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "admin/endpoints.h"
#include "config/addresses.h"
#include "run/privileges.h"
#include "wire/print.h"

namespace mayfly::app {
namespace {

/// On a terminal the generator writes its progress over and over on one line.
const char* fresh_line() { return isatty(STDOUT_FILENO) != 0 ? "\r\x1b[K" : ""; }

}  // namespace

void print_carried_over(const flow::ShardStats& totals) {
  if (totals.time_wait_files_given_up.get() > 0)
    fmt::print(
        "time_wait_file: made for other sizes, cores or another secret; what it held is "
        "given up\n");
  const std::uint64_t entries = totals.time_wait_carried_over.get();
  if (entries == 0) return;
  fmt::print(
      "TIME_WAIT: {} entries carried over from the process before{}\n", entries,
      totals.time_wait_restored_unclean.get() > 0 ? ", which was killed: checked one by one" : "");
}

int fail(const Error& error) {
  fmt::print(stderr, "mayfly: {}\n", error.what);
  return run::exit_status_of(error);
}

Say say_on_terminal() {
  return [](admin::LogLevel, const char*, const std::string& words) {
    fmt::print(stderr, "{}mayfly: {}\n", fresh_line(), words);
  };
}

void FollowedLinks::follow() {
  for (const run::LinkNews& news : watch_.look(clock_.now(), silent_()))
    say_(news.is_problem ? admin::LogLevel::warn : admin::LogLevel::info, "link", news.words);
  if (const auto duplicate = duplicate_(); duplicate && !has_told_of_duplicate_) {
    has_told_of_duplicate_ = true;
    say_(admin::LogLevel::warn, "link",
         fmt::format("{} is another host's too (RFC 4862): it is off until the next start; give "
                     "one of the two another address",
                     to_string(*duplicate)));
  }
  const auto why = watch_.why_given_up(clock_.now());
  if (!why || is_given_up_) return;
  is_given_up_ = true;
  say_(admin::LogLevel::error, "given_up", *why);
}

Result<run::Numbers> open_numbers(const std::string& state) {
  auto numbers = run::open_numbers(state);
  if (numbers && !numbers->warning.empty()) fmt::print(stderr, "mayfly: {}\n", numbers->warning);
  return numbers;
}

void keep_numbers(run::Numbers& numbers, const nic::TscClock& clock, const Say& say) {
  if (!numbers.file) return;
  if (const auto kept = numbers.file->keep(clock.now(), run::wall_clock()); !kept)
    say(admin::LogLevel::warn, "state",
        kept.error().what + "; if this run ends now, the numbers of the next may be lower");
}

void print_change(const config::Change& change, const std::string&, const std::string&) {
  for (const config::KeyChange& one : change.changes)
    fmt::print("{}{}\n", fresh_line(), to_string(one));
  std::fflush(stdout);
}

void give_up_capabilities(const nic::ProcessSettings& process, const std::string& json) {
  if (process.capabilities == nic::CapabilitiesMode::drop && json.empty())
    run::give_up_capabilities();
}

void print_page(const admin::AdminSettings& settings) {
  if (settings.page.empty()) return;
  const auto address = admin::parse_page_address(settings.page);
  if (!address) return;
  const bool is_six = address->host.find(':') != std::string::npos;
  fmt::print("page: http://{}{}{}:{}/{}\n", is_six ? "[" : "", address->host, is_six ? "]" : "",
             address->port,
             settings.token_file.empty() ? "" : "#token=..., the token in " + settings.token_file);
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
    const auto add = [&](const auto& address) {
      words += words.empty() ? "" : ", ";
      words += config::format_interface_address(address);
      if (!address.arp) words += " (no ARP)";
    };
    std::ranges::for_each(port.addresses, add);
    std::ranges::for_each(port.addresses6, add);
  }
  return words;
}

}  // namespace mayfly::app
