// Servers of a cluster ask each other about flows that they do not know (RFC 2003, 2473): three
// shards, each on a wire of its own, and a test that carries the packets from one to the next. The
// flows are of the run's family, and the outer headers of either.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "net/family.h"
#include "net/rewrite.h"
#include "support/wire.h"
#include "wire/layout.h"
#include "wire/parse.h"

namespace mayfly::testing {
namespace {

constexpr std::uint32_t kFirstMember = 0xc612'0a01;  // 198.18.10.1, .2, .3

Ipv4Address member(std::uint32_t n) { return {kFirstMember + n}; }

class SecondChance : public ::testing::Test {
 protected:
  enum class Outer : std::uint8_t { ipv4, ipv6 };
  static Given server(std::uint32_t n, std::uint32_t hops, Outer outer) {
    Given given;
    link::Interface& interface = given.config.interfaces[0];
    interface.addresses.push_back({member(n), member(n), 15});
    if (outer == Outer::ipv6 && !is_ipv6_run()) {
      interface.addresses6 = {{six_of(member(n)), six_of(member(n)), 64}};
      interface.detects_duplicates = false;
    }
    given.config.cluster.hops = hops;
    for (std::uint32_t each = 0; each < 3; ++each)
      given.config.cluster.members.push_back(
          outer == Outer::ipv6 ? six_of(member(each)) : Ipv6Address::mapped(member(each).host));
    return given;
  }
  void make(std::uint32_t hops = 2, Outer outer = Outer::ipv4) {
    servers_.clear();
    ended_ = kNone;
    for (std::uint32_t n = 0; n < 3; ++n)
      servers_.push_back(std::make_unique<Wire>(server(n, hops, outer)));
  }
  Wire& at(std::uint32_t n) { return *servers_[n]; }
  /// Server `n` has ended: nothing comes to it, and nothing from it.
  void end(std::uint32_t n) {
    for (std::uint32_t each = 0; each < 3; ++each) at(each).silent.push_back(member(n));
    ended_ = n;
  }
  /// Time goes by for those that are there.
  void after(Duration span) {
    for (std::uint32_t n = 0; n < 3; ++n)
      if (n != ended_) at(n).after(span);
  }
  std::uint64_t skipped() const {
    std::uint64_t sum = 0;
    for (const auto& server : servers_) sum += server->stats().cluster_skipped.get();
    return sum;
  }
  std::uint64_t sent_on() const {
    std::uint64_t sum = 0;
    for (const auto& server : servers_) sum += server->stats().cluster_sent_on.get();
    return sum;
  }
  std::uint64_t resets() const {
    std::uint64_t sum = 0;
    for (const auto& server : servers_) sum += server->stats().rst_sent.get();
    return sum;
  }
  /// Carries what the servers send to each other until they send nothing more.
  void carry() {
    for (bool any = true; any;) {
      any = false;
      for (std::uint32_t n = 0; n < 3; ++n) {
        at(n).poll().poll();  // ARP first
        while (!at(n).tunnelled.empty()) {
          Bytes frame = at(n).tunnelled.front();
          at(n).tunnelled.pop_front();
          const Ipv4Address to = net::addresses_in(frame).destination;
          ASSERT_TRUE(to.host - kFirstMember < 3) << "to nobody of the cluster";
          ASSERT_NE(to, member(n)) << "to itself";
          any = true;
          if (to == member(ended_)) continue;
          readdress(frame);
          at(to.host - kFirstMember).put(frame);
          at(to.host - kFirstMember).poll();
        }
      }
    }
  }
  /// The router brings the frame to server `n`.
  void arrives(std::uint32_t n, const Bytes& frame) {
    at(n).put(frame);
    at(n).poll();
    carry();
  }
  /// The peer's connection is server `n`'s, which answers it although another one was asked first.
  void expect_answered(Peer& peer, std::uint32_t n) {
    at(n).after(300_ms);  // the delayed ACK
    ASSERT_FALSE(peer.inbox.empty()) << "the owner answers the peer directly";
    EXPECT_EQ(peer.inbox.back().segment.ack, peer.next() + 4);
    EXPECT_GE(at(n).stats().cluster_ours.get(), 1U);
  }
  /// The same segment to another address.
  static void retarget(Bytes& frame, Ipv4Address to) {
    std::byte* const ip = &frame[kIpAt];
    std::byte* const tcp = ip + wire::kIpv4HeaderSizeMin;
    for (const std::size_t half : {0, 1}) {
      std::byte* const word = ip + wire::ipv4_at::destination + 2 * half;
      const auto changed = static_cast<std::uint16_t>(to.host >> (half == 0 ? 16 : 0));
      net::patch_checksum(ip + wire::ipv4_at::checksum, load_be16(word), changed);
      net::patch_checksum(tcp + wire::tcp_at::checksum, load_be16(word), changed);
      store_be16(word, changed);
    }
  }
  /// As a switch would bring it: from this wire's hosts to this wire's server.
  void readdress(Bytes& frame) {
    const Bytes header = at(0).link_header(load_be16(&frame[wire::ethernet_at::type]));
    std::copy(header.begin(), header.end(), frame.begin());
  }

