// The forms that the keys share: numbers in a range, durations, choices, text, addresses.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/addresses.h"
#include "config/form.h"
#include "config/units.h"

namespace mayfly::config {

Form<bool> boolean();
/// 0..1, written as "1%" or "0.01".
Form<double> probability();
/// 0..most, not necessarily whole.
Form<double> rate(double most);

/// From `least` to `most`.
Form<Duration> duration(Duration least, Duration most);
/// From `least` to `most`, or 0.
Form<Duration> duration_or_zero(Duration least, Duration most);

/// Whether the reference shows a count with its unit.
enum class Shown : std::uint8_t { with_unit, plain };
Result<std::uint64_t> parse_count_within(std::string_view text, std::uint64_t least,
                                         std::uint64_t most);
std::string format_count_range(std::uint64_t least, std::uint64_t most, Shown shown);

/// A number with or without unit (k, M, Ki ...), from `least` to `most`.
template <std::unsigned_integral N>
Form<N> count(std::uint64_t least, std::uint64_t most, Shown shown = Shown::with_unit) {
  const auto parse = [least, most](std::string_view text) -> Result<N> {
    const Result<std::uint64_t> value = parse_count_within(text, least, most);
    if (!value) return value.error();
    return static_cast<N>(*value);
  };
  const auto show = [shown](const N& value) {
    return shown == Shown::plain ? std::to_string(value) : format_count(value);
  };
  return scalar<N>("count", format_count_range(least, most, shown), parse, show);
}

/// A number that is shown without unit, from `least` to `most`.
template <std::unsigned_integral N>
Form<N> number(std::uint64_t least, std::uint64_t most = std::numeric_limits<N>::max()) {
  Form<N> form = count<N>(least, most, Shown::plain);
  form.type = "number";
  return form;
}

/// A count of bytes.
template <std::unsigned_integral N>
Form<N> bytes(std::uint64_t least, std::uint64_t most) {
  Form<N> form = count<N>(least, most);
  form.type = "bytes";
  return form;
}

/// One of the given words.
template <class E>
Form<E> choice(std::vector<std::pair<std::string, E>> words) {
  std::vector<std::string> names;
  for (const auto& [name, value] : words) names.push_back(name);
  const std::string range = fmt::format("{}", fmt::join(names, ", "));
  const auto parse = [words, names](std::string_view text) -> Result<E> {
    for (const auto& [name, value] : words) {
      if (name == text) return value;
    }
    const std::optional<std::string> likely = nearest(text, names);
    return Error{in_quotes(text) + (likely ? " is unknown; did you mean " + *likely + "?"
                                           : std::string(" is unknown"))};
  };
  const auto show = [words](const E& shown_value) {
    for (const auto& [name, value] : words) {
      if (value == shown_value) return name;
    }
    return std::string();
  };
  return scalar<E>("one of", range, parse, show);
}

/// Any text.
Form<std::string> text();
/// A name of a file or folder: not empty, no control character.
Form<std::string> file_name(std::string type);
/// A name of a file, `auto` or `none`.
Form<std::string> file_or_auto();
/// Visible ASCII without spaces, not empty, for which `is_allowed` is true.
Form<std::string> word(std::string type, std::string range,
                       std::function<bool(std::string_view)> is_allowed);

/// A name of an experiment: letters, digits, '-' and '.', at most 64.
Form<std::string> experiment_name();
/// A preset of conf/policy/: its name, or a path that has a '/' or ends in ".yaml".
Form<std::string> preset();
/// A pair of ends given by a preset alone. Its name is that of the preset.
Form<lab::LabPair> preset_pair();

Form<std::string> device();
Form<std::string> url_path();
Form<Ipv4Address> ipv4();
/// An address of either family, IPv4 ones mapped.
Form<Ipv6Address> either_address();
/// "198.18.0.1" or a name, and "http://HOST[:PORT][/PATH]", each a part of the target.
Form<load::TargetSettings> target_address();
Form<load::TargetSettings> target_url();
/// Which of the addresses of a name.
Form<load::Family> target_family();
/// An address alone.
Form<load::TargetSettings> target_ip();
Form<MacAddress> mac();
/// A list of both families, of a port's own addresses.
Form<nic::PortSettings> port_addresses();
/// An address, or a list of one of each family.
Form<nic::PortSettings> port_gateway();
/// "10.0.0.0/8", "2001:db8::/32".
Form<Prefix> network();
/// "198.18.1.1-198.18.1.100" and "1024-65535", each a part of the sources.
Form<load::SourceSettings> source_addresses();
Form<load::SourceSettings> source_ports();

}  // namespace mayfly::config
