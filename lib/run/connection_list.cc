#include "run/connection_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/addresses.h"
#include "wire/print.h"

namespace mayfly::run {
namespace {

using Json = nlohmann::ordered_json;
using flow::Listing;
using std::chrono::steady_clock;
using Part = Listing::Place::Part;

constexpr std::chrono::milliseconds kPatience{50};
constexpr std::size_t kLimit = 100;
/// A page that is asked for later than this after the first one belongs to no listing any more.
constexpr Duration kListingMax = Duration::from_s(60);

/// Where the next page begins.
struct Cursor {
  Instant as_of;
  std::size_t core = 0;
  Listing::Place place;
};

struct Wanted {
  flow::ListFilter filter;
  std::size_t limit = kLimit;
  std::optional<Cursor> cursor;
};

Error wrong(std::string what) { return {std::move(what), ErrorKind::usage}; }

template <class N>
std::optional<N> number_of(std::string_view text) {
  N value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// "TIME-WAIT", "time_wait" and "estab" are written as the RFC does, small.
std::string plain_name(std::string_view name) {
  std::string plain(name);
  for (char& c : plain)
    c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  // As ss has them.
  if (plain == "estab") return "established";
  return plain == "syn-recv" ? "syn-received" : plain;
}

Result<tcp::StateSet> states_of(std::string_view text) {
  tcp::StateSet set;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string name = plain_name(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    tcp::StateSet named;
    if (name == "all") named.bits = 0xffff;
    if (name == "synchronized") named = tcp::kSynchronized;
    for (int i = 0; i <= static_cast<int>(tcp::State::time_wait); ++i)
      if (plain_name(tcp::name_of(static_cast<tcp::State>(i))) == name)
        named.bits = static_cast<std::uint16_t>(1U << i);
    if (named.bits == 0)
      return wrong(
          fmt::format("there is no state \"{}\"; there are syn-sent, syn-received, "
                      "established, fin-wait-1, fin-wait-2, close-wait, closing, "
                      "last-ack, time-wait, synchronized and all",
                      name));
    set.bits |= named.bits;
  }
  return set;
}

std::optional<Cursor> cursor_of(std::string_view text) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == text.npos) != (i + 1 == parts.size())) return std::nullopt;
    parts[i] = text.substr(0, dot);
    text.remove_prefix(std::min(parts[i].size() + 1, text.size()));
  }
  const auto as_of = number_of<std::int64_t>(parts[0]);
  const auto core = number_of<std::size_t>(parts[1]);
  const auto next = number_of<std::uint32_t>(parts[3]);
  if (!as_of || *as_of < 0 || !core || !next || (parts[2] != "c" && parts[2] != "t"))
    return std::nullopt;
  return Cursor{{*as_of}, *core, {parts[2] == "c" ? Part::connections : Part::time_wait, *next}};
}

std::string text_of(const Cursor& cursor) {
  return fmt::format("{}.{}.{}.{}", cursor.as_of.us, cursor.core,
                     cursor.place.part == Part::connections ? "c" : "t", cursor.place.next);
}

/// Takes one parameter of the query; an error says what is wrong with it.
Result<void> take(Wanted& wanted, const std::string& name, const std::string& value) {
  if (name == "state") {
    const auto states = states_of(value);
    if (!states) return states.error();
    wanted.filter.states = *states;
  } else if (name == "peer") {
    const bool is_network = value.find('/') != std::string::npos;
    const char* const whole = config::looks_like_ipv6(value) ? "/128" : "/32";
    const auto network = config::parse_prefix(is_network ? value : value + whole);
    if (!network) return wrong(fmt::format("peer={}: {}", value, network.error().what));
    wanted.filter.peer = *network;
  } else if (name == "port") {
    const auto port = number_of<std::uint16_t>(value);
    if (!port || *port == 0) return wrong(fmt::format("port={} is no port, 1 to 65535", value));
    wanted.filter.port = *port;
  } else if (name == "limit") {
    const auto limit = number_of<std::size_t>(value);
    if (!limit || *limit == 0 || *limit > Listing::kFoundMax)
      return wrong(fmt::format("limit={} is no number from 1 to {}", value, Listing::kFoundMax));
    wanted.limit = *limit;
  } else if (name == "cursor") {
    wanted.cursor = cursor_of(value);
    if (!wanted.cursor) return wrong("the cursor is none that \"next\" has given");
  } else {
    return wrong(fmt::format(
        "there is no parameter \"{}\"; there are state, peer, port, limit and cursor", name));
  }
  return {};
}

