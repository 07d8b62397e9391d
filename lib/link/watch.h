// Hosts of a link that are asked all the time whether they are there, by ARP (RFC 826) or neighbour
// discovery (RFC 4861 7.3): nothing else tells of a host that is sent packets and answers none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace mayfly::link {

/// Not thread-safe. Few hosts: each call looks at all of them.
template <class Address>
class Watch {
 public:
  /// Between an answer and the next question (RFC 1122 2.3.2.1), and between two questions to a
  /// host that is silent.
  static constexpr Duration kPeriod = Duration::from_s(1);
  /// Between questions that are not answered, as long as it is not silent.
  static constexpr Duration kRetry = Duration::from_ms(250);
  /// After so many of them it is silent.
  static constexpr std::uint8_t kTries = 4;

  /// Allocates; the host is not silent at first.
  void add(const Address& ip, Instant now) { hosts_.push_back({.ip = ip, .due = now}); }

  /// A packet came from the host itself. One that is not watched is ignored.
  void heard_of(const Address& ip, Instant now) noexcept {
    const auto host = std::ranges::find(hosts_, ip, &Host::ip);
    if (host == hosts_.end()) return;
    *host = {.ip = ip, .due = now + kPeriod};
  }

  /// It is watched, and has not answered kTries questions in a row.
  bool is_silent(const Address& ip) const noexcept {
    const auto host = std::ranges::find(hosts_, ip, &Host::ip);
    return host != hosts_.end() && host->is_silent;
  }

  /// Asks those that are to be asked now; call it about once a millisecond. `ask(ip, unanswered)`
  /// gets how many questions the host has not answered so far, at most kTries, and returns whether
  /// it asked: a question that could not be sent proves nothing.
  template <class Ask>
  void poll(Instant now, Ask&& ask) noexcept {
    for (Host& host : hosts_) {
      if (now < host.due) continue;
      if (host.unanswered == kTries) host.is_silent = true;
      if (!ask(host.ip, host.unanswered)) continue;
      if (host.unanswered < kTries) ++host.unanswered;
      host.due = now + (host.is_silent ? kPeriod : kRetry);
    }
  }

 private:
  struct Host {
    Address ip;
    std::uint8_t unanswered = 0;
    bool is_silent = false;
    Instant due;  // the next question
  };

  std::vector<Host> hosts_;
};

}  // namespace mayfly::link
