// Every state against the segments that RFC 9293 3.10.7.4 and RFC 5961 speak of.
#include "support/tcp_bench.h"

namespace mayfly::test {
namespace {

using enum State;

class EveryState : public testing::TestWithParam<State> {
 protected:
  Tcp t = Tcp::in_state(GetParam());
};
class SynchronizedState : public EveryState {};

std::string test_name(const testing::TestParamInfo<State>& info) {
  std::string name(name_of(info.param));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(States, EveryState,
                         testing::Values(syn_received, established, fin_wait_1, fin_wait_2, close_wait,
                                         closing, last_ack, time_wait),
                         test_name);
INSTANTIATE_TEST_SUITE_P(States, SynchronizedState,
                         testing::Values(established, fin_wait_1, fin_wait_2, close_wait, closing,
                                         last_ack, time_wait),
                         test_name);

TEST_P(EveryState, is_ended_by_a_rst_at_the_left_edge) {
  t.peer(rst()).saw(event::reset).silent().gone();
  EXPECT_TRUE(next_deadline(t.c).is_never());
}

TEST_P(EveryState, challenges_a_rst_elsewhere_in_the_window) {
  const auto window = static_cast<std::uint32_t>(t.c.rcv_adv - t.c.rcv_nxt);
  for (const auto ahead : {1u, window - 1}) {
    const auto at = (t.c.rcv_nxt + ahead) - (t.c.irs + 1);
    t.peer(rst().at(at)).dropped(Drop::tcp_rst_challenged).us(ack()).silent().in(GetParam());
  }
}

TEST_P(EveryState, ignores_a_rst_outside_the_window) {
  const auto window = t.c.rcv_adv - t.c.rcv_nxt;
  for (const auto offset : {-1, -70'000, window, window + 70'000}) {
    const auto at = (t.c.rcv_nxt - (t.c.irs + 1)) + offset;
    t.peer(rst().at(at)).dropped(Drop::tcp_rst_out_of_window).silent().in(GetParam());
  }
}

TEST_P(SynchronizedState, challenges_a_syn_whatever_its_number) {
  for (const auto at : {-1'000, -1, 0, 10, 100'000}) {
    t.peer(syn().at(at)).us(ack()).silent().in(GetParam());
    t.peer(syn_ack().at(at)).us(ack()).silent().in(GetParam());
  }
}

TEST_P(SynchronizedState, answers_text_outside_the_window_with_an_ack) {
  const auto here = t.c.rcv_nxt - (t.c.irs + 1);
  for (const auto offset : {-500, 70'000}) {
    t.peer(data(100).at(here + offset)).us(ack().acks(here)).silent().in(GetParam());
  }
  EXPECT_EQ(t.text_received, 0u);
}

TEST_P(SynchronizedState, answers_an_old_empty_segment_with_an_ack) {
  const auto here = t.c.rcv_nxt - (t.c.irs + 1);
  t.peer(ack().at(here - 1)).dropped(Drop::tcp_out_of_window).us(ack().acks(here)).in(GetParam());
}

TEST_P(SynchronizedState, drops_a_segment_without_ack) {
  t.peer(data(5).without_ack()).dropped(Drop::tcp_ack_missing).silent().in(GetParam());
}

TEST_P(SynchronizedState, challenges_an_ack_of_what_was_never_sent) {
  const auto sent = t.c.snd_max - (t.c.iss + 1);
  t.peer(data(5).acks(sent + 1)).dropped(Drop::tcp_ack_unacceptable).us(ack()).in(GetParam());
  EXPECT_EQ(t.text_received, 0u);
}

TEST_P(SynchronizedState, challenges_an_ack_from_too_far_back) {
  const auto oldest = static_cast<std::int64_t>(t.c.snd_una - (t.c.iss + 1)) - 65'535;
  t.peer(data(5).acks(oldest - 1)).dropped(Drop::tcp_ack_unacceptable).us(ack()).in(GetParam());
  EXPECT_EQ(t.text_received, 0u);
}

TEST_P(SynchronizedState, is_not_ended_by_icmp) {
  t.icmp({IcmpError::Kind::hard, 0}, -1).silent().in(GetParam());
}

TEST_P(EveryState, limits_challenge_acks_to_ten_in_five_seconds) {
  const auto at = (t.c.rcv_nxt + 5) - (t.c.irs + 1);
  for (int i = 0; i < 100; ++i) t.peer(rst().at(at));
  EXPECT_EQ(t.out.size(), 10u);
  t.whatever().after(5_s).whatever().peer(rst().at(at)).us(ack());
}

TEST_P(SynchronizedState, ends_an_ack_loop) {
  const auto here = t.c.rcv_nxt - (t.c.irs + 1);
  for (int i = 0; i < 100; ++i) t.peer(ack().at(here - 7));
  EXPECT_LE(t.out.size(), 10u);
}

TEST(ReceivesText, in_established_fin_wait_1_and_fin_wait_2_only) {
  for (const State state : {established, fin_wait_1, fin_wait_2}) {
    auto t = Tcp::in_state(state);
    t.peer(data(10));
    EXPECT_EQ(t.text_received, 10u) << name_of(state);
  }
  for (const State state : {close_wait, closing, last_ack, time_wait}) {
    auto t = Tcp::in_state(state);
    t.peer(data(10).acks(0)).dropped(Drop::tcp_data_after_fin);
    EXPECT_EQ(t.text_received, 0u) << name_of(state);
  }
}

TEST(ChallengeAcks, do_not_use_up_the_acks_that_text_demands) {
  auto t = Tcp::established();
  for (int i = 0; i < 100; ++i) t.peer(rst().at(5));
  t.whatever();
  for (int i = 0; i < 50; ++i) t.peer(data(10).at(-10)).us(ack());
}

}  // namespace
}  // namespace mayfly::test
