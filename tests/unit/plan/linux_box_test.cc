#include "plan/linux_box.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using plan::Advice, plan::LinuxBox, plan::LinuxTexts;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(LinuxBoxTest, ReadsWhatTheToolsPrint) {
  const LinuxBox box = plan::read_linux_box({
      .sockets = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
                 "LISTEN 0 128 0.0.0.0:80 0.0.0.0:*\n"
                 "TIME-WAIT 0 0 10.0.0.1:80 10.0.0.9:40000\n"
                 "TIME-WAIT 0 0 10.0.0.1:50001 10.0.0.2:5432\n"
                 "TIME-WAIT 0 0 10.0.0.1:50002 10.0.0.2:5432\n"
                 "ESTAB 0 0 10.0.0.1:80 10.0.0.9:40001\n",
      .summary = "TCP:   8 (estab 12, closed 3, orphaned 0, timewait 3)\n",
      .sockstat = "sockets: used 9\nTCP: inuse 5 orphan 7 tw 30000 alloc 9 mem 1\n",
      .counters = "#kernel\nTcpExtTCPTimeWaitOverflow         12                 0.0\n",
      .sysctls = "net.ipv4.ip_local_port_range = 32768\t60999\nnet.ipv4.tcp_max_tw_buckets = "
                 "65536\nnet.ipv4.tcp_tw_reuse = 2\n",
  });
  EXPECT_EQ(box.time_wait, 30'000u);
  EXPECT_EQ(box.established, 12u);
  EXPECT_EQ(box.orphans, 7u);
  EXPECT_EQ(box.at_listeners, 1u);
  EXPECT_EQ(box.at_ephemeral, 2u);
  EXPECT_EQ(box.busiest, "10.0.0.2:5432");
  EXPECT_EQ(box.to_busiest, 2u);
  EXPECT_EQ(box.counters.at("TcpExtTCPTimeWaitOverflow"), 12u);
  EXPECT_EQ(box.ports(), 28'232u);
  EXPECT_EQ(box.max_buckets, 65'536u);
}

TEST(LinuxBoxTest, ReadsTheFilesOfProc) {
  const LinuxBox box = plan::read_linux_box({
      .sockets = "  sl  local_address rem_address   st tx_queue rx_queue\n"
                 "   0: 00000000:0050 00000000:0000 0A 00000000:00000000\n"
                 "   1: 0100007F:0050 0200120A:9C40 06 00000000:00000000\n"
                 "   2: 0100007F:C350 020012C6:1538 06 00000000:00000000\n",
      .counters = "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 3 9\n",
  });
  EXPECT_EQ(box.at_listeners, 1u);
  EXPECT_EQ(box.at_ephemeral, 1u);
  EXPECT_EQ(box.busiest, "198.18.0.2:5432");
  EXPECT_EQ(box.counters.at("TcpExtListenOverflows"), 9u);
}

TEST(LinuxBoxTest, AClientThatRunsOutOfPortsGetsMoreAndMayUseThemAgain) {
  LinuxBox box;
  box.time_wait = box.at_ephemeral = box.to_busiest = 28'000;
  box.busiest = "10.0.0.2:5432";
  const Advice advice = plan::advise(box);
  EXPECT_THAT(advice.findings, Contains(HasSubstr("28,000 TIME_WAIT entries / 60 s = 467")));
  EXPECT_THAT(advice.findings, Contains(HasSubstr("99 % of the 28,232 ports")));
  EXPECT_THAT(advice.findings, Contains(HasSubstr("at 471 connections a second to one peer")));
  EXPECT_THAT(advice.sysctls, ElementsAre("net.ipv4.ip_local_port_range = 1024 65535",
                                          "net.ipv4.tcp_tw_reuse = 1"));
  EXPECT_THAT(advice.mayfly, IsEmpty()) << "it is a client";
}

TEST(LinuxBoxTest, AServerGetsATableThatHoldsWhatItHasAndTheMayflyFile) {
  LinuxBox box;
  box.time_wait = box.at_listeners = 60'000;
  box.max_buckets = 65'536;
  const Advice advice = plan::advise(box);
  EXPECT_THAT(advice.findings, Contains(HasSubstr("is 92 % full; it gives way at 1,092")));
  EXPECT_THAT(advice.sysctls, ElementsAre("net.ipv4.tcp_max_tw_buckets = 131072"));
  EXPECT_THAT(advice.mayfly, HasSubstr("capacity: 120000"));
}

TEST(LinuxBoxTest, AConntrackTableThatFillsUpIsSeen) {
  LinuxBox box;
  box.conntrack = 60'000;
  box.conntrack_max = 65'536;
  const Advice advice = plan::advise(box);
  EXPECT_THAT(advice.findings, Contains(HasSubstr("full at 546 connections a second")));
  EXPECT_THAT(advice.sysctls, ElementsAre("net.netfilter.nf_conntrack_max = 131072"));
}

TEST(LinuxBoxTest, AHealthyBoxIsLeftAlone) {
  const Advice advice = plan::advise({});
  EXPECT_THAT(advice.findings, ElementsAre(HasSubstr("no TIME_WAIT is held")));
  EXPECT_THAT(advice.sysctls, IsEmpty());
}

TEST(LinuxBoxTest, LivesThroughTextThatIsNone) {
  for (const std::string text : {"", "\n\n", "TCP:", "=", " = ", ":::", "a: b c d e\n0: x y 06",
                                 "net.ipv4.ip_local_port_range = 9 1", "TIME-WAIT 0 0 x y"})
    EXPECT_EQ(plan::read_linux_box({text, text, text, text, text}).ports(), 28'232u) << text;
}

}  // namespace
}  // namespace mayfly::testing
