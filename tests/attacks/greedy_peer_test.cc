// Peers that keep to the handshake and cheat after it: tiny segments, tiny windows, ACKs for what
// has not arrived, ACKs cut into pieces, and memory held for text that never comes.
#include <gtest/gtest.h>

#include <deque>

#include "support/wire.h"

namespace mayfly::testing {
namespace {

constexpr std::size_t kHeaders = 54;  // Ethernet, IPv4, TCP

class Greedy : public ::testing::Test {
 protected:
  void offer(std::uint64_t bytes) {
    static const std::string block(4'096, 'x');
    wire.app_does([&](ScriptConn& c) { c.send_repeating(bytes_of(block), bytes); });
  }

  Wire wire;
  Peer peer{wire};
};

TEST_F(Greedy, ATinyMssIsTakenForFortyEight) {
  peer.opens(syn().mss(1)).ignores();
  offer(4'800);
  std::size_t got = 0;
  for (int i = 0; i < 200 && got < 4'800; ++i) {
    for (const Heard& heard : peer.inbox) {
      EXPECT_EQ(heard.text.size(), 48u);
      EXPECT_LE(heard.frame.size(), kHeaders + 48);
    }
    got += peer.gets_text().size();
    peer.sends(ack());
  }
  EXPECT_EQ(got, 4'800u);
}

TEST_F(Greedy, ATinyWindowDrawsOneByteATimerAndNotOneAnAck) {  // RFC 9293 3.8.6.2.1
  peer.window = 1;
  peer.opens().ignores();
  offer(10'000);
  std::size_t segments = 0;
  for (int i = 0; i < 1'000; ++i) {
    segments += peer.inbox.size();
    peer.gets_text();
    peer.sends(ack());
    wire.after(1_ms);
  }
  EXPECT_LE(segments, 1'000u) << "no more segments than ACKs, a second of them";
  EXPECT_LE(wire.stats().tx_bytes.get(), wire.stats().rx_bytes.get() * 11 / 10);
}

TEST_F(Greedy, AcksForWhatWasNeverSentOpenNoWindow) {
  peer.opens().ignores();
  offer(1'000'000);
  const std::size_t first = peer.inbox.size();
  peer.ignores();
  for (int i = 1; i <= 100; ++i) wire.put(peer.frame(ack().acks(100'000 * i)));
  while (!wire.port.arrived.empty()) wire.poll();
  EXPECT_EQ(wire.drops(Drop::tcp_ack_unacceptable), 100u);
  EXPECT_LE(peer.inbox.size(), 4u) << "a challenge for each burst, no text";
  EXPECT_EQ(first, 10u);
}

TEST_F(Greedy, AcksAheadOfArrivalGainNoMoreThanTheyAcknowledge) {  // RFC 5681 3.1
  peer.opens().ignores();
  offer(1'000'000);
  for (int round = 0; round < 5; ++round) {
    std::size_t in_flight = 0;
    for (const Heard& heard : peer.inbox) in_flight += heard.text.size();
    peer.gets_text();
    peer.sends(ack());
    std::size_t next = 0;
    for (const Heard& heard : peer.inbox) next += heard.text.size();
    EXPECT_LE(next, 2 * in_flight) << "slow start at most";
    EXPECT_LE(next, 65'535u) << "nor more than the window that it says";
  }
}

TEST_F(Greedy, AnAckCutIntoPiecesIsWorthWhatItAcknowledges) {  // RFC 3465 2
  peer.opens().ignores();
  offer(1'000'000);
  ASSERT_EQ(peer.inbox.size(), 10u);
  peer.ignores();
  for (int octet = 1; octet <= 1'460; ++octet) wire.put(peer.frame(ack().acks(octet)));
  while (!wire.port.arrived.empty()) wire.poll();
  std::size_t more = 0;
  for (const Heard& heard : peer.inbox) more += heard.text.size();
  EXPECT_LE(more, 2u * 1'460)
      << "one segment acknowledged lets two go, in a thousand ACKs as in one";
}

TEST_F(Greedy, DuplicateAcksMadeUpSendNoMoreThanWasInFlight) {  // RFC 5681 3.2
  peer.opens().ignores();
  offer(1'000'000);
  std::size_t first = 0;
  for (const Heard& heard : peer.inbox) first += heard.text.size();
  peer.ignores();
  for (int i = 0; i < 1'000; ++i) wire.put(peer.frame(ack().acks(0)));
  while (!wire.port.arrived.empty()) wire.poll();
  std::size_t more = 0;
  for (const Heard& heard : peer.inbox) more += heard.text.size();
  EXPECT_LE(more, 2 * first);
}

TEST_F(Greedy, TextHeldBehindGapsTakesNoMemoryFromTextInOrder) {
  std::deque<Peer> hoarders;  // the shard has eight receive buffers
  for (std::uint16_t i = 0; i < 20; ++i) {
    hoarders.emplace_back(wire, static_cast<std::uint16_t>(20'000 + i)).opens();
    hoarders.back().sends(text("after a gap").at(100)).ignores();
  }
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 12u);
  EXPECT_EQ(wire.shard->connections().rx().used(), 8u);
  peer.opens().ignores();
  for (int i = 0; i < 100; ++i) peer.sends(text("in order"));
  EXPECT_EQ(wire.app.heard.size(), 800u);
  peer.ignores();
}

TEST_F(Greedy, ManyGapsOfOneConnectionAreBounded) {
  peer.opens().ignores();
  for (int i = 1; i <= 100; ++i) peer.sends(text("x").at(10 * i));
  EXPECT_EQ(wire.drops(Drop::tcp_reassembly_full), 100u - tcp::kRangesMax);
  EXPECT_EQ(wire.shard->connections().rx().used(), 1u);
  peer.ignores();
}

}  // namespace
}  // namespace mayfly::testing
