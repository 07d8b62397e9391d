#include "plan/linux_box.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <sstream>

#include "plan/demand.h"

namespace mayfly::plan {
namespace {

std::vector<std::string_view> words_of_line(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == line.npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

template <class F>
void for_each_line(std::string_view text, F&& f) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    f(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::optional<std::uint64_t> number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failure != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

/// The number that follows a word: "TCP: inuse 5 orphan 0 tw 30000".
std::uint64_t after(const std::vector<std::string_view>& words, std::string_view word) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == word) return number(words[i + 1]).value_or(0);
  return 0;
}

void read_sockstat(LinuxBox& box, std::string_view text) {
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of_line(line);
    if (words.empty() || words[0] != "TCP:") return;
    box.time_wait = after(words, "tw");
    box.orphans = after(words, "orphan");
  });
}

/// "TCP:   31245 (estab 12, closed 31200, orphaned 0, timewait 31190)"
void read_summary(LinuxBox& box, std::string_view text) {
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of_line(line);
    if (words.size() < 3 || words[0] != "TCP:") return;
    box.established = after(words, "(estab");
    if (box.time_wait == 0) box.time_wait = after(words, "timewait");
  });
}

/// One row of ss -tan or of /proc/net/tcp.
struct Socket {
  enum class State { time_wait, listen, other } state = State::other;
  std::string_view local_port, peer;
};

std::string_view port_of(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  return colon == address.npos ? std::string_view{} : address.substr(colon + 1);
}

std::optional<Socket> socket_of(const std::vector<std::string_view>& words) {
  using State = Socket::State;
  if (words.size() < 4) return std::nullopt;
  const auto state_of = [](std::string_view name) {
    if (name == "TIME-WAIT" || name == "06") return State::time_wait;
    return name == "LISTEN" || name == "0A" ? State::listen : State::other;
  };
  // /proc/net/tcp: "0: 0100007F:1F90 00000000:0000 0A ..."
  if (words[0].ends_with(':') && words[3].size() == 2)
    return Socket{state_of(words[3]), port_of(words[1]), words[2]};
  // ss -tan: "TIME-WAIT 0 0 10.0.0.1:80 10.0.0.2:43210"
  if (words.size() >= 5 && number(words[1]) && number(words[2]))
    return Socket{state_of(words[0]), port_of(words[3]), words[4]};
  return std::nullopt;
}

/// "198.18.0.2:80" of "020012C6:0050", as /proc/net/tcp writes it; another text as it is.
std::string readable(std::string_view peer) {
  const auto address = number(peer.substr(0, 8), 16), port = number(port_of(peer), 16);
  const bool is_hex = peer.size() == 13 && peer.find_first_not_of("0123456789ABCDEF") == 8;
  if (!is_hex || !address || !port) return std::string(peer);
  return fmt::format("{}.{}.{}.{}:{}", *address & 255, *address >> 8 & 255, *address >> 16 & 255,
                     *address >> 24 & 255, *port);
}

void read_sockets(LinuxBox& box, std::string_view text) {
  std::set<std::string_view> listening;
  for_each_line(text, [&](std::string_view line) {
    const auto socket = socket_of(words_of_line(line));
    if (socket && socket->state == Socket::State::listen) listening.insert(socket->local_port);
  });
  std::map<std::string_view, std::uint64_t> peers;
  for_each_line(text, [&](std::string_view line) {
    const auto socket = socket_of(words_of_line(line));
    if (!socket || socket->state != Socket::State::time_wait) return;
    if (listening.contains(socket->local_port)) {
      ++box.at_listeners;
    } else {
      ++box.at_ephemeral;
      ++peers[socket->peer];
    }
  });
  for (const auto& [peer, count] : peers) {
    if (count <= box.to_busiest) continue;
    box.to_busiest = count;
    box.busiest = readable(peer);
  }
  if (box.time_wait == 0) box.time_wait = box.at_listeners + box.at_ephemeral;
}

