// Attackers who see nothing and guess (RFC 5961): resets, SYNs, text and ACKs swept through the
// sequence space, and what the answers to them tell.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/prng.h"
#include "support/shard_pair.h"
#include "support/wire.h"

namespace mayfly::testing {
namespace {

constexpr std::int64_t kSpace = std::int64_t{1} << 32;
constexpr std::uint64_t kChallengesMax = 10;  // of one connection in five seconds

/// Sends what `guess(n)` says for n from `first` through the whole space.
template <class Guess>
std::uint64_t sweep(Wire& wire, Peer& peer, std::int64_t first, std::int64_t step, Guess&& guess) {
  std::uint64_t count = 0;
  for (std::int64_t n = first; n < kSpace; n += step) {
    wire.put(peer.frame(guess(n)));
    if (++count % (kBurstMax / 2) == 0) wire.poll();  // the shard keeps up
  }
  wire.poll();
  return count;
}

class Blind : public ::testing::Test {
 protected:
  void SetUp() override { peer.opens().ignores(); }
  void still_works() {
    peer.ignores().sends(text("alive"));
    EXPECT_EQ(wire.app.heard, "alive");
    EXPECT_TRUE(wire.app.closed.empty());
  }

  Wire wire;
  Peer peer{wire};
};

TEST_F(Blind, ResetsInTheWindowOnlyDrawChallenges) {  // RFC 5961 3.2
  const std::uint64_t sent =
      sweep(wire, peer, 1, 20'000, [](std::int64_t n) { return rst().at(n); });
  EXPECT_EQ(wire.drops(Drop::tcp_rst_challenged) + wire.drops(Drop::tcp_rst_out_of_window), sent);
  EXPECT_GE(wire.drops(Drop::tcp_rst_challenged), 3u) << "a window holds that many steps";
  EXPECT_LE(peer.inbox.size(), kChallengesMax);
  still_works();
}

TEST_F(Blind, AResetIsTakenAtOneNumberOnly) {
  for (const std::int64_t off : {-1, 1, 2, 65'534, 65'535}) peer.sends(rst().at(off));
  EXPECT_TRUE(wire.app.closed.empty());
  peer.sends(rst().at(0));
  EXPECT_EQ(wire.app.closed.size(), 1u);
}

TEST_F(Blind, SynsOnlyDrawChallenges) {  // RFC 5961 4.2
  const std::uint64_t sent =
      sweep(wire, peer, 0, 20'000, [](std::int64_t n) { return said(wire::tcp_flag::syn).at(n); });
  EXPECT_EQ(wire.drops(Drop::tcp_syn_challenged) + wire.drops(Drop::tcp_out_of_window), sent);
  EXPECT_LE(peer.inbox.size(), kChallengesMax);
  still_works();
}

TEST_F(Blind, TextAtTheRightPlaceNeedsTheRightAckToo) {  // RFC 5961 5.2
  const std::uint64_t sent =
      sweep(wire, peer, 2, 100'000, [](std::int64_t n) { return text("evil").at(0).acks(n); });
  EXPECT_GE(wire.drops(Drop::tcp_ack_unacceptable), sent - 1)
      << "one may lie in the 65,535 octets before SND.UNA, if the sweep meets them";
  EXPECT_LE(peer.inbox.size(), kChallengesMax + 1);
  EXPECT_LE(wire.app.heard.size(), 4u);
}

TEST_F(Blind, TextAtRandomIsNotTaken) {
  constexpr std::uint64_t kSeed = 7;
  Prng random(kSeed);
  sweep(wire, peer, 0, kSpace / 50'000, [&random](std::int64_t) {
    return text("evil")
        .at(static_cast<std::int64_t>(random.below(kSpace)))
        .acks(static_cast<std::int64_t>(random.below(kSpace)));
  });
  EXPECT_EQ(wire.app.heard, "") << "seed " << kSeed;
  still_works();
}

TEST_F(Blind, FinsOutsideTheWindowCloseNothing) {
  sweep(wire, peer, 70'000, 100'000, [](std::int64_t n) { return fin().at(n).acks(0); });
  EXPECT_EQ(wire.app.peers_closed, 0u);
  still_works();
}

TEST(BlindTimestamps, DoNotPoisonPaws) {  // RFC 7323 5: TS.Recent follows acceptable segments only
  Wire wire;
  Peer peer(wire);
  peer.opens(syn().stamped(1'000));
  peer.clock = 1'001;
  const auto future = [](const Said& s) { return s.stamped(1'000 + (1u << 30)); };
  sweep(wire, peer, 70'000, 1'000'000,
        [&](std::int64_t n) { return future(text("evil").at(n).acks(0)); });
  wire.put(peer.frame(future(text("evil").at(0).acks(5'000))));  // and an ACK out of nothing
  wire.poll();
  EXPECT_GT(wire.stats().rx_dropped(), 4'000u);
  EXPECT_EQ(wire.app.heard, "");
  peer.sends(text("alive"));
  EXPECT_EQ(wire.app.heard, "alive");
  EXPECT_EQ(wire.drops(Drop::tcp_paws), 0u);
}

TEST(ForgedText, EndsInNoStormOfAcks) {  // RFC 1337 H2: each end thinks the other is wrong
  Pair pair;
  pair.client_app.to_open = 1;
  pair.run_for(5_ms);
  ASSERT_EQ(pair.client_app.answered, 1u);
  pair.client_app.to_open = 2;
  const std::size_t sent_before = pair.client_port.sent.size();
  while (pair.server_app.opened < 2) pair.run_for(100_us);
  ASSERT_GT(pair.client_port.sent.size(), sent_before);
  const auto& last = pair.client_port.sent.back();
  const wire::ParsedFrame known = wire::parse_frame(last, {{{2, 0, 0, 0, 0, 1}}, 0}, {});
  ASSERT_EQ(known.kind, wire::FrameKind::tcp);
  // Whoever is on the path says a word in the client's name, and in the server's.
  const wire::LinkHeader to_server{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, 0};
  Emission forged;
  forged.seq = known.segment.end();
  forged.ack = known.segment.ack;
  forged.flags = wire::tcp_flag::ack;
  forged.window = 1'000;
  forged.options = wire::tcp_option::timestamps;
  forged.ts = known.segment.ts;
  forged.payload_len = 4;
  const FlowKey4 key = FlowKey4::of(known.key.remote(), known.key.remote_port_host(),
                                    known.key.local(), known.key.local_port_host());
  std::vector<std::byte> frame(tcp_payload_offset(to_server, forged) + 4);
  emit_tcp(frame, to_server, key, forged, 1, wire::ChecksumBy::software,
           wire::ChecksumBy::software);
  pair.server_port.inject(frame);
  const std::size_t before = pair.client_port.sent.size() + pair.server_port.sent.size();
  pair.run_for(5_s);
  const std::size_t frames = pair.client_port.sent.size() + pair.server_port.sent.size() - before;
  EXPECT_GT(pair.server_app.requests, 2u) << "the forgery was believed, and the ends disagree";
  EXPECT_LT(frames, 4 * kChallengesMax + 40) << "and do not shout at each other without end";
}

TEST(Challenges, OfAllConnectionsTogetherAreLimited) {  // RFC 5961 7
  Given given;
  given.config.sizes.connections = 400;
  Wire wire(given);
  std::deque<Peer> peers;
  for (std::uint16_t i = 0; i < 300; ++i)
    peers.emplace_back(wire, static_cast<std::uint16_t>(10'000 + i)).opens().ignores();
  std::size_t challenges = 0;
  for (int round = 0; round < 10; ++round) {
    for (Peer& peer : peers) peer.sends(rst().at(100));
  }
  for (const Peer& peer : peers) challenges += peer.inbox.size();
  EXPECT_GE(challenges, 500u);
  EXPECT_LT(challenges, 1'500u);
  EXPECT_EQ(wire.stats().challenges_limited.get(), 3'000u - challenges);
  for (Peer& peer : peers) peer.ignores();
}

TEST(Challenges, ThatAreLeftAreNobodysToKnow) {  // CVE-2016-5696
  const auto allowed = [](SecretLimit& limit, std::int64_t second) {
    std::uint32_t count = 0;
    while (limit.allow({second * 1'000'000 + count})) ++count;
    return count;
  };
  SecretLimit one(1'000, {1, 2}), other(1'000, {1, 3});
  std::vector<std::uint32_t> counts;
  int same = 0;
  for (std::int64_t second = 1; second <= 200; ++second) {
    counts.push_back(allowed(one, second));
    EXPECT_GE(counts.back(), 500u);
    EXPECT_LT(counts.back(), 1'500u);
    same += counts.back() == allowed(other, second) ? 1 : 0;
  }
  EXPECT_LT(same, 5);
  std::ranges::sort(counts);
  EXPECT_GT(std::unique(counts.begin(), counts.end()) - counts.begin(), 150);
}

}  // namespace
}  // namespace mayfly::testing
