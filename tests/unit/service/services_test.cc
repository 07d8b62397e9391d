// What a server serves changes while it runs: ports, routes, limits.
#include "service/services.h"

#include <gtest/gtest.h>

#include "http_fixture.h"

namespace mayfly::testing {
namespace {

using service::ServiceKind;
using shard::Closer;

class AReload : public ::testing::Test {
 protected:
  Reply ask(Client& client, const std::string& path) {
    client.send("GET " + path + " HTTP/1.1\r\nHost: m\r\n\r\n");
    const auto replies = read_replies(client);
    return replies.size() == 1 ? replies[0] : Reply{};
  }
  /// The settings of the server by now.
  void reload() {
    next_ = *server_.site.reload(server_.settings.http, 1);
    server_.reload(*next_);
  }

  Server server_{Closer::client};
  std::optional<service::Site> next_;
};

TEST_F(AReload, OpensAndClosesPortsAndLeavesOpenConnectionsToTheirService) {
  Client echo(server_.services, 7);
  EXPECT_FALSE(server_.services.listens(8080));
  server_.settings.listen = {{.port = 80}, {.port = 8080}};
  reload();
  EXPECT_TRUE(server_.services.listens(8080));
  EXPECT_FALSE(server_.services.listens(7));
  echo.send("still here");
  EXPECT_EQ(echo.read(), "still here");
  Client fresh(server_.services, 8080);
  EXPECT_EQ(ask(fresh, "/").status, 200);
}

TEST_F(AReload, ResetsAConnectionWhosePortWasGivenUpDuringItsHandshake) {
  server_.settings.listen = {{.port = 80}};
  reload();
  const Client late(server_.services, 7);
  EXPECT_TRUE(late.saw_rst());
}

TEST_F(AReload, BringsRoutesAndLimitsToOpenConnections) {
  Client client(server_.services);
  EXPECT_EQ(ask(client, "/new").status, 404);
  Client other(server_.services);
  EXPECT_EQ(ask(other, "/").status, 200);
  server_.settings.http.routes.push_back({.path = "/new", .body = "new"});
  server_.settings.http.keep_alive_requests = 1;
  reload();
  const Reply reply = ask(other, "/new");
  EXPECT_EQ(reply.body, "new");
  EXPECT_EQ(reply.field("connection"), "close") << "the second is beyond the new limit";
}

}  // namespace
}  // namespace mayfly::testing