/// nstat -az: "TcpExtTCPTimeWaitOverflow 12 0.0"; /proc/net/netstat: a line of names, one of
/// values.
void read_counters(LinuxBox& box, std::string_view text) {
  std::vector<std::string_view> names;
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of_line(line);
    if (words.empty() || words[0].starts_with('#')) return;
    if (!words[0].ends_with(':')) {
      if (words.size() >= 2)
        if (const auto value = number(words[1])) box.counters[std::string(words[0])] = *value;
      return;
    }
    if (words.size() > 1 && !number(words[1]) && !words[1].starts_with('-')) {
      names = words;
      return;
    }
    const std::string group(words[0].substr(0, words[0].size() - 1));
    for (std::size_t i = 1; i < words.size() && i < names.size(); ++i)
      box.counters[group + std::string(names[i])] = number(words[i]).value_or(0);
  });
}

void read_sysctls(LinuxBox& box, std::string_view text) {
  for_each_line(text, [&](std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == line.npos) return;
    const auto key = words_of_line(line.substr(0, equals));
    const auto values = words_of_line(line.substr(equals + 1));
    if (key.empty() || values.empty()) return;
    const std::uint64_t value = number(values[0]).value_or(0);
    if (key[0] == "net.ipv4.tcp_max_tw_buckets") box.max_buckets = value;
    if (key[0] == "net.ipv4.tcp_tw_reuse") box.reuse = value;
    if (key[0] == "net.ipv4.tcp_fin_timeout") box.fin_timeout_s = value;
    if (key[0] == "net.netfilter.nf_conntrack_count") box.conntrack = value;
    if (key[0] == "net.netfilter.nf_conntrack_max") box.conntrack_max = value;
    if (key[0] == "net.netfilter.nf_conntrack_tcp_timeout_time_wait") box.conntrack_hold_s = value;
    if (key[0] == "net.ipv4.ip_local_port_range" && values.size() == 2) {
      const auto last = number(values[1]);
      if (last && *last >= value) {
        box.port_first = value;
        box.port_last = *last;
      }
    }
  });
}

std::string count(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}
std::string count(std::uint64_t value) { return count(static_cast<double>(value)); }

std::uint64_t counter(const LinuxBox& box, std::string_view name) {
  const auto found = box.counters.find(name);
  return found == box.counters.end() ? 0 : found->second;
}

void add_holder(Advice& advice, const LinuxBox& box) {
  advice.findings.push_back(
      fmt::format("{} TIME_WAIT entries / {:g} s = {} connections a second "
                  "that this machine closes first",
                  count(box.time_wait), LinuxBox::kHoldS, count(box.rate())));
  const std::uint64_t known = box.at_listeners + box.at_ephemeral;
  if (known == 0) return;
  advice.findings.push_back(
      fmt::format("as a server (on ports that it listens on) it holds {}, as a client {}",
                  count(box.at_listeners), count(box.at_ephemeral)));
}

