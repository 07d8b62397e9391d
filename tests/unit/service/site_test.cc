// Routes and folders as they are loaded, targets as they are read.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "http_fixture.h"
#include "service/pattern.h"
#include "service/target.h"

namespace mayfly::testing {
namespace {

using service::Site;

namespace fs = std::filesystem;

// A folder of its own, gone with the test.
class Folder : public ::testing::Test {
 protected:
  Folder() {
    std::string name = (fs::temp_directory_path() / "mayfly-site-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    fs::create_directories(www());
  }
  ~Folder() override { fs::remove_all(root_); }

  fs::path www() const { return root_ / "www"; }

  void write(const fs::path& path, std::string_view text) const {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  service::ServerSettings settings() const {
    service::ServerSettings settings = small_settings(shard::Closer::client);
    settings.http.routes.push_back({.path = "/files/", .folder = www().string()});
    return settings;
  }

  fs::path root_;
};

TEST_F(Folder, ServesItsFilesByTheirPath) {
  const std::string large(100'000, 'L');
  write(www() / "index.html", "<p>index");
  write(www() / "deep/er/style.css", "p {}");
  write(www() / "deep/index.html", "<p>deep");
  write(www() / "a b%.TXT", "odd name");
  write(www() / "large.bin", large);
  write(www() / "empty.json", "");
  Server server(settings());
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/files/")).body, "<p>index");
  EXPECT_EQ(ask(client, get("/files/index.html")).field("content-type"),
            "text/html; charset=utf-8");
  EXPECT_EQ(ask(client, get("/files/deep/er/style.css")).field("content-type"),
            "text/css; charset=utf-8");
  EXPECT_EQ(ask(client, get("/files/deep/er/../")).body, "<p>deep");
  EXPECT_EQ(ask(client, get("/files/a%20b%25.TXT")).body, "odd name");
  EXPECT_EQ(ask(client, get("/files/large.bin")).body, large);
  EXPECT_EQ(ask(client, get("/files/empty.json")).field("content-type"), "application/json");
  EXPECT_GT(server.site.memory_bytes(), large.size());
  const Reply moved = ask(client, get("/files/deep"));
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.field("location"), "/files/deep/");
}

TEST_F(Folder, WithoutItsSlashRedirects) {  // RFC 9110 15.4.2
  write(www() / "a b%/x.txt", "x");
  fs::create_directories(www() / "empty");
  service::ServerSettings with = settings();
  with.http.routes.push_back({.path = "/files/empty", .body = "a route"});
  Server server(with);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/files")).field("location"), "/files/");
  const Reply odd = ask(client, get("/files/a%20b%25"));
  EXPECT_EQ(odd.status, 301);
  EXPECT_EQ(odd.field("location"), "/files/a%20b%25/");
  EXPECT_EQ(odd.field("content-length"), std::to_string(odd.body.size()));
  EXPECT_EQ(ask(client, get("/files/empty")).body, "a route") << "an exact route wins";
  EXPECT_TRUE(client.is_open());
  client.send("HEAD /files HTTP/1.1\r\nHost: m\r\n\r\n");
  EXPECT_TRUE(client.read().ends_with("\r\n\r\n"));
}

TEST_F(Folder, ServesNamesThatBeginWithADotOnlyIfTheRouteSaysSo) {
  write(www() / ".secret", "secret");
  write(www() / ".git/config", "secret");
  write(www() / "deep/.hidden/x", "secret");
  service::ServerSettings open = settings();
  open.http.routes.back().dot_names = true;
  for (const bool shown : {false, true}) {
    Server server(shown ? open : settings());
    for (const char* target :
         {"/files/.secret", "/files/.git/config", "/files/deep/.hidden/x", "/files/%2esecret"}) {
      Client client(server.services);
      EXPECT_EQ(ask(client, get(target)).status, shown ? 200 : 404) << target;
    }
    Client client(server.services);
    EXPECT_EQ(ask(client, get("/files/.git")).status, shown ? 301 : 404);
  }
}

TEST_F(Folder, NothingOutsideIsReached) {
  write(root_ / "secret.txt", "secret");
  write(root_ / "www-too/secret.txt", "secret");
  write(root_ / "out/secret.txt", "secret");
  write(www() / "real.txt", "real");
  fs::create_symlink(root_ / "secret.txt", www() / "secret.txt");
  fs::create_symlink(root_ / "www-too/secret.txt", www() / "sibling.txt");
  fs::create_symlink(root_ / "out", www() / "out");
  fs::create_symlink(www() / "nowhere", www() / "dangling");
  fs::create_symlink(www(), www() / "loop");
  fs::create_symlink("real.txt", www() / "alias.txt");
  Server server(settings());
  for (const char* target :
       {"/files/secret.txt", "/files/sibling.txt", "/files/out/secret.txt", "/files/dangling",
        "/files/loop/real.txt", "/files/../secret.txt", "/files/%2e%2e%2fsecret.txt",
        "/files/..%2fsecret.txt", "/files//../../secret.txt", "/secret.txt"}) {
    Client client(server.services);
    EXPECT_EQ(ask(client, get(target)).status, 404) << target;
  }
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/files/alias.txt")).body, "real") << "a link that stays inside";
}

TEST_F(Folder, AnExactRouteWinsOverAFile) {
  write(www() / "x", "file");
  service::ServerSettings with = settings();
  with.http.routes.push_back({.path = "/files/x", .body = "route"});
  Server server(with);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/files/x")).body, "route");
}

TEST_F(Folder, TooLargeIsAnError) {
  write(www() / "a", std::string(600, 'a'));
  write(www() / "b", std::string(600, 'b'));
  EXPECT_TRUE(Site::load(settings().http, 1'200));
  const Result<Site> site = Site::load(settings().http, 1'199);
  ASSERT_FALSE(site);
  EXPECT_NE(site.error().what.find("too large to hold in memory"), std::string::npos)
      << site.error().what;
}

TEST_F(Folder, AMissingOneIsAnError) {
  service::HttpSettings http;
  http.routes = {{.path = "/files/", .folder = (root_ / "none").string()}};
  const Result<Site> site = Site::load(http);
  ASSERT_FALSE(site);
  EXPECT_NE(site.error().what.find("none"), std::string::npos);
}

TEST(Site, NamesEveryFaultyRoute) {
  service::HttpSettings http;
  http.routes = {{.path = "no-slash", .body = "x"},
                 {.path = "/a/../b", .body = "x"},
                 {.path = "/%41", .body = "x"},
                 {.path = "/twice", .body = "x"},
                 {.path = "/twice", .body = "y"},
                 {.path = "/none"},
                 {.path = "/f", .folder = "."},
                 {.path = "/two", .body = "x", .bytes = 1},
                 {.path = "/type", .body = "x", .content_type = "a\r\nEvil: b"}};
  const Result<Site> site = Site::load(http);
  ASSERT_FALSE(site);
  EXPECT_EQ(std::ranges::count(site.error().what, '\n'), 7) << site.error().what;
}

TEST(Site, TakesTheContentTypeThatIsConfigured) {
  service::ServerSettings settings = small_settings(shard::Closer::client);
  settings.http.routes.push_back(
      {.path = "/typed", .body = "{}", .content_type = "application/json"});
  Server server(settings);
  Client client(server.services);
  EXPECT_EQ(ask(client, get("/typed")).field("content-type"), "application/json");
}

TEST(PathTable, FindsWhatIsThereAndNothingElse) {
  std::vector<std::string> paths;
  for (int i = 0; i < 2'000; ++i) paths.push_back("/file-" + std::to_string(i));
  service::PathTable table;
  EXPECT_EQ(table.find("/"), 0u);
  for (std::uint32_t i = 0; i < 1'000; ++i) EXPECT_TRUE(table.add(paths[i], i + 1));
  EXPECT_FALSE(table.add(paths[7], 99));
  for (std::uint32_t i = 0; i < 1'000; ++i) EXPECT_EQ(table.find(paths[i]), i + 1);
  for (std::uint32_t i = 1'000; i < 2'000; ++i) EXPECT_EQ(table.find(paths[i]), 0u);
}

std::optional<std::string> canonical(std::string target) {
  const auto path = service::canonical_path(target);
  return path ? std::optional<std::string>(*path) : std::nullopt;
}

TEST(Target, IsReducedToACanonicalPath) {
  EXPECT_EQ(canonical("/"), "/");
  EXPECT_EQ(canonical("/a/b/"), "/a/b/");
  EXPECT_EQ(canonical("/a/./b/../c"), "/a/c");
  EXPECT_EQ(canonical("/a/.."), "/");
  EXPECT_EQ(canonical("/a/."), "/a/");
  EXPECT_EQ(canonical("/../../a"), "/a");
  EXPECT_EQ(canonical("/a//../b"), "/a/b");
  EXPECT_EQ(canonical("/...//.a/..b"), "/...//.a/..b");
  EXPECT_EQ(canonical("/%2E%2e/a%2Fb/%2e"), "/a/b/");
  EXPECT_EQ(canonical("http://h"), "/");
  EXPECT_EQ(canonical("https://h:1/x/../y"), "/y");
}

TEST(Target, IsRefusedIfItIsMalformedOrNotOurs) {
  for (const char* target : {"", "*", "a", "a/b", "http:/x", "http://", "http:///x", "ftp://h/",
                             "/%", "/%4", "/%4g", "/%%41", "/a%00b"}) {
    EXPECT_EQ(canonical(target), std::nullopt) << target;
  }
}

TEST(Pattern, IsAsDocumented) {
  const auto bytes = service::pattern();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_EQ(text, pattern_text(service::kPatternBytes));
}

}  // namespace
}  // namespace mayfly::testing
