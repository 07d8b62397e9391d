#include "config/url.h"

#include <gmock/gmock.h>

namespace mayfly::testing {
namespace {

using config::parse_host;
using config::parse_http_url;
using ::testing::HasSubstr;

struct Parts {
  std::string host;
  std::uint16_t port;
  std::string path;
};

TEST(HttpUrl, HasHostPortAndPath) {
  const std::pair<const char*, Parts> kCases[] = {
      {"http://198.18.0.1", {"198.18.0.1", 80, "/"}},
      {"http://198.18.0.1/", {"198.18.0.1", 80, "/"}},
      {"http://example.org:8080/a/b?c=d", {"example.org", 8080, "/a/b?c=d"}},
      {"HTTP://Example.org:/x", {"Example.org", 80, "/x"}},
      {"http://a?q", {"a", 80, "/?q"}},
      {"http://a/b#part", {"a", 80, "/b"}},
      {"http://a#http://b", {"a", 80, "/"}},
      {"http://a/b@c:d", {"a", 80, "/b@c:d"}},
      {"http://a:65535", {"a", 65'535, "/"}},
  };
  for (const auto& [text, parts] : kCases) {
    const auto url = parse_http_url(text);
    ASSERT_TRUE(url) << text << ": " << url.error().what;
    EXPECT_EQ(url->host, parts.host) << text;
    EXPECT_EQ(url->port, parts.port) << text;
    EXPECT_EQ(url->path, parts.path) << text;
  }
}

TEST(HttpUrl, ThatCannotBeRequestedIsRefusedWithTheReason) {
  const std::pair<const char*, const char*> kCases[] = {
      {"https://a/", "TLS, which Mayfly does not speak"},
      {"HTTPS://a/", "TLS"},
      {"ftp://a/", "is no http URL"},
      {"a:80/b", "did you mean http://a:80/b?"},
      {"", "has no scheme"},
      {"http://", "has no host"},
      {"http:///a", "has no host"},
      {"http://:80", "has no host"},
      {"http://[2001:db8::1/", "no ] after its address"},
      {"http://[2001:db8::g]/", "not an IPv6 address"},
      {"http://[2001:db8::1]x/", "neither a port nor a path after the ]"},
      {"http://2001:db8::1/", "not an IPv4 address"},
      {"http://user:secret@a/", "user name or a password"},
      {"http://a:0/", "no port from 1 to 65535"},
      {"http://a:65536/", "no port from 1 to 65535"},
      {"http://a:80-90/", "no port from 1 to 65535"},
      {"http://a:b/", "no port from 1 to 65535"},
      {"http://a b/", "a space"},
      {"http://a/\xc3\xa4", "not ASCII"},
      {"http://a/\r\nX: y", "a space"},
      {"http://a..b/", "no name of a host"},
      {"http://127.0.0.1/", "not a unicast address"},
      {"http://198.18.1/", "not an IPv4 address"},
  };
  for (const auto& [text, reason] : kCases) {
    const auto url = parse_http_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_THAT(url.error().what, HasSubstr(reason)) << text;
  }
}

TEST(HostName, IsAsLongAsDnsAllows) {
  const std::string label(63, 'a');
  EXPECT_TRUE(parse_host(label + "." + label));
  EXPECT_FALSE(parse_host(label + "a"));
  EXPECT_FALSE(parse_host(label + "." + label + "." + label + "." + label));
  EXPECT_TRUE(parse_host("web_1.example-2.org."));
  EXPECT_FALSE(parse_host("a/b"));
  EXPECT_FALSE(parse_host(".a"));
  EXPECT_TRUE(parse_host("2001:db8::1"));
  EXPECT_FALSE(parse_host("a:80"));
}

}  // namespace
}  // namespace mayfly::testing
