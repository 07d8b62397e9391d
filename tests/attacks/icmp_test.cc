// ICMP against TCP (RFC 5927): errors that are made up, with wrong and with right sequence numbers.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "base/prng.h"
#include "support/wire.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

constexpr std::uint8_t kUnreachable = 3, kSourceQuench = 4, kRedirect = 5;
constexpr std::uint8_t kProtocolCode = 2, kPortCode = 3, kTooBigCode = 4;
constexpr std::uint16_t kMssFloor = 48;

class ForgedIcmp : public ::testing::Test {
 protected:
  void SetUp() override {
    peer.opens().ignores();
    send_text();
    ASSERT_FALSE(peer.inbox.empty());
    quoted = peer.inbox.front().frame;
    peer.ignores();
  }
  void send_text() {
    wire.app_does([](ScriptConn& c) { c.send_repeating(bytes_of(block()), 6'000); });
  }
  /// An error about a segment of ours, `seq` being its number.
  void forge(std::uint8_t type, std::uint8_t code, Seq seq, std::uint32_t rest = 0) {
    Bytes body(quoted.begin() + wire::kEthernetHeaderSize,
               quoted.begin() + wire::kEthernetHeaderSize + 28);
    store_be32(&body[24], seq.raw);
    wire.put(wire.icmp_frame(type, code, rest, body));
    wire.poll();
  }
  Seq in_flight() const { return peer.shard_iss() + 1; }
  std::size_t longest() const {
    std::size_t most = 0;
    for (const Heard& heard : peer.inbox) most = std::max(most, heard.text.size());
    return most;
  }
  static std::string_view block() {
    static const std::string text(4'096, 'x');
    return text;
  }

  Wire wire;
  Peer peer{wire};
  Bytes quoted;
};

TEST_F(ForgedIcmp, HardErrorsEndNoConnectionWhateverTheyQuote) {  // RFC 5927 5.2
  constexpr std::uint64_t kSeed = 3;
  Prng random(kSeed);
  for (int i = 0; i < 5'000; ++i) {
    const Seq seq{static_cast<std::uint32_t>(random.next())};
    forge(kUnreachable, i % 2 == 0 ? kPortCode : kProtocolCode, seq);
  }
  forge(kUnreachable, kPortCode, in_flight());
  EXPECT_TRUE(wire.app.closed.empty()) << "seed " << kSeed;
  EXPECT_GE(wire.drops(Drop::icmp_untrusted), 4'990u);
}

TEST_F(ForgedIcmp, SmallMtusAreNotBelievedWithoutANumberInFlight) {  // RFC 5927 7
  for (std::uint32_t i = 1; i < 5'000; ++i)
    forge(kUnreachable, kTooBigCode, in_flight() + 6'000 + i * 100'000, 68);
  EXPECT_GE(wire.drops(Drop::icmp_untrusted), 4'990u);
  peer.sends(ack());
  send_text();
  EXPECT_EQ(longest(), 1'460u);
}

TEST_F(ForgedIcmp, TheSmallestMtuMakesSegmentsOfTheLeastSizeAndNoLess) {
  for (const std::uint32_t mtu : {552u, 300u, 68u, 1u}) {
    forge(kUnreachable, kTooBigCode, in_flight(), mtu);
    EXPECT_EQ(longest(), std::max<std::size_t>(mtu > 40 ? mtu - 40 : 0, kMssFloor));
    peer.ignores();
  }
}

TEST_F(ForgedIcmp, AnMtuIsActedOnOnceAndNotAtEachMessage) {
  forge(kUnreachable, kTooBigCode, in_flight(), 1'000);
  peer.ignores();
  for (int i = 0; i < 100; ++i) forge(kUnreachable, kTooBigCode, in_flight(), 1'000);
  EXPECT_TRUE(peer.inbox.empty());
}

TEST_F(ForgedIcmp, SourceQuenchAndRedirectsChangeNothing) {  // RFC 6633
  for (int i = 0; i < 100; ++i) {
    forge(kSourceQuench, 0, in_flight());
    forge(kRedirect, 1, in_flight(), 0xc612'00fe);
  }
  EXPECT_EQ(wire.drops(Drop::icmp_ignored), 200u);
  peer.sends(ack());
  send_text();
  EXPECT_EQ(longest(), 1'460u);
}

}  // namespace
}  // namespace mayfly::testing