/// The client's limit: a four-tuple to one peer is in TIME_WAIT for 60 s.
void add_ports(Advice& advice, const LinuxBox& box) {
  if (box.to_busiest == 0) return;
  const double share = static_cast<double>(box.to_busiest) / static_cast<double>(box.ports());
  advice.findings.push_back(fmt::format(
      "{} of them are to {}: {:.0f} % of the {} ports of ip_local_port_range; at {} connections a "
      "second to one peer connect() fails with EADDRNOTAVAIL",
      count(box.to_busiest), box.busiest, 100 * share, count(box.ports()),
      count(static_cast<double>(box.ports()) / LinuxBox::kHoldS)));
  if (share < 0.5) return;
  if (box.port_first > 1'024) advice.sysctls.push_back("net.ipv4.ip_local_port_range = 1024 65535");
  if (box.reuse != 1) advice.sysctls.push_back("net.ipv4.tcp_tw_reuse = 1");
}

void add_buckets(Advice& advice, const LinuxBox& box) {
  const std::uint64_t overflown = counter(box, "TcpExtTCPTimeWaitOverflow");
  if (overflown > 0)
    advice.findings.push_back(fmt::format(
        "{} connections were closed without a TIME_WAIT, as tcp_max_tw_buckets was reached",
        count(overflown)));
  if (box.max_buckets == 0) return;
  const double share = static_cast<double>(box.time_wait) / static_cast<double>(box.max_buckets);
  advice.findings.push_back(
      fmt::format("tcp_max_tw_buckets = {} is {:.0f} % full; it gives way at {} connections a "
                  "second: from there on TIME_WAIT is skipped, and old duplicates may do harm",
                  count(box.max_buckets), 100 * share,
                  count(static_cast<double>(box.max_buckets) / LinuxBox::kHoldS)));
  if (share > 0.7 || overflown > 0)
    advice.sysctls.push_back(fmt::format("net.ipv4.tcp_max_tw_buckets = {}",
                                         std::max(box.max_buckets, box.time_wait) * 2));
}

void add_conntrack(Advice& advice, const LinuxBox& box) {
  if (box.conntrack_max == 0) return;
  const double share = static_cast<double>(box.conntrack) / static_cast<double>(box.conntrack_max);
  const double limit =
      static_cast<double>(box.conntrack_max) / static_cast<double>(box.conntrack_hold_s);
  advice.findings.push_back(fmt::format(
      "conntrack holds each closed connection for {} s: {} of {} entries ({:.0f} %), full at {} "
      "connections a second; then packets are dropped",
      box.conntrack_hold_s, count(box.conntrack), count(box.conntrack_max), 100 * share,
      count(limit)));
  if (share > 0.7)
    advice.sysctls.push_back(
        fmt::format("net.netfilter.nf_conntrack_max = {}", box.conntrack_max * 2));
}

void add_counters(Advice& advice, const LinuxBox& box) {
  struct Known {
    const char *name, *words;
  };
  constexpr auto kKnown = std::to_array<Known>({
      {"TcpExtListenOverflows",
       "connections were dropped as an accept queue was full: raise the "
       "backlog of listen() and net.core.somaxconn"},
      {"TcpExtPAWSPassive",
       "SYNs were refused for an old timestamp, as hosts behind one NAT send: "
       "tcp_tw_recycle of a kernel before 4.12"},
      {"TcpExtTCPAbortOnMemory",
       "connections were reset as there were too many orphans or too "
       "little memory"},
  });
  for (const auto& [name, words] : kKnown)
    if (const std::uint64_t n = counter(box, name); n > 0)
      advice.findings.push_back(count(n) + " " + words);
}

/// With Mayfly as the server: as long a hold as the rate allows, and nobody refused.
std::string mayfly_for(const LinuxBox& box) {
  const auto entries = static_cast<std::uint64_t>(2 * static_cast<double>(box.time_wait));
  const std::uint64_t capacity = std::max<std::uint64_t>(64'000, entries);
  return fmt::format(
      "time_wait: {{hold: 60s, capacity: {}, on_full: evict_oldest, balance: true, floor: 1s}}  # "
      "{} MB\n"
      "close: {{first: client, grace: 200ms}}  # the TIME_WAIT goes to the many, if they close "
      "in time\n",
      capacity, (capacity * kTimeWaitBytes + 999'999) / 1'000'000);
}

}  // namespace

LinuxBox read_linux_box(const LinuxTexts& texts) {
  LinuxBox box;
  read_sockstat(box, texts.sockstat);
  read_summary(box, texts.summary);
  read_sockets(box, texts.sockets);
  read_counters(box, texts.counters);
  read_sysctls(box, texts.sysctls);
  return box;
}

Advice advise(const LinuxBox& box) {
  Advice advice;
  if (box.time_wait == 0) {
    advice.findings.push_back("no TIME_WAIT is held: the other end closes first, or nobody does");
  } else {
    add_holder(advice, box);
    add_ports(advice, box);
  }
  add_buckets(advice, box);
  add_conntrack(advice, box);
  add_counters(advice, box);
  if (box.at_listeners > box.at_ephemeral) advice.mayfly = mayfly_for(box);
  return advice;
}

}  // namespace mayfly::plan
