#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "config/units.h"

namespace mayfly::testing {
namespace {

constexpr Ipv4Address kServer{0xc612'0001}, kPeer{0xc612'0101};

Duration duration_of(const std::string& text) {
  const auto duration = config::parse_duration(text);
  if (!duration) throw std::runtime_error(duration.error().what);
  return *duration;
}

/// "--set KEY=VALUE", "--run DURATION" or "--open OUR-PORT THEIR-PORT AFTER".
void take_directive(Scenario& scenario, std::istringstream words) {
  std::string directive, value;
  words >> directive >> value;
  if (directive == "--set") {
    scenario.sets.push_back(value);
  } else if (directive == "--run") {
    scenario.run = duration_of(value);
  } else if (directive == "--open") {
    std::uint16_t peer_port = 0;
    std::string at;
    words >> peer_port >> at;
    const auto our_port = static_cast<std::uint16_t>(std::stoi(value));
    scenario.open = {FlowKey4::of(kServer, our_port, kPeer, peer_port), duration_of(at)};
  } else {
    throw std::runtime_error("unknown directive " + directive);
  }
}

/// Splits the text behind its comment lines, and obeys those that begin with two dashes.
void read_text(Scenario& scenario) {
  constexpr std::string_view kDirective = "# --";
  std::ifstream file(scenario.text);
  for (std::string line; file.peek() == '#' && std::getline(file, line);) {
    scenario.header += line + '\n';
    if (line.starts_with(kDirective)) take_directive(scenario, std::istringstream(line.substr(2)));
  }
  if (scenario.header.empty()) throw std::runtime_error("has no header");
  file.ignore(1, '\n');  // the blank line between the two
  std::ostringstream rest;
  rest << file.rdbuf();
  scenario.expected = rest.str();
}

}  // namespace

std::vector<Scenario> read_scenarios(const std::filesystem::path& folder) {
  std::vector<Scenario> scenarios;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".pcap") continue;
    auto name = std::filesystem::relative(entry.path(), folder).replace_extension();
    Scenario scenario{.name = name.generic_string(), .capture = entry.path()};
    scenario.text = entry.path();
    scenario.text.replace_extension(".txt");
    try {
      read_text(scenario);
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("{}: {}", scenario.text.string(), error.what()));
    }
    scenarios.push_back(std::move(scenario));
  }
  std::ranges::sort(scenarios, {}, &Scenario::name);
  return scenarios;
}

}  // namespace mayfly::testing