  static constexpr std::size_t kIpAt = wire::kEthernetHeaderSize;
  static constexpr std::uint32_t kNone = 99;
  std::vector<std::unique_ptr<Wire>> servers_;
  std::uint32_t ended_ = kNone;
};

TEST_F(SecondChance, FindsTheServerThatHasTheConnection) {
  for (const Outer outer : {Outer::ipv4, Outer::ipv6}) {
    make(2, outer);
    Peer peer(at(2));
    peer.opens();
    const Bytes moved = peer.frame(text("ping"));
    arrives(0, moved);
    expect_answered(peer, 2);
    EXPECT_EQ(at(0).stats().cluster_sent_on.get(), 1U);
    EXPECT_EQ(at(1).stats().cluster_sent_on.get(), 1U);
    EXPECT_EQ(at(2).stats().cluster_ours.get(), 1U);
    EXPECT_EQ(resets(), 0U);
  }
}

TEST_F(SecondChance, PassesOverAServerThatDoesNotAnswerOnTheLink) {
  for (const Outer outer : {Outer::ipv4, Outer::ipv6}) {
    make(2, outer);
    Peer peer(at(2));
    peer.opens();
    after(5_s);
    EXPECT_FALSE(peer.inbox.size() > 0);
    end(1);
    arrives(0, peer.frame(text("ping")));
    EXPECT_TRUE(peer.inbox.empty()) << "nobody can know of its end at once";
    after(3_s);
    arrives(0, peer.frame(text("ping")));
    expect_answered(peer, 2);
    EXPECT_EQ(at(0).stats().cluster_sent_on.get(), 2U);
    EXPECT_EQ(skipped(), 1U);
    EXPECT_EQ(at(2).stats().cluster_ours.get(), 1U);
    EXPECT_EQ(resets(), 0U);
  }
}

TEST_F(SecondChance, OfAServerThatDoesNotAnswerOnTheLinkIsNotAReset) {
  for (std::uint32_t first = 0; first < 3; ++first) {
    make();
    Peer peer(at(first));
    end((first + 1) % 3);
    after(3_s);
    peer.sends(text("who"));
    carry();
    EXPECT_EQ(resets(), 0U) << "the other one that is left is the last to be asked";
    const std::uint32_t last = (first + 2) % 3;
    EXPECT_EQ(at(last).drops(Drop::cluster_not_sent_on), 1U);
    Peer other(at(last));
    arrives(last, other.frame(text("who")));
    EXPECT_EQ(resets(), 0U) << "and then the one after which nobody is left";
    EXPECT_EQ(at(first).drops(Drop::cluster_not_sent_on), 1U);
  }
}

TEST_F(SecondChance, OfAServerThatTheLastOneHasHeardOfAgainIsNotAReset) {
  for (const Outer outer : {Outer::ipv4, Outer::ipv6}) {
    make(2, outer);
    Peer peer(at(1));
    peer.opens();
    end(1);
    after(3_s);
    at(2).silent.clear();  // only server 0 does not know yet
    at(2).after(2_s);
    arrives(0, peer.frame(text("ping")));
    EXPECT_EQ(skipped(), 1U);
    EXPECT_EQ(at(2).drops(Drop::cluster_not_sent_on), 1U);
    EXPECT_EQ(resets(), 0U);
  }
}

TEST_F(SecondChance, AsksAServerAgainThatHasComeBack) {
  make();
  Peer peer(at(1));
  peer.opens();
  end(1);
  after(3_s);
  for (std::uint32_t each = 0; each < 3; ++each) at(each).silent.clear();
  ended_ = kNone;
  at(0).after(2_s);
  arrives(0, peer.frame(text("ping")));
  EXPECT_EQ(skipped(), 0U);
  EXPECT_EQ(at(1).stats().cluster_ours.get(), 1U);
}

TEST_F(SecondChance, LeavesRoomForTheOuterHeader) {
  for (const Outer outer : {Outer::ipv4, Outer::ipv6}) {
    make(2, outer);
    Peer peer(at(0));
    peer.sends(syn());
    ASSERT_EQ(peer.inbox.size(), 1U);
    const std::size_t header = is_ipv6_run() ? 60 : 40;
    const std::size_t outside = outer == Outer::ipv6 ? 40 : 20;
    const std::uint16_t mss = peer.inbox.front().segment.mss;
    if (is_ipv6_run()) {
      EXPECT_EQ(mss + header + outside, 1'520U);
    }
  }
}

TEST_F(SecondChance, IsNotForTheAddressThatNoOtherServerHas) {
  make();
  Peer stranger(at(0));
  if (is_ipv6_run()) return;  // its own address among the members is of IPv4
  Bytes frame = stranger.frame(text("who"));
  retarget(frame, member(0));
  at(0).put(frame);
  at(0).poll();
  EXPECT_EQ(sent_on(), 0U);
  EXPECT_EQ(resets(), 1U);
}

TEST_F(SecondChance, OfThreeIgnorantServersEndsInOneReset) {
  for (std::uint32_t hops = 1; hops <= 2; ++hops) {
    for (std::uint32_t first = 0; first < 3; ++first) {
      make(hops, first == 2 ? Outer::ipv6 : Outer::ipv4);
      Peer stranger(at(first));
      stranger.sends(text("who"));
      carry();
      EXPECT_EQ(sent_on(), hops);
      EXPECT_EQ(resets(), 1U);
      EXPECT_EQ(at((first + hops) % 3).stats().cluster_last_reset.get(), 1U);
    }
  }
}

TEST_F(SecondChance, IsForResetsTooAndThenEndsInSilence) {
  make();
  Peer stranger(at(0));
  stranger.sends(rst());
  carry();
  EXPECT_EQ(sent_on(), 2U);
  EXPECT_EQ(resets(), 0U);
}

/// Takes the peer's connection with this server to its TIME_WAIT here.
void end_in_time_wait(Peer& peer, Wire& server) {
  peer.opens();
  server.app_does([](auto& c) { c.close(); });
  peer.gets(fin());
  peer.sends(ack()).sends(fin()).gets(ack());
}

// Without it both ends answer each other's segments for as long as TIME_WAIT is held (RFC 1337 H2).
TEST_F(SecondChance, OfANewerConnectionIsNotKeptFromItByTheTimeWaitOfAnOlderOne) {
  make();
  Peer old(at(0));
  end_in_time_wait(old, at(0));
  at(2).leap(Duration::from_s(1));
  Peer peer(at(2));
  peer.again(old.next() + 70'000).opens();
  arrives(0, peer.frame(text("ping")));
  expect_answered(peer, 2);
  EXPECT_TRUE(old.ignores().inbox.empty());
  EXPECT_EQ(at(0).stats().cluster_sent_on.get(), 1U);
  EXPECT_EQ(at(2).stats().cluster_ours.get(), 1U);
  EXPECT_EQ(at(0).shard->time_wait_entries(), 1U);
}

TEST_F(SecondChance, OfWhatTheTimeWaitHereIsForEndsHere) {
  make();
  Peer old(at(0));
  end_in_time_wait(old, at(0));
  at(0).put(old.frame(fin().at(0)));
  at(0).poll();
  EXPECT_EQ(sent_on(), 0U);
  EXPECT_EQ(at(0).stats().time_wait_fin_again.get(), 1U);
}

// RFC 1337 H3 over two servers: the handshake's reset would be right to the octet.
TEST_F(SecondChance, OfALiveConnectionIsNotKeptFromItByAnOldSyn) {
  make();
  Peer peer(at(2));
  peer.opens();
  at(0).leap(Duration::from_s(1));
  Peer old(at(0));
  old.sends(syn()).gets(syn_ack());
  const std::uint64_t before = resets();
  arrives(0, peer.frame(text("ping")));
  expect_answered(peer, 2);
  EXPECT_EQ(resets(), before);
  EXPECT_EQ(at(0).stats().cluster_sent_on.get(), 1U);
}

TEST_F(SecondChance, OfALiveConnectionIsNotResetByAnOldSynWhereItsServerWasPassedOver) {
  make();
  Peer peer(at(1));
  peer.opens();
  at(2).leap(Duration::from_s(1));
  Peer old(at(2));
  old.sends(syn()).gets(syn_ack());
  end(1);
  after(3_s);
  arrives(0, peer.frame(text("ping")));
  EXPECT_EQ(skipped(), 1U);
  EXPECT_EQ(at(2).drops(Drop::cluster_not_sent_on), 1U);
  EXPECT_EQ(resets(), 0U);
}

TEST_F(SecondChance, IsNotForTheAckOfAHandshake) {
  make();
  Peer peer(at(0));
  peer.opens();
  EXPECT_EQ(sent_on(), 0U);
  EXPECT_EQ(at(0).shard->open_connections(), 1U);
}

TEST_F(SecondChance, IsNotForSyns) {
  make();
  Peer peer(at(0));
  peer.sends(syn()).gets(syn_ack());
  EXPECT_EQ(sent_on(), 0U);
}

TEST_F(SecondChance, IsTakenFromMembersOnly) {
  make();
  Peer stranger(at(0));
  stranger.sends(text("who"));
  at(0).poll().poll();  // ARP first
  ASSERT_EQ(at(0).tunnelled.size(), 1U);
  Bytes frame = at(0).tunnelled.front();
  at(0).tunnelled.clear();
  readdress(frame);
  std::byte* ip = &frame[kIpAt];
  store_be32(ip + wire::ipv4_at::source, 0xc612'0b01);  // 198.18.11.1
  store_be16(ip + wire::ipv4_at::checksum, 0);
  store_be16(ip + wire::ipv4_at::checksum,
             wire::checksum_finish(wire::checksum_add({ip, wire::kIpv4HeaderSizeMin})));
  at(1).put(frame);
  at(1).poll();
  EXPECT_EQ(at(1).stats().cluster_taken_in.get(), 0U);
  EXPECT_EQ(at(1).drops(Drop::protocol_unknown), 1U);
}

TEST_F(SecondChance, IsNotSentWhereItDoesNotFitAndTheFlowIsNotReset) {
  make();
  Peer stranger(at(0));
  stranger.sends(text(std::string(1'450, 'x')));
  EXPECT_EQ(at(0).drops(Drop::cluster_not_sent_on), 1U);
  EXPECT_EQ(resets(), 0U);
}

TEST_F(SecondChance, IsLimitedAsResetsAre) {
  make();
  Peer stranger(at(0));
  for (int i = 0; i < 3'000; ++i) stranger.sends(text("who"));
  EXPECT_EQ(sent_on(), 2'000U);
  EXPECT_EQ(at(0).drops(Drop::cluster_not_sent_on), 1'000U);
  at(0).tunnelled.clear();
}

TEST_F(SecondChance, DamagedInsideIsDropped) {
  make();
  Peer stranger(at(0));
  stranger.sends(text("who"));
  at(0).poll().poll();  // ARP first
  ASSERT_EQ(at(0).tunnelled.size(), 1U);
  const Bytes whole = at(0).tunnelled.front();
  at(0).tunnelled.clear();
  for (std::size_t cut = kIpAt + wire::kIpv4HeaderSizeMin; cut < whole.size(); ++cut) {
    Bytes frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
    readdress(frame);
    std::byte* ip = &frame[kIpAt];
    store_be16(ip + wire::ipv4_at::total_length, static_cast<std::uint16_t>(cut - kIpAt));
    store_be16(ip + wire::ipv4_at::checksum, 0);
    store_be16(ip + wire::ipv4_at::checksum,
               wire::checksum_finish(wire::checksum_add({ip, wire::kIpv4HeaderSizeMin})));
    at(1).put(frame);
    at(1).poll();
  }
  EXPECT_EQ(at(1).stats().cluster_taken_in.get(), 0U);
  EXPECT_EQ(resets(), 0U);
}

/// What goes on from the first server, as the second would get it.
TEST_F(SecondChance, OverIpv6IsTakenFromMembersOnlyAndNothingButASegmentIsTaken) {
  make(2, Outer::ipv6);
  Peer stranger(at(0));
  stranger.sends(text("who"));
  at(0).poll().poll();  // neighbour discovery first
  ASSERT_EQ(at(0).tunnelled.size(), 1U);
  Bytes whole = at(0).tunnelled.front();
  at(0).tunnelled.clear();
  readdress(whole);
  constexpr std::size_t kInner = kIpAt + wire::kIpv6HeaderSize;
  const auto arrives = [&](const Bytes& frame) {
    at(1).put(frame);
    at(1).poll();
  };
  for (std::size_t cut = kInner; cut < whole.size(); ++cut) {  // short inside
    Bytes frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
    store_be16(&frame[kIpAt + wire::ipv6_at::payload_length],
               static_cast<std::uint16_t>(cut - kInner));
    arrives(frame);
  }
  Bytes nested(whole.begin(), whole.begin() + kInner);
  nested.insert(nested.end(), whole.begin() + kIpAt, whole.end());
  nested[kIpAt + wire::ipv6_at::next_header] = std::byte{wire::ip_protocol::ipv6_in_ip};
  store_be16(&nested[kIpAt + wire::ipv6_at::payload_length],
             static_cast<std::uint16_t>(nested.size() - kInner));
  arrives(nested);
  Bytes foreign = whole;
  foreign[kIpAt + wire::ipv6_at::source + 15] = std::byte{0x77};
  arrives(foreign);
  Bytes other_family = whole;  // the number says one family, the packet is of the other
  other_family[kIpAt + wire::ipv6_at::next_header] =
      std::byte{is_ipv6_run() ? wire::ip_protocol::ip_in_ip : wire::ip_protocol::ipv6_in_ip};
  arrives(other_family);
  EXPECT_EQ(at(1).stats().cluster_taken_in.get(), 0U);
  EXPECT_EQ(resets(), 0U);
  EXPECT_EQ(at(1).drops(Drop::protocol_unknown), 1U) << "the one that is from no member";
  arrives(whole);
  EXPECT_EQ(at(1).stats().cluster_taken_in.get(), 1U);
}

}  // namespace
}  // namespace mayfly::testing
