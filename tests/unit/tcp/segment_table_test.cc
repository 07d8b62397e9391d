// Every state against the segments that RFC 9293 3.10.7.4 and RFC 5961 speak of.
#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

using enum tcp::State;

class EveryState : public ::testing::TestWithParam<tcp::State> {
 protected:
  Tcp t = Tcp::in_state(GetParam());
};
class SynchronizedState : public EveryState {};

std::string test_name(const ::testing::TestParamInfo<tcp::State>& info) {
  std::string name(name_of(info.param));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(States, EveryState,
                         ::testing::Values(syn_received, established, fin_wait_1, fin_wait_2,
                                           close_wait, closing, last_ack, time_wait),
                         test_name);
INSTANTIATE_TEST_SUITE_P(States, SynchronizedState,
                         ::testing::Values(established, fin_wait_1, fin_wait_2, close_wait, closing,
                                           last_ack, time_wait),
                         test_name);

TEST_P(EveryState, IsEndedByARstAtTheLeftEdge) {
  t.peer(rst()).saw(tcp::event::reset).silent().gone();
  EXPECT_TRUE(next_deadline(t.c).is_never());
}

TEST_P(EveryState, ChallengesARstElsewhereInTheWindow) {
  const auto window = static_cast<std::uint32_t>(t.c.rcv_adv - t.c.rcv_nxt);
  for (const auto ahead : {1u, window - 1}) {
    const auto at = (t.c.rcv_nxt + ahead) - (t.c.irs + 1);
    t.peer(rst().at(at)).dropped(Drop::tcp_rst_challenged).us(ack()).silent().in(GetParam());
  }
}

TEST_P(EveryState, IgnoresARstOutsideTheWindow) {
  const auto window = t.c.rcv_adv - t.c.rcv_nxt;
  for (const auto offset : {-1, -70'000, window, window + 70'000}) {
    const auto at = (t.c.rcv_nxt - (t.c.irs + 1)) + offset;
    t.peer(rst().at(at)).dropped(Drop::tcp_rst_out_of_window).silent().in(GetParam());
  }
}

TEST_P(SynchronizedState, ChallengesASynWhateverItsNumber) {
  for (const auto at : {-1'000, -1, 0, 10, 100'000}) {
    t.peer(syn().at(at)).us(ack()).silent().in(GetParam());
    t.peer(syn_ack().at(at)).us(ack()).silent().in(GetParam());
  }
}

TEST_P(SynchronizedState, AnswersTextOutsideTheWindowWithAnAck) {
  const auto here = t.c.rcv_nxt - (t.c.irs + 1);
  for (const auto offset : {-500, 70'000}) {
    t.peer(data(100).at(here + offset)).us(ack().acks(here)).silent().in(GetParam());
  }
  EXPECT_EQ(t.text_received, 0u);
}

TEST_P(SynchronizedState, AnswersAnOldEmptySegmentWithAnAck) {
  const auto here = t.c.rcv_nxt - (t.c.irs + 1);
  t.peer(ack().at(here - 1)).dropped(Drop::tcp_out_of_window).us(ack().acks(here)).in(GetParam());
}

TEST_P(SynchronizedState, DropsASegmentWithoutAck) {
  t.peer(data(5).without_ack()).dropped(Drop::tcp_ack_missing).silent().in(GetParam());
}

TEST_P(SynchronizedState, ChallengesAnAckOfWhatWasNeverSent) {
  const auto sent = t.c.snd_max - (t.c.iss + 1);
  t.peer(data(5).acks(sent + 1)).dropped(Drop::tcp_ack_unacceptable).us(ack()).in(GetParam());
  EXPECT_EQ(t.text_received, 0u);
}

TEST_P(SynchronizedState, ChallengesAnAckFromTooFarBack) {
  const auto oldest = static_cast<std::int64_t>(t.c.snd_una - (t.c.iss + 1)) - 65'535;
  t.peer(data(5).acks(oldest - 1)).dropped(Drop::tcp_ack_unacceptable).us(ack()).in(GetParam());
  EXPECT_EQ(t.text_received, 0u);
}

TEST_P(SynchronizedState, IsNotEndedByIcmp) {
  t.icmp({tcp::IcmpError::Kind::hard, 0}, -1).silent().in(GetParam());
}

TEST_P(EveryState, LimitsChallengeAcksToTenInFiveSeconds) {
  const auto at = (t.c.rcv_nxt + 5) - (t.c.irs + 1);
  for (int i = 0; i < 100; ++i) t.peer(rst().at(at));
  EXPECT_EQ(t.out.size(), 10u);
  t.whatever().after(5_s).whatever().peer(rst().at(at)).us(ack());
}

TEST_P(SynchronizedState, EndsAnAckLoop) {
  const auto here = t.c.rcv_nxt - (t.c.irs + 1);
  for (int i = 0; i < 100; ++i) t.peer(ack().at(here - 7));
  EXPECT_LE(t.out.size(), 10u);
}

TEST(ReceivesText, InEstablishedFinWait1AndFinWait2Only) {
  for (const tcp::State state : {established, fin_wait_1, fin_wait_2}) {
    auto t = Tcp::in_state(state);
    t.peer(data(10));
    EXPECT_EQ(t.text_received, 10u) << name_of(state);
  }
  for (const tcp::State state : {close_wait, closing, last_ack, time_wait}) {
    auto t = Tcp::in_state(state);
    t.peer(data(10).acks(0)).dropped(Drop::tcp_data_after_fin);
    EXPECT_EQ(t.text_received, 0u) << name_of(state);
  }
}

TEST(ChallengeAcks, DoNotUseUpTheAcksThatTextDemands) {
  auto t = Tcp::established();
  for (int i = 0; i < 100; ++i) t.peer(rst().at(5));
  t.whatever();
  for (int i = 0; i < 50; ++i) t.peer(data(10).at(-10)).us(ack());
}

}  // namespace
}  // namespace mayfly::testing
