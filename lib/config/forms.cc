#include "config/forms.h"

#include <algorithm>
#include <cctype>

#include "config/url.h"
#include "config/utf8.h"
#include "wire/print.h"

namespace mayfly::config {
namespace {

constexpr bool is_visible(char c) { return c > 0x20 && c < 0x7f; }

/// Calls f(character, its sequence) for each character; `text` is well-formed.
template <class F>
void for_each_character(std::string_view text, F f) {
  while (!text.empty()) {
    const std::string_view sequence =
        text.substr(0, std::max<std::size_t>(1, sequence_length(text)));
    f(character_of(sequence), sequence);
    text.remove_prefix(sequence.size());
  }
}

/// True if YAML reads this as the same text, and not as a null value, a comment or a map.
bool is_plain_scalar(const std::string& text) {
  const auto begins_a_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' || c == '_';
  };
  bool all_printable = true;
  for_each_character(text, [&](char32_t c, std::string_view) { all_printable &= is_printable(c); });
  return begins_a_word(text.front()) && all_printable && text.find(": ") == text.npos &&
         text.find(" #") == text.npos && text.back() != ':' && text.back() != ' ' &&
         !text.starts_with("...") && text != "none" && text != "null" && text != "Null" &&
         text != "NULL";
}

/// A character as an escape of YAML (1.2 5.7).
std::string escaped(char32_t c) {
  const auto number = static_cast<std::uint32_t>(c);
  if (c == '"' || c == '\\') return {'\\', static_cast<char>(c)};
  if (c == '\n') return "\\n";
  return number <= 0xff ? fmt::format("\\x{:02x}", number) : fmt::format("\\u{:04x}", number);
}

/// Text as YAML reads it, in double quotes if it needs them (YAML 1.2 7.3.1).
std::string written(const std::string& text) {
  if (!text.empty() && is_plain_scalar(text)) return text;
  std::string quoted = "\"";
  for_each_character(text, [&](char32_t c, std::string_view sequence) {
    const bool is_itself = is_printable(c) && c != '"' && c != '\\';
    quoted += is_itself ? std::string(sequence) : escaped(c);
  });
  return quoted + '"';
}

std::string written_or_none(const std::string& text) {
  return text.empty() ? "none" : written(text);
}

Form<Duration> limited_duration(std::string range, bool or_zero, Duration least, Duration most) {
  const auto parse = [or_zero, least, most](std::string_view text) -> Result<Duration> {
    const Result<Duration> value = parse_duration(text);
    const bool is_within =
        value && ((*value >= least && *value <= most) || (or_zero && value->us == 0));
    if (value && !is_within) return Error{in_quotes(text) + " is out of range"};
    return value;
  };
  return scalar<Duration>("duration", std::move(range), parse, format_duration);
}

}  // namespace

Form<bool> boolean() {
  return scalar<bool>("boolean", "true, false", parse_boolean,
                      [](const bool& value) { return std::string(value ? "true" : "false"); });
}

Form<double> probability() {
  return scalar<double>("probability", "0..100%", parse_probability,
                        [](const double& value) { return fmt::format("{}%", value * 100); });
}

Form<double> rate(double most) {
  const auto parse = [most](std::string_view text) -> Result<double> {
    const Result<double> value = parse_rate(text);
    if (value && *value > most) return Error{in_quotes(text) + " is out of range"};
    return value;
  };
  return scalar<double>("rate", "0.." + format_count(static_cast<std::uint64_t>(most)), parse,
                        [](const double& value) { return fmt::format("{}", value); });
}

Form<Duration> duration(Duration least, Duration most) {
  const std::string range = format_duration(least) + ".." + format_duration(most);
  return limited_duration(range, false, least, most);
}

Form<Duration> duration_or_zero(Duration least, Duration most) {
  const std::string range = "0 or " + format_duration(least) + ".." + format_duration(most);
  return limited_duration(range, true, least, most);
}

Result<std::uint64_t> parse_count_within(std::string_view text, std::uint64_t least,
                                         std::uint64_t most) {
  const Result<std::uint64_t> value = parse_count(text);
  if (value && (*value < least || *value > most))
    return Error{in_quotes(text) + " is out of range"};
  return value;
}

