#include "config/machine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "wire/print.h"

namespace mayfly::config {
namespace {

void judge(const Machine& machine, const Scope& scope, std::string_view key, nic::Unfit why) {
  if (why.is_absent && machine.tolerates_absence) {
    scope.note(key, std::move(why.what), "it would not start on this machine");
  } else {
    scope.fail(key, std::move(why.what));
  }
}

void check_cores(const std::vector<std::uint32_t>& cores, const Machine& machine,
                 const Scope& scope) {
  if (machine.cpus.empty()) return;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    const std::string key = fmt::format("cores.{}", i);
    if (!scope.is_sound({key}) || std::ranges::find(machine.cpus, cores[i]) != machine.cpus.end())
      continue;
    judge(machine, scope, key,
          {fmt::format("core {} is not among this process's CPUs: there are {}", cores[i],
                       fmt::join(machine.cpus, ", ")),
           true});
  }
}

void check_ports(const nic::ProcessSettings& process, std::size_t cores, const Machine& machine,
                 const Scope& scope) {
  for (std::size_t i = 0; i < process.ports.size(); ++i) {
    const nic::PortSettings& port = process.ports[i];
    const std::string device = fmt::format("ports.{}.device", i);
    const std::string pcap = fmt::format("ports.{}.pcap", i);
    if (machine.why_unfit && !port.device.empty() && scope.is_sound({device}))
      if (auto why = machine.why_unfit(port, cores)) judge(machine, scope, device, *std::move(why));
    const std::string second = fmt::format("ports.{}.exception.device", i);
    if (machine.why_unfit && port.exception.any() && scope.is_sound({second})) {
      nic::PortSettings kernels;
      kernels.device = port.exception.device;
      kernels.mtu = port.mtu;
      if (auto why = machine.why_unfit(kernels, 1)) judge(machine, scope, second, *std::move(why));
    }
    if (machine.why_unwritable && !port.pcap.empty() && scope.is_sound({pcap}))
      if (auto why = machine.why_unwritable(port.pcap)) scope.fail(pcap, *std::move(why));
  }
}

void check_socket(const admin::AdminSettings& admin, const Machine& machine, const Scope& scope) {
  if (!machine.why_no_socket || admin.socket == "auto" || admin.socket == "none" ||
      !scope.is_sound({"admin.socket"}))
    return;
  if (auto why = machine.why_no_socket(admin.socket)) scope.fail("admin.socket", *std::move(why));
}

void check_page(const admin::AdminSettings& admin, const Machine& machine, const Scope& scope) {
  if (!machine.why_no_page || admin.page.empty()) return;
  if (!scope.is_sound({"admin.page", "admin.token_file"})) return;
  if (auto why = machine.why_no_page(admin)) scope.fail("admin.page", *std::move(why));
}

void check_state(const std::string& state, const Machine& machine, const Scope& scope) {
  if (!machine.why_unwritable || state == "auto" || state == "none" || !scope.is_sound({"state"}))
    return;
  if (auto why = machine.why_unwritable(state)) scope.fail("state", *std::move(why));
}

/// Each route by itself, so that the error has its place; then all of them together.
void check_site(const service::HttpSettings& http, const Machine& machine, const Scope& scope) {
  if (!machine.check_site || !scope.is_sound({"http"})) return;
  bool is_good = true;
  for (std::size_t i = 0; i < http.routes.size(); ++i) {
    service::HttpSettings alone = http;
    alone.routes = {http.routes[i]};
    if (const auto good = machine.check_site(alone); !good) {
      scope.fail(fmt::format("http.routes.{}", i), good.error().what);
      is_good = false;
    }
  }
  if (!is_good) return;
  if (const auto good = machine.check_site(http); !good)
    scope.fail("http.routes", good.error().what);
}

template <class T>
void check_process(const T& settings, const Machine& machine, const Scope& scope) {
  check_cores(settings.cores, machine, scope);
  check_ports(settings.process, settings.cores.size(), machine, scope);
  check_socket(settings.admin, machine, scope);
  check_page(settings.admin, machine, scope);
}

bool has_family(const HostAddresses& found, load::Family family) {
  return family == load::Family::any ||
         (family == load::Family::ipv6 ? found.six.has_value() : found.four.has_value());
}

std::string lacking(const HostAddresses& found, const load::TargetSettings& target) {
  return target.family == load::Family::ipv6
             ? target.name + " has no IPv6 address; it has " + to_string(*found.four)
             : target.name + " has no IPv4 address; it has " + to_string(*found.six);
}

/// The IPv6 address of a name is meant, not its IPv4 address.
bool takes_six(const HostAddresses& found, const LoadSettings& settings) {
  if (settings.target.family != load::Family::any)
    return settings.target.family == load::Family::ipv6;
  if (!found.four || !found.six) return found.six.has_value();
  if (settings.sources.has_addresses()) return settings.sources.six.has_value();
  return std::ranges::all_of(settings.process.ports,
                             [](const nic::PortSettings& port) { return port.addresses.empty(); });
}

}  // namespace

void resolve_target(LoadSettings& settings, const Machine& machine, const Scope& scope) {
  load::TargetSettings& target = settings.target;
  if (!machine.resolve || target.name.empty() || !scope.is_sound({"target"})) return;
  const auto found = machine.resolve(target.name);
  if (!found) return judge(machine, scope, target_key(scope), {found.error().what, true});
  if (!has_family(*found, target.family))
    return judge(machine, scope, target_key(scope), {lacking(*found, target), true});
  if (takes_six(*found, settings)) {
    target.six = found->six;
    target.other = found->four ? to_string(*found->four) : "";
  } else {
    target.address = *found->four;
    target.other = found->six ? to_string(*found->six) : "";
  }
}

void check_machine(const ServeSettings& settings, const Machine& machine, const Scope& scope) {
  check_process(settings, machine, scope);
  check_state(settings.state, machine, scope);
  check_site(settings.http, machine, scope);
}

void check_machine(const ProgramSettings& settings, const Machine& machine, const Scope& scope) {
  check_process(settings, machine, scope);
}

void check_machine(const LoadSettings& settings, const Machine& machine, const Scope& scope) {
  check_process(settings, machine, scope);
  check_state(settings.state, machine, scope);
  if (!machine.check_sources || !scope.is_sound({"load", "sources", "time_wait", "close", "ports"}))
    return;
  if (const auto lasts = machine.check_sources(settings); !lasts)
    scope.fail(settings.load.rate > 0 ? "load.rate" : "load.concurrency", lasts.error().what);
}

void check_machine(const BothEnds& pair, const Machine& machine, const Scope& both,
                   const Scope& server, const Scope& client) {
  check_cores(pair.server.cores, machine, server);
  check_cores(pair.client.cores, machine, client);
  check_ports(pair.server.process, pair.server.cores.size(), machine, server);
  check_ports(pair.client.process, pair.client.cores.size(), machine, client);
  check_site(pair.server.http, machine, server);
  if (!machine.check_lasts || !both.is_sound({"server", "client"})) return;
  if (const auto lasts = machine.check_lasts(pair.lab_pair()); !lasts)
    client.fail(pair.client.load.rate > 0 ? "load.rate" : "load.concurrency", lasts.error().what);
}

}  // namespace mayfly::config
