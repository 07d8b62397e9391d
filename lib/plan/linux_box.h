// A Linux machine that suffers from TIME_WAIT: what its own tools say of it, who holds the entries,
// what gives way when, and what to change, on Linux and with Mayfly. Texts in, words out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::plan {

/// The output of the tools, each as it was printed; empty = not there.
struct LinuxTexts {
  std::string sockets;   ///< ss -tan, or /proc/net/tcp with tcp6
  std::string summary;   ///< ss -s
  std::string sockstat;  ///< /proc/net/sockstat
  std::string counters;  ///< nstat -az, or /proc/net/netstat with snmp
  std::string sysctls;   ///< sysctl -a: "net.ipv4.tcp_tw_reuse = 2"
};

/// What they say.
struct LinuxBox {
  std::uint64_t time_wait = 0;  ///< entries
  std::uint64_t established = 0, orphans = 0;
  std::uint64_t at_listeners = 0;  ///< entries on a port that somebody listens on
  std::uint64_t at_ephemeral = 0;  ///< the others: this machine was the client
  std::uint64_t to_busiest = 0;    ///< of those, entries to the one peer that has most
  std::string busiest;             ///< that peer, "198.18.0.2:5432"
  std::map<std::string, std::uint64_t, std::less<>> counters;  ///< "TcpExtTCPTimeWaitOverflow"
  std::uint64_t max_buckets = 0;  ///< tcp_max_tw_buckets; 0 = not known
  std::uint64_t port_first = 32'768, port_last = 60'999;
  std::uint64_t reuse = 2, fin_timeout_s = 60;
  std::uint64_t conntrack = 0, conntrack_max = 0, conntrack_hold_s = 120;

  std::uint64_t ports() const noexcept { return port_last - port_first + 1; }
  /// Linux holds TIME_WAIT for 60 s, whatever is configured (TCP_TIMEWAIT_LEN).
  static constexpr double kHoldS = 60;
  /// Connections a second that keep so many entries (Little's law).
  double rate() const noexcept { return static_cast<double>(time_wait) / kHoldS; }
};

LinuxBox read_linux_box(const LinuxTexts& texts);

struct Advice {
  std::vector<std::string> findings;  ///< what is so, and what gives way when; a sentence each
  std::vector<std::string> sysctls;   ///< lines for /etc/sysctl.d; empty = change nothing
  std::string mayfly;  ///< YAML for mayfly serve; empty = Mayfly changes nothing here
};

Advice advise(const LinuxBox& box);

}  // namespace mayfly::plan