std::string format_count_range(std::uint64_t least, std::uint64_t most, Shown shown) {
  if (most == std::numeric_limits<std::uint64_t>::max()) return "64 bits";
  if (shown == Shown::plain) return fmt::format("{}..{}", least, most);
  return format_count(least) + ".." + format_count(most);
}

Form<std::string> text() {
  return scalar<std::string>(
      "text", "", [](std::string_view value) -> Result<std::string> { return std::string(value); },
      written);
}

Form<std::string> file_name(std::string type) {
  const auto parse = [](std::string_view value) -> Result<std::string> {
    const bool is_clean = std::none_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (value.empty()) return Error{"is empty"};
    if (!is_clean) return Error{in_quotes(value) + " contains a control character"};
    return std::string(value);
  };
  return scalar<std::string>(std::move(type), "", parse, written_or_none);
}

Form<std::string> file_or_auto() {
  Form<std::string> form = file_name("file");
  form.range = "auto, none or a path";
  form.show = [](const std::string& value) { return value == "none" ? value : written(value); };
  return form;
}

Form<std::string> word(std::string type, std::string range,
                       std::function<bool(std::string_view)> is_allowed) {
  const auto parse = [is_allowed](std::string_view value) -> Result<std::string> {
    if (value.empty()) return Error{"is empty"};
    if (!std::all_of(value.begin(), value.end(), is_visible)) {
      return Error{in_quotes(value) + " contains a space or a character that is not ASCII"};
    }
    if (!is_allowed(value)) return Error{in_quotes(value) + " is not allowed here"};
    return std::string(value);
  };
  return scalar<std::string>(std::move(type), std::move(range), parse, written_or_none);
}

Form<std::string> experiment_name() {
  constexpr std::size_t kLongest = 64;
  return word("name", "letters, digits, - and ., at most 64", [](std::string_view name) {
    return name.size() <= kLongest && std::all_of(name.begin(), name.end(), [](char c) {
             return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
           });
  });
}

Form<std::string> preset() { return file_name("preset"); }

Form<lab::LabPair> preset_pair() {
  Form<std::string> name = preset();
  Form<lab::LabPair> form{.type = name.type};
  form.read = [read = name.read](const Cursor& at, lab::LabPair& pair) {
    read(at, pair.policy);
    pair.name = pair.policy;
  };
  form.show = [](const lab::LabPair& pair) { return pair.policy; };
  return form;
}

Form<std::string> device() {
  const auto has_no_empty_argument = [](std::string_view devargs) {
    return !devargs.starts_with(',') && !devargs.ends_with(',') &&
           devargs.find(",,") == std::string_view::npos;
  };
  return word("device", "DPDK devargs without empty arguments, or a PCI address",
              has_no_empty_argument);
}

Form<std::string> url_path() {
  return word("path", "begins with /, without ? and #", [](std::string_view path) {
    return path.starts_with('/') && path.find_first_of("?#") == std::string_view::npos;
  });
}

Form<Ipv4Address> ipv4() {
  return scalar<Ipv4Address>("address", "unicast IPv4", parse_ipv4,
                             [](const Ipv4Address& address) { return to_string(address); });
}

Form<Ipv6Address> either_address() {
  const auto parse = [](std::string_view text) -> Result<Ipv6Address> {
    if (looks_like_ipv6(text)) return parse_ipv6(text);
    const Result<Ipv4Address> four = parse_ipv4(text);
    if (!four) return four.error();
    return Ipv6Address::mapped(four->host);
  };
  const auto show = [](const Ipv6Address& address) {
    return address.is_ipv4_mapped() ? to_string(Ipv4Address{address.low()}) : to_string(address);
  };
  return scalar<Ipv6Address>("address", "unicast IPv4 or IPv6", parse, show);
}

namespace {

/// A host as it was written, an address or a name.
void set_host(load::TargetSettings& target, const std::string& host) {
  const Result<Ipv4Address> address = parse_ipv4(host);
  const Result<Ipv6Address> six = parse_ipv6(host);
  target.address = address ? *address : Ipv4Address{};
  target.six = six ? std::optional(*six) : std::nullopt;
  target.name = address || six ? "" : host;
}

}  // namespace

