// Which requests the log is told of, and what.
#include "service/access_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "http_fixture.h"

namespace mayfly::testing {
namespace {

using service::Access, service::AccessLog, service::HttpStatus;

service::ServerSettings logged(double share) {
  service::ServerSettings settings = small_settings(shard::Closer::client);
  settings.http.access_log.sample = share;
  return settings;
}

std::vector<Access> told(Server& server) {
  std::vector<Access> all;
  server.services.http().access_log().read([&](const Access& access) { all.push_back(access); });
  return all;
}

TEST(AccessLog, TellsWhoAskedForWhatAndWhatWasAnswered) {
  Server server(logged(1));
  Client client(server.services);
  ask(client, get("/small"));
  const std::vector<Access> all = told(server);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].path(), "/small");
  EXPECT_EQ(all[0].status, HttpStatus::ok);
  EXPECT_EQ(all[0].body_bytes, 100u);
  EXPECT_FALSE(all[0].is_head);
  EXPECT_EQ(std::get<FlowKey4>(all[0].tuple).remote_port_host(), 40'000);
  EXPECT_EQ(std::get<FlowKey4>(all[0].tuple).local_port_host(), 80);
  EXPECT_TRUE(told(server).empty()) << "once";
}

TEST(AccessLog, KnowsThePeerOfAnIpv6Connection) {
  Server server(logged(1));
  Client client(server.services);
  client.use_ipv6();
  ask(client, get("/small"));
  const std::vector<Access> all = told(server);
  ASSERT_EQ(all.size(), 1u);
  const auto* const tuple = std::get_if<FlowKey6>(&all[0].tuple);
  ASSERT_NE(tuple, nullptr);
  EXPECT_EQ(tuple->remote, Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(tuple->remote_port_host(), 40'000);
}

TEST(AccessLog, TellsOfRefusalsAndOfRequestsInPieces) {
  Server server(logged(1));
  Client client(server.services);
  client.send("HEAD /small HT");  // the full parser reads it
  client.send("TP/1.1\r\nHost: mayfly\r\n\r\n");
  client.read();
  ask(client, get("/nowhere"));
  Client broken(server.services);
  broken.send("\r\n\r\n\r\nnonsense\r\n\r\n");
  broken.read();
  const std::vector<Access> all = told(server);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0].is_head);
  EXPECT_EQ(all[0].path(), "/small");
  EXPECT_EQ(all[0].body_bytes, 0u);
  EXPECT_EQ(all[1].path(), "/nowhere");
  EXPECT_EQ(all[1].status, HttpStatus::not_found);
  EXPECT_EQ(all[2].path(), "") << "it had none";
  EXPECT_GE(code_of(all[2].status), 400);
}

TEST(AccessLog, PicksTheShareThatIsAskedFor) {
  Server server(logged(0.1));
  Client client(server.services);
  std::size_t picked = 0;
  for (int i = 0; i < 2'000; ++i) {
    ask(client, get("/"));
    picked += told(server).size();
  }
  EXPECT_GT(picked, 140u);
  EXPECT_LT(picked, 260u);
}

TEST(AccessLog, WithoutASampleThereIsNone) {
  Server server(logged(0));
  Client client(server.services);
  ask(client, get("/"));
  EXPECT_TRUE(told(server).empty());
}

TEST(AccessLog, WhatNobodyReadsIsCountedAndHoldsUpNobody) {
  Server server(logged(1));
  Client client(server.services);
  for (std::size_t i = 0; i < AccessLog::kRingSize + 5; ++i)
    EXPECT_EQ(ask(client, get("/")).status, 200);
  EXPECT_EQ(server.services.http().access_log().lost(), 5u);
  EXPECT_EQ(told(server).size(), AccessLog::kRingSize);
}

TEST(AccessLog, ALongPathIsCutOff) {
  AccessLog log({.sample = 1});
  const std::string path(300, 'x');
  ASSERT_TRUE(log.picks());
  Access* const noted = log.note(FlowKey4{}, Instant{}, path, false);
  ASSERT_NE(noted, nullptr);
  log.tell(*noted, HttpStatus::ok, 1);
  log.read(
      [&](const Access& access) { EXPECT_EQ(access.path(), path.substr(0, Access::kPathMax)); });
}

}  // namespace
}  // namespace mayfly::testing