/// The local end and the peer's. An IPv6 entry has forgotten its own (doc/decisions/0017).
std::pair<std::string, std::string> ends_of(const flow::ListedConnection& one) {
  const auto end = [](const auto& address, std::uint16_t port) {
    const bool is_six = std::is_same_v<std::decay_t<decltype(address)>, Ipv6Address>;
    return fmt::format("{}{}{}:{}", is_six ? "[" : "", wire::to_string(address), is_six ? "]" : "",
                       port);
  };
  if (one.six)
    return {end(one.six->local, one.six->local_port_host()),
            end(one.six->remote, one.six->remote_port_host())};
  if (one.key.is_ipv6_name()) return {"[IPv6]", "[IPv6]"};
  return {end(one.key.local(), one.key.local_port_host()),
          end(one.key.remote(), one.key.remote_port_host())};
}

Json json_of(const flow::ListedConnection& one, std::size_t core) {
  const auto [local, peer] = ends_of(one);
  Json json{{"core", core},
            {"state", tcp::name_of(one.state)},
            {"local", local},
            {"peer", peer},
            {"age_s", static_cast<double>(one.age.ms()) / 1e3}};
  if (one.state == tcp::State::time_wait) {
    json["left_s"] = static_cast<double>(one.left.ms()) / 1e3;
    return json;
  }
  json["rtt_ms"] = one.srtt_us / 1e3;
  json["rto_ms"] = one.rto_us / 1e3;
  json["cwnd"] = one.cwnd;
  json["send_queue"] = one.to_send;
  json["receive_queue"] = one.unread;
  json["retransmitted"] = one.retransmits;
  return json;
}

/// Goes on from `cursor` on its core until the page is full, the core is done or it is time.
Result<void> list_some(const ListedCores& cores, const Wanted& wanted, Cursor& cursor, Json& page,
                       steady_clock::time_point until) {
  Listing listing;
  listing.begin(wanted.filter, cursor.as_of, cursor.place, wanted.limit - page.size());
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
      std::max(until - steady_clock::now(), steady_clock::duration{}));
  if (!cores.list(cursor.core, listing, left))
    return Error{fmt::format("core {} does not answer", cursor.core)};
  for (const flow::ListedConnection& one : listing.found())
    page.push_back(json_of(one, cursor.core));
  cursor.place = listing.place();
  if (cursor.place.part == Part::end) cursor = {cursor.as_of, cursor.core + 1, {}};
  return {};
}

}  // namespace

Result<Json> list_connections(const ListedCores& cores, const admin::Actions::Query& query) {
  Wanted wanted;
  for (const auto& [name, value] : query)
    if (const auto taken = take(wanted, name, value); !taken) return taken.error();
  const Instant now = cores.now();
  Cursor cursor = wanted.cursor.value_or(Cursor{.as_of = now});
  if (cursor.as_of > now || now - cursor.as_of > kListingMax || cursor.core >= cores.cores)
    return wrong("the cursor is of no listing of the last minute: begin again without one");
  Json page = Json::array();
  const auto until = steady_clock::now() + kPatience;
  while (cursor.core < cores.cores && page.size() < wanted.limit && steady_clock::now() < until)
    if (const auto listed = list_some(cores, wanted, cursor, page, until); !listed)
      return listed.error();
  Json next = nullptr;
  if (cursor.core < cores.cores) next = text_of(cursor);
  return Json{{"connections", std::move(page)}, {"next", std::move(next)}};
}

}  // namespace mayfly::run