Form<load::TargetSettings> target_address() {
  Form<load::TargetSettings> form{.type = "host", .range = "unicast IPv4 or IPv6, or a name"};
  form.show = [](const load::TargetSettings& target) {
    if (!target.name.empty()) return target.name;
    if (target.six) return to_string(*target.six);
    return target.address == Ipv4Address{} ? std::string("none") : to_string(target.address);
  };
  form.read = [hint = form.hint()](const Cursor& at, load::TargetSettings& target) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    const Result<std::string> host = parse_host(at.value.text);
    if (!host) return at.fail(host.error().what, hint);
    set_host(target, *host);
  };
  return form;
}

Form<load::TargetSettings> target_ip() {
  Form<load::TargetSettings> form{.type = "address", .range = "unicast IPv4 or IPv6"};
  form.show = target_address().show;
  form.read = [hint = form.hint()](const Cursor& at, load::TargetSettings& target) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    if (looks_like_ipv6(at.value.text)) {
      const Result<Ipv6Address> six = parse_ipv6(at.value.text);
      if (!six) return at.fail(six.error().what, hint);
    } else if (const Result<Ipv4Address> four = parse_ipv4(at.value.text); !four) {
      return at.fail(four.error().what, hint);
    }
    set_host(target, at.value.text);
  };
  return form;
}

Form<load::TargetSettings> target_url() {
  Form<load::TargetSettings> form{.type = "URL", .range = "http://HOST[:PORT][/PATH]"};
  form.show = [](const load::TargetSettings& target) { return written_or_none(target.url); };
  form.read = [hint = form.hint()](const Cursor& at, load::TargetSettings& target) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    const Result<HttpUrl> url = parse_http_url(at.value.text);
    if (!url) return at.fail(url.error().what, hint);
    set_host(target, url->host);
    target.url = at.value.text;
    target.port = url->port;
    target.path = url->path;
  };
  return form;
}

Form<load::Family> target_family() {
  using enum load::Family;
  return choice<load::Family>({{"any", any}, {"ipv4", ipv4}, {"ipv6", ipv6}});
}

Form<MacAddress> mac() {
  return scalar<MacAddress>("MAC", "of one station, such as 02:00:00:00:00:01", parse_mac,
                            [](const MacAddress& address) { return to_string(address); });
}

namespace {

/// An element with an error keeps its default value, so that the others of its family keep their
/// index.
void read_range(const Cursor& at, const std::string& hint, bool arp, nic::PortSettings& port) {
  if (!at.expect(Value::Kind::scalar, hint)) {
    port.addresses.emplace_back();
    return;
  }
  const auto add = [&](auto& list, const auto& parsed) {
    list.emplace_back();
    if (parsed) {
      list.back() = *parsed;
      list.back().arp = arp;
    } else {
      at.fail(parsed.error().what, hint);
    }
  };
  if (looks_like_ipv6(at.value.text)) {
    add(port.addresses6, parse_interface_address6(at.value.text));
  } else {
    add(port.addresses, parse_interface_address(at.value.text));
  }
}

/// A range, or a map of one and of what holds for it.
void read_address(const Cursor& at, const std::string& hint, nic::PortSettings& port) {
  if (at.value.kind != Value::Kind::map) return read_range(at, hint, true, port);
  const Form<bool> arp = boolean();
  check_names(at, {{required("range"), hint}, {"arp", arp.hint()}});
  bool is_told = true;
  if (const Value* value = find(at.value, "arp")) arp.read(at.below("arp", *value), is_told);
  if (const Value* value = find(at.value, "range"))
    return read_range(at.below("range", *value), hint, is_told, port);
  port.addresses.emplace_back();
}

/// As it can be written in the list.
template <class Address>
std::string show_address(const Address& address) {
  const std::string range = format_interface_address(address);
  return address.arp ? range : fmt::format("{{range: {}, arp: false}}", range);
}

void read_gateway(const Cursor& at, const std::string& hint, nic::PortSettings& port) {
  if (!at.expect(Value::Kind::scalar, hint)) return;
  const auto set = [&](auto& gateway, const auto& parsed) {
    if (!parsed) return at.fail(parsed.error().what, hint);
    if (gateway) return at.fail("is the second of its family", "one of each family");
    gateway = *parsed;
  };
  if (at.value.text == "ra") {
    if (port.gateway6) at.fail("is the second of its family", "one of each family");
    port.asks_for_router = true;
  } else if (looks_like_ipv6(at.value.text)) {
    if (port.asks_for_router) return at.fail("is the second of its family", "one of each family");
    set(port.gateway6, parse_ipv6(at.value.text));
  } else {
    set(port.gateway, parse_ipv4(at.value.text));
  }
}

/// "[a, b]", or "none".
std::string in_brackets(const std::vector<std::string>& words) {
  return words.empty() ? "none" : fmt::format("[{}]", fmt::join(words, ", "));
}

}  // namespace

