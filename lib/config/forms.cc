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

namespace {

/// A host as it was written, an address or a name.
void set_host(load::TargetSettings& target, const std::string& host) {
  const Result<Ipv4Address> address = parse_ipv4(host);
  target.address = address ? *address : Ipv4Address{};
  target.name = address ? "" : host;
}

}  // namespace

Form<load::TargetSettings> target_address() {
  Form<load::TargetSettings> form{.type = "host", .range = "unicast IPv4, or a name"};
  form.show = [](const load::TargetSettings& target) {
    if (!target.name.empty()) return target.name;
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

Form<MacAddress> mac() {
  return scalar<MacAddress>("MAC", "of one station, such as 02:00:00:00:00:01", parse_mac,
                            [](const MacAddress& address) { return to_string(address); });
}

Form<link::InterfaceAddress> interface_address() {
  return scalar<link::InterfaceAddress>("address", "A/PREFIX or A-B/PREFIX",
                                        parse_interface_address, format_interface_address);
}

Form<flow::NearPrefix> near_prefix() {
  Form<flow::NearPrefix> form{.type = "network", .range = "A/PREFIX"};
  form.show = [](const flow::NearPrefix& near) {
    return format_prefix({near.address, near.length});
  };
  form.read = [hint = form.hint()](const Cursor& at, flow::NearPrefix& near) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    const Result<AddressPrefix> prefix = parse_prefix(at.value.text);
    if (!prefix) return at.fail(prefix.error().what, hint);
    near.address = prefix->address;
    near.length = prefix->length;
  };
  return form;
}

Form<load::SourceSettings> source_addresses() {
  Form<load::SourceSettings> form{.type = "addresses", .range = "A or A-B"};
  form.show = [](const load::SourceSettings& sources) {
    if (sources.first == Ipv4Address{}) return std::string("those of the first port");
    return to_string(sources.first) + "-" + to_string(sources.last);
  };
  form.read = [hint = form.hint()](const Cursor& at, load::SourceSettings& sources) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    const Result<AddressRange> range = parse_address_range(at.value.text);
    if (!range) return at.fail(range.error().what, hint);
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
