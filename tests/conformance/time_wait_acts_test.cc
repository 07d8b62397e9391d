// RFC 6191 section 2 acted out by a whole shard: each row under each policy, and whether the hold
// goes on as it was.
#include <gtest/gtest.h>

#include "support/wire.h"
#include "time_wait_rows.h"

namespace mayfly::testing {
namespace {

constexpr std::uint32_t kLastStamp = 0xffff'fff0u;  // the timestamps wrap soon

/// A flow that the shard has closed first. It is held for 2 s, of which one has passed.
class HalfHeld {
 public:
  HalfHeld(flow::TimeWaitPolicy policy, bool timestamps) : wire_(given(policy)), peer_(wire_) {
    if (timestamps) peer_.clock = kLastStamp;
    peer_.opens();
    wire_.app_does([](ScriptConn& c) { c.close(); });
    peer_.ignores().sends(fin()).ignores();
    EXPECT_EQ(wire_.shard->time_wait_entries(), 1u);
    wire_.leap(1_s);
  }

  void syn_arrives(const SynRow& row) {
    old_rcv_nxt_ = peer_.next();
    peer_.clock.reset();
    if (row.stamp_ahead) peer_.clock = kLastStamp + static_cast<std::uint32_t>(*row.stamp_ahead);
    peer_.again(old_rcv_nxt_ + static_cast<std::uint32_t>(row.seq_ahead)).sends(syn());
  }
  /// As RFC 9293 3.10.7.3 has it for an ACK that does not acknowledge the SYN.
  void the_newcomer_resets_and_comes_again(Duration pause) {
    ASSERT_EQ(peer_.inbox.size(), 1u);
    const Seq iss = peer_.next() - 1, asked = peer_.inbox[0].segment.ack;
    EXPECT_EQ(asked, old_rcv_nxt_);
    peer_.again(asked).sends(rst()).gets_nothing();
    wire_.leap(pause);
    peer_.again(iss).sends(syn());
  }
  /// What the shard said is what this asks for.
  void expect(Then then, tcp::TimeWaitRules::RefuseSyn refuse) {
    if (then == Then::accept)
      peer_.gets(syn_ack());
    else if (refuse == tcp::TimeWaitRules::RefuseSyn::ack)
      expect_challenge();
    peer_.gets_nothing();
  }
  void expect_held_until_its_first_deadline() {
    wire_.leap(999_ms);
    EXPECT_EQ(wire_.shard->time_wait_entries(), 1u);
    wire_.leap(2_ms);
    EXPECT_EQ(wire_.shard->time_wait_entries(), 0u);
  }
  void expect_the_new_one_works() {
    peer_.sends(ack()).sends(text("new")).gets(ack());
    EXPECT_EQ(wire_.app.heard, "new");
    EXPECT_EQ(wire_.shard->time_wait_entries(), 0u);
  }

 private:
  static Given given(flow::TimeWaitPolicy policy) {
    Given given;
    policy.hold = 2_s;
    given.settings.time_wait = policy;
    given.settings.tcp.delayed_ack = Duration{};
    return given;
  }
  void expect_challenge() {
    ASSERT_EQ(peer_.inbox.size(), 1u);
    EXPECT_EQ(peer_.inbox[0].segment.flags, wire::tcp_flag::ack);
    EXPECT_EQ(peer_.inbox[0].segment.ack, old_rcv_nxt_) << "where the old incarnation is";
    peer_.inbox.clear();
  }

  Wire wire_;
  Peer peer_;
  Seq old_rcv_nxt_;
};

class Rfc6191InAShard
    : public ::testing::TestWithParam<std::tuple<
          tcp::TimeWaitRules::Reopen, tcp::TimeWaitRules::RefuseSyn, tcp::TimeWaitRules::OnRst>> {};

TEST_P(Rfc6191InAShard, DecidesEveryRowAndLeavesTheHoldAlone) {
  flow::TimeWaitPolicy policy;
  std::tie(policy.rules.reopen, policy.rules.refuse_syn, policy.rules.rst) = GetParam();
  for (const SynRow& row : kSynRows) {
    SCOPED_TRACE(row.what);
    HalfHeld flow(policy, row.had_timestamps);
    const Then then = row.then(policy.rules.reopen);
    flow.syn_arrives(row);
    flow.expect(then, policy.rules.refuse_syn);
    if (then == Then::accept) {
      flow.expect_the_new_one_works();
    } else {
      flow.expect_held_until_its_first_deadline();
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Policies, Rfc6191InAShard,
                         ::testing::Combine(::testing::ValuesIn(kReopens),
                                            ::testing::ValuesIn(kRefuseSyns),
                                            ::testing::ValuesIn(kOnRsts)));

// A newcomer: another host behind the same NAT, or the same one after a restart. Its kernel answers
// the ACK of its SYN with an RST, and sends the SYN again, at once or after a second.
TEST(ANewcomer, IsLetInWhateverItsSynCarriesByTheDefaultPolicy) {
  for (const SynRow& row : kSynRows) {
    for (const Duration pause : {5_ms, 900_ms}) {
      SCOPED_TRACE(row.what);
      HalfHeld flow({}, row.had_timestamps);
      flow.syn_arrives(row);
      if (row.by_rfc6191 == Then::refuse) flow.the_newcomer_resets_and_comes_again(pause);
      flow.expect(Then::accept, {});
      flow.expect_the_new_one_works();
    }
  }
}

// "If TCP Timestamps would be enabled for the new incarnation": by both ends, not by the SYN alone.
TEST(Rfc6191InAShard, TimestampsThatThisEndWouldNotUseProveNothing) {
  Given given;
  given.settings.tcp.timestamps = false;
  Wire wire(given);
  Peer peer(wire);
  peer.opens();
  wire.app_does([](ScriptConn& c) { c.close(); });
  peer.ignores().sends(fin()).ignores();
  peer.clock = kLastStamp;
  peer.again(peer.next() - 1).sends(syn()).gets(ack());
  EXPECT_EQ(wire.shard->time_wait_entries(), 1u);
  EXPECT_EQ(wire.stats().time_wait_reopened_timestamp.get(), 0u);
}

}  // namespace
}  // namespace mayfly::testing
