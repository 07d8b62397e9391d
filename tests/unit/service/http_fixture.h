// A server's services with a small site, and what its answers look like to a client.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/services.h"
#include "support/fake_conn.h"

namespace mayfly::testing {

using Client = FakeClient<service::Services>;

inline constexpr std::string_view kHello = "hello, mayfly\n";
inline constexpr std::uint64_t kBigBytes = 1'000'000;

inline service::ServerSettings small_settings(shard::Closer first) {
  service::ServerSettings settings;
  settings.listen = {{.port = 80, .service = service::ServiceKind::http},
                     {.port = 7, .service = service::ServiceKind::echo},
                     {.port = 9, .service = service::ServiceKind::discard}};
  settings.close.first = first;
  settings.http.routes = {{.path = "/", .body = std::string(kHello)},
                          {.path = "/small", .bytes = 100},
                          {.path = "/empty", .body = ""},
                          {.path = "/a b", .body = "spaced"},
                          {.path = "/big", .bytes = kBigBytes}};
  return settings;
}

inline service::Site site_for(const service::HttpSettings& settings) {
  Result<service::Site> site = service::Site::load(settings);
  if (!site) throw std::runtime_error(site.error().what);
  return *std::move(site);
}

/// Services over their settings and site.
struct Server {
  explicit Server(shard::Closer first) : Server(small_settings(first)) {}
  explicit Server(service::ServerSettings with) : settings(std::move(with)) {}

  std::uint64_t closes(service::Ending ending) const {
    return services.counters().closes_by(ending).get();
  }
  const service::ServiceCounters& counters() const { return services.counters(); }
  /// `again` and what the settings are by now take effect.
  void reload(const service::Site& again) {
    in_effect = {settings.close, &again, settings.listen, settings.http};
    services.on_settings(in_effect);
  }

  service::ServerSettings settings;
  service::Site site = site_for(settings.http);
  service::Services services{settings, site};
  service::ServiceSettings in_effect;
};

struct Reply {
  int status = 0;
  std::map<std::string, std::string> fields;  ///< names in lower case
  std::string body;

  std::string field(const std::string& name) const {
    const auto it = fields.find(name);
    return it == fields.end() ? "" : it->second;
  }
};

/// Cuts a server's output into replies. A body may be missing entirely (HEAD). None if it is
/// malformed.
inline std::optional<std::vector<Reply>> parse_replies(std::string_view text) {
  std::vector<Reply> replies;
  while (!text.empty()) {
    Reply reply;
    const std::size_t end = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || end == text.npos) return std::nullopt;
    std::string_view head = text.substr(0, end + 2);
    text.remove_prefix(end + 4);
    reply.status = std::stoi(std::string(head.substr(9, 3)));
    for (head.remove_prefix(head.find("\r\n") + 2); !head.empty();
         head.remove_prefix(head.find("\r\n") + 2)) {
      const std::size_t colon = head.find(": ");
      if (colon == head.npos) return std::nullopt;
      std::string name(head.substr(0, colon));
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      reply.fields[name] = head.substr(colon + 2, head.find("\r\n") - colon - 2);
    }
    if (reply.status >= 200) {
      if (reply.field("content-length").empty()) return std::nullopt;
      const std::size_t length = std::stoul(reply.field("content-length"));
      if (!text.empty() && !text.starts_with("HTTP/1.1 ")) {
        if (text.size() < length) return std::nullopt;
        reply.body = text.substr(0, length);
        text.remove_prefix(length);
      }
    }
    replies.push_back(std::move(reply));
  }
  return replies;
}

/// The replies to what was sent; fails the test if they are malformed.
inline std::vector<Reply> read_replies(Client& client) {
  const std::string text = client.read();
  auto replies = parse_replies(text);
  EXPECT_TRUE(replies.has_value()) << text.substr(0, 400);
  return replies.value_or(std::vector<Reply>{});
}

/// The one reply to a text; its status is 0 if there is not just one.
inline Reply ask(Client& client, std::string_view text) {
  client.send(text);
  const std::vector<Reply> replies = read_replies(client);
  EXPECT_EQ(replies.size(), 1u) << text;
  return replies.size() == 1 ? replies[0] : Reply{};
}

/// The small site with limits that short texts can reach.
inline service::ServerSettings tight_settings(shard::Closer first) {
  service::ServerSettings settings = small_settings(first);
  settings.http.routes.pop_back();  // the big one
  settings.http.header_bytes_max = 500;
  settings.http.body_bytes_max = 64;
  return settings;
}

/// All that a client gets for a text that arrives in these pieces, before its own FIN and after it.
inline std::string outcome(Server& server, const std::vector<std::string_view>& pieces) {
  Client client(server.services);
  std::string got;
  for (const std::string_view piece : pieces) {
    client.send(piece);
    got += client.read();
  }
  got += client.saw_fin() ? "|FIN|" : "|open|";
  client.shut();
  got += client.read();
  EXPECT_TRUE(client.has_ended());
  return got;
}

inline std::string get(std::string_view target, std::string_view more_fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: mayfly\r\n" + std::string(more_fields) +
         "\r\n";
}

inline std::string pattern_text(std::uint64_t bytes) {
  std::string text;
  char line[80];
  for (std::uint64_t at = 0; at < bytes; at += 64) {
    std::snprintf(line, sizeof line,
                  "%08x mayfly 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK\n",
                  static_cast<unsigned>(at % 65'536));
    text += line;
  }
  text.resize(bytes);
  return text;
}

}  // namespace mayfly::testing
