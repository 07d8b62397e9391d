// mayfly advise: reads what a Linux machine says of its TIME_WAITs, or a saved copy of it, and says
// who holds them, what gives way when, and what to change.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "commands.h"
#include "plan/linux_box.h"

namespace mayfly::app {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

/// The keys that the advice looks at, as sysctl -a prints them.
std::string sysctls_of(const fs::path& root) {
  constexpr auto kKeys = std::to_array<const char*>(
      {"net/ipv4/ip_local_port_range", "net/ipv4/tcp_max_tw_buckets", "net/ipv4/tcp_tw_reuse",
       "net/ipv4/tcp_fin_timeout", "net/netfilter/nf_conntrack_count",
       "net/netfilter/nf_conntrack_max", "net/netfilter/nf_conntrack_tcp_timeout_time_wait"});
  std::string all;
  for (const char* key : kKeys) {
    std::string name = key;
    std::ranges::replace(name, '/', '.');
    const std::string value = content(root / "sys" / key);
    if (!value.empty()) all += name + " = " + value + (value.ends_with('\n') ? "" : "\n");
  }
  return all;
}

plan::LinuxTexts this_machine() {
  const fs::path proc = "/proc";
  return {.sockets = content(proc / "net/tcp") + content(proc / "net/tcp6"),
          .summary = "",
          .sockstat = content(proc / "net/sockstat"),
          .counters = content(proc / "net/netstat") + content(proc / "net/snmp"),
          .sysctls = sysctls_of(proc)};
}

plan::LinuxTexts saved(const fs::path& folder) {
  return {.sockets = content(folder / "ss-tan"),
          .summary = content(folder / "ss-s"),
          .sockstat = content(folder / "sockstat"),
          .counters = content(folder / "nstat"),
          .sysctls = content(folder / "sysctl")};
}

}  // namespace

int advise_command(const std::string& folder) {
  const plan::LinuxTexts texts = folder.empty() ? this_machine() : saved(folder);
  if (texts.sockets.empty() && texts.summary.empty() && texts.sockstat.empty()) {
    fmt::print(stderr,
               "mayfly: there is nothing to read in {}. On the machine in question:\n"
               "  ss -tan > ss-tan; ss -s > ss-s; cat /proc/net/sockstat > sockstat; "
               "nstat -az > nstat; sysctl -a > sysctl\n",
               folder.empty() ? "/proc/net" : folder);
    return kBadUsage;
  }
  const plan::Advice advice = plan::advise(read_linux_box(texts));
  for (const std::string& finding : advice.findings) fmt::print("{}\n", finding);
  if (!advice.sysctls.empty()) {
    fmt::print("\nOn Linux, in /etc/sysctl.d/time-wait.conf:\n");
    for (const std::string& line : advice.sysctls) fmt::print("  {}\n", line);
  }
  if (!advice.mayfly.empty())
    fmt::print("\nWith Mayfly as the server, in its file:\n{}", advice.mayfly);
  return kOk;
}

}  // namespace mayfly::app