Form<nic::PortSettings> port_addresses() {
  Form<nic::PortSettings> form{.type = "list of address or map",
                               .range = "A/PREFIX or A-B/PREFIX, IPv4 or IPv6"};
  form.read = [hint = "list of address: " + form.range](const Cursor& at, nic::PortSettings& port) {
    if (!at.expect(Value::Kind::list, hint)) return;
    constexpr std::size_t kMost = 1'024;
    const std::size_t size = at.value.items.size();
    if (size == 0) at.fail("is empty", hint);
    if (size > kMost) return at.fail(fmt::format("has more than {} elements", kMost), hint);
    port.addresses.clear();
    port.addresses6.clear();
    for (std::size_t i = 0; i < size; ++i)
      read_address(at.below(std::to_string(i), at.value.items[i]), hint, port);
  };
  form.show = [](const nic::PortSettings& port) {
    std::vector<std::string> words;
    for (const auto& address : port.addresses) words.push_back(show_address(address));
    for (const auto& address : port.addresses6) words.push_back(show_address(address));
    return in_brackets(words);
  };
  return form;
}

Form<nic::PortSettings> port_gateway() {
  Form<nic::PortSettings> form{.type = "address",
                               .range =
                                   "unicast IPv4 or IPv6, or a list of one of each; ra: an "
                                   "IPv6 router that says to be one"};
  form.read = [hint = form.hint()](const Cursor& at, nic::PortSettings& port) {
    port.gateway.reset();
    port.gateway6.reset();
    port.asks_for_router = false;
    if (at.value.kind != Value::Kind::list) return read_gateway(at, hint, port);
    for (std::size_t i = 0; i < at.value.items.size(); ++i)
      read_gateway(at.below(std::to_string(i), at.value.items[i]), hint, port);
  };
  form.show = [](const nic::PortSettings& port) {
    std::vector<std::string> words;
    if (port.gateway) words.push_back(to_string(*port.gateway));
    if (port.gateway6) words.push_back(to_string(*port.gateway6));
    if (port.asks_for_router) words.push_back("ra");
    return words.size() == 1 ? words[0] : in_brackets(words);
  };
  return form;
}

Form<Prefix> network() {
  return scalar<Prefix>("network", "A/PREFIX", parse_prefix, format_prefix);
}

Form<load::SourceSettings> source_addresses() {
  Form<load::SourceSettings> form{.type = "addresses", .range = "A or A-B; IPv6 also A/PREFIX"};
  form.show = [](const load::SourceSettings& sources) {
    if (sources.six)
      return to_string(*sources.six) + "-" + to_string(sources.six->with_low(sources.last.host));
    if (sources.first == Ipv4Address{}) return std::string("those of the first port");
    return to_string(sources.first) + "-" + to_string(sources.last);
  };
  form.read = [hint = form.hint()](const Cursor& at, load::SourceSettings& sources) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    if (looks_like_ipv6(at.value.text)) {
      const Result<AddressRange6> range = parse_address_range6(at.value.text);
      if (!range) return at.fail(range.error().what, hint);
      sources.six = range->first;
      sources.first = {range->first.low()};
      sources.last = {range->last.low()};
      return;
    }
    const Result<AddressRange> range = parse_address_range(at.value.text);
    if (!range) return at.fail(range.error().what, hint);
    sources.six.reset();
    sources.first = range->first;
    sources.last = range->last;
  };
  return form;
}

Form<load::SourceSettings> source_ports() {
  Form<load::SourceSettings> form{.type = "ports", .range = "1..65535, as N or N-M"};
  form.show = [](const load::SourceSettings& sources) {
    return fmt::format("{}-{}", sources.port_first, sources.port_last);
  };
  form.read = [hint = form.hint()](const Cursor& at, load::SourceSettings& sources) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    const Result<PortRange> range = parse_port_range(at.value.text);
    if (!range) return at.fail(range.error().what, hint);
    sources.port_first = range->first;
    sources.port_last = range->last;
  };
  return form;
}

}  // namespace mayfly::config
