// An address of ours of which neighbours are told nothing, as other servers have it too.
#include "link_ipv6_fixture.h"

namespace mayfly::testing {
namespace {

class LinkArpOff : public LinkTest {
 protected:
  static constexpr Ipv4Address kService{0xc613'0001}, kOnItsNetwork{0xc613'0002};

  LinkArpOff() {
    interface.addresses = {{kOurIp, kOurIp, 16}, {kService, kService, 24, /*arp=*/false}};
  }
};

TEST_F(LinkArpOff, IsNotAnswered) {
  arrives(request(kPeerIp, kService));
  arrives(request({0}, kService));  // RFC 5227 2.1.1: a probe
  EXPECT_TRUE(sent().empty());
  arrives(request(kPeerIp, kOurIp));
  EXPECT_EQ(sent_arp().sender_ip, kOurIp) << "the other one is";
}

TEST_F(LinkArpOff, AQuestionForItTeachesNothing) {
  arrives(request(kPeerIp, kService));
  send(kPeerIp);
  EXPECT_EQ(sent_arp().target_ip, kPeerIp) << "its MAC address is not known";
}

TEST_F(LinkArpOff, IsNotAnnounced) {
  link().announce(now);
  EXPECT_EQ(sent_arp().sender_ip, kOurIp) << "the other one is, and it alone";
}

TEST_F(LinkArpOff, IsNotTheSenderOfAQuestion) {
  interface.addresses = {{kService, kService, 15, /*arp=*/false}, {kOurIp, kOurIp, 15}};
  send(kPeerIp);
  EXPECT_EQ(sent_arp().sender_ip, kOurIp);
}

TEST_F(LinkArpOff, MakesNobodyANeighbour) {
  interface.gateway = kPeerIp;
  know_peer();
  send(kOnItsNetwork);
  EXPECT_EQ(destination(sent_one()), kPeerMac) << "the gateway knows the way";
}

TEST_F(LinkArpOff, AServerThatHasItTooIsNoConflict) {
  arrives(request(kService, kOurIp, kOtherMac));
  sent();
  EXPECT_EQ(arp_conflicts.get(), 0u);
}

TEST_F(LinkArpOff, AnswersAnEcho) {
  know_peer();
  Frame message = bytes({8, 0, 0, 0, 0, 7, 0, 1});
  put16(message, 2, plain_checksum(message));
  EXPECT_EQ(arrives(Ipv4Frame{.protocol = 1, .destination = kService, .payload = message}.build()),
            Drop::none);
  EXPECT_EQ(sent_one()[34], std::byte{0}) << "an echo reply";
}

// -- IPv6

class LinkIpv6Off : public LinkIpv6Test {
 protected:
  static constexpr Ipv6Address kService6 = Ipv6Address::of({0x2001, 0xdb8, 0x19, 0, 0, 0, 0, 0x19});

  LinkIpv6Off() { interface.addresses6.push_back({kService6, kService6, 64, /*arp=*/false}); }
};

TEST_F(LinkIpv6Off, IsNotAnswered) {
  EXPECT_EQ(arrives(solicitation({}, kService6)), Drop::icmp_ignored);
  EXPECT_EQ(arrives(solicitation({.source = {}}, kService6, {})), Drop::icmp_ignored);
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(arrives(solicitation()), Drop::none);
  EXPECT_EQ(sent_neighbour().target, kOurIp6) << "the other one is";
}

TEST_F(LinkIpv6Off, IsNeitherProbedNorReportedNorAnnounced) {  // RFC 4862 5.4, 3810, 4861 7.2.6
  link().announce(now);
  after(1'100_ms);
  const auto lines = sent_lines();
  EXPECT_EQ(lines.size(), 5u) << "a report, and two each for its two other addresses";
  for (const std::string& line : lines) {
    EXPECT_EQ(line.find(to_string(kService6)), line.npos) << line;
    EXPECT_EQ(line.find(to_string(wire::solicited_node(kService6))), line.npos) << line;
  }
}

TEST_F(LinkIpv6Off, AServerThatHasItTooIsNoDuplicate) {  // RFC 4862 5.4.4 does not apply
  link().announce(now);
  EXPECT_EQ(arrives(advertised(kService6, kGatewayMac, 0x2000'0000)), Drop::icmp_ignored);
  EXPECT_EQ(nd_duplicates.get(), 0u);
  EXPECT_TRUE(link().is_ours(kService6));
}

TEST_F(LinkIpv6Off, MakesNobodyANeighbour) {
  interface.gateway6 = kPeerIp6;
  know_peer6();
  send6(kService6.with_low(2));
  EXPECT_EQ(destination(sent_one()), kPeerMac) << "the gateway knows the way";
}

TEST_F(LinkIpv6Off, AnswersAnEcho) {
  know_peer6();
  EXPECT_EQ(arrives(icmp6_frame(128, 0, 0, text("ping"), {.destination = kService6})), Drop::none);
  EXPECT_EQ(sent_icmp6()[0], std::byte{129});
}

}  // namespace
}  // namespace mayfly::testing
