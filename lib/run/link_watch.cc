#include "run/link_watch.h"

#include <fmt/format.h>

#include <utility>

#include "admin/links_json.h"
#include "link/interface.h"
#include "nic/fitness.h"
#include "nic/memif.h"
#include "nic/vhost.h"
#include "wire/print.h"

namespace mayfly::run {
namespace {

constexpr Duration kPeriod = Duration::from_ms(100);

bool is_up(const nic::LinkReading& reading) { return reading.state == nic::LinkState::up; }

}  // namespace

LinkWatch::LinkWatch(std::vector<Watched> links, Duration give_up, Instant now)
    : links_(std::move(links)), give_up_(give_up), next_(now), last_up_(now) {
  // As if all were well before the first look, which tells what is not.
  for (const Watched& link : links_)
    states_.push_back({{nic::LinkState::up, link.mtu_wanted}, now, 0, ""});
}

LinkWatch::LinkWatch(LinkWatch&& other) noexcept
    : links_(std::move(other.links_)),
      give_up_(other.give_up_),
      next_(other.next_),
      last_up_(other.last_up_),
      states_(std::move(other.states_)) {}

LinkWatch LinkWatch::of(const nic::ProcessSettings& process,
                        const std::vector<nic::Device>& devices, Instant now) {
  std::vector<Watched> links;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const nic::PortSettings& port = process.ports[i];
    links.push_back({.device = port.device,
                     .interface = host_interface_of(port),
                     .has_peer = nic::is_memif(port.device) || nic::vhost_socket(port.device),
                     .mtu_wanted = port.mtu,
                     .place = port,
                     .read = [&device = devices[i]] { return device.link(); }});
  }
  return LinkWatch(std::move(links), process.links.give_up, now);
}

std::string LinkWatch::problem_of(const Watched& link, const nic::LinkReading& reading) const {
  const std::string& name = link.interface;
  switch (reading.state) {
    case nic::LinkState::gone:
      return fmt::format("interface {} was deleted: make it again, and start this program again",
                         name);
    case nic::LinkState::down:
      return fmt::format("interface {0} is down: ip link set dev {0} up", name);
    case nic::LinkState::no_carrier:
      if (link.has_peer) return "nobody is connected: start the process at the other end";
      if (name.empty()) return "no carrier: see to the cable, the switch, or the other end";
      return fmt::format(
          "interface {} has no carrier: see to the cable, or to the other end: it "
          "may be down",
          name);
    case nic::LinkState::up: break;
  }
  if (reading.mtu == 0 || reading.mtu >= link.mtu_wanted || name.empty()) return "";
  return fmt::format(
      "interface {0} has an MTU of {1} now, below the port's mtu of {2}: it refuses full frames; "
      "ip link set dev {0} mtu {2}",
      name, reading.mtu, link.mtu_wanted);
}

/// Empty if the neighbours are not on this link.
std::string LinkWatch::silence_of(const Watched& link, const SilentNeighbours& silent) const {
  link::Interface interface;
  static_cast<link::LinkSettings&>(interface) = link.place;
  const auto words = [](const char* protocol, const std::string& who, bool is_gateway) {
    return fmt::format(
        "nobody answers {} for {}, the {}: see whether it is up and on this link, and "
        "whether the VLAN is right",
        protocol, who, is_gateway ? "gateway" : "target");
  };
  if (silent.four && interface.on_link(*silent.four) != nullptr)
    return words("ARP", to_string(*silent.four), link.place.gateway == silent.four);
  if (silent.six && interface.has_ipv6() && interface.is_on_link(*silent.six))
    return words("neighbour discovery", to_string(*silent.six), link.place.gateway6 == silent.six);
  return "";
}

std::vector<LinkNews> LinkWatch::look(Instant now, const SilentNeighbours& silent) {
  std::vector<LinkNews> news;
  if (now < next_) return news;
  next_ = now + kPeriod;
  const std::lock_guard guard(mutex_);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Watched& link = links_[i];
    State& state = states_[i];
    const nic::LinkReading reading = link.read();
    if (is_up(reading)) last_up_ = now;
    const bool is_change = reading != state.reading;
    const bool is_first = !std::exchange(state.is_read, true);
    std::string problem = problem_of(link, reading);
    if (problem.empty()) problem = silence_of(link, silent);
    if (!is_change && problem == state.problem) continue;
    if (!problem.empty() && problem != state.problem) {
      news.push_back({fmt::format("{}: {}", link.device, problem), true});
    } else if (problem.empty() && !state.problem.empty()) {
      news.push_back({fmt::format("{}: the link is well again", link.device), false});
    }
    if (is_change && !is_first) {
      state.changed = now;
      ++state.changes;
    }
    state.reading = reading;
    state.problem = problem;
  }
  return news;
}

std::optional<std::string> LinkWatch::why_given_up(Instant now) const {
  if (give_up_.us == 0 || now - last_up_ < give_up_) return std::nullopt;
  const std::lock_guard guard(mutex_);
  std::string words =
      fmt::format("no link has worked for {:g} s (links.give_up)", give_up_.seconds());
  for (std::size_t i = 0; i < links_.size(); ++i)
    words += fmt::format("; {}: {}", links_[i].device, states_[i].problem);
  return words;
}

nlohmann::ordered_json LinkWatch::json(Instant now) const {
  const std::lock_guard guard(mutex_);
  std::vector<admin::LinkReport> reports;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const State& state = states_[i];
    reports.push_back({.device = links_[i].device,
                       .state = name_of(state.reading.state),
                       .mtu = state.reading.mtu,
                       .changes = state.changes,
                       .since_change = now - state.changed,
                       .problem = state.problem});
  }
  return admin::links_json(reports);
}

}  // namespace mayfly::run
