// What the handshake agrees on, and timestamps: RFC 9293 3.7.1, RFC 7323, RFC 2018.
#include "support/tcp_bench.h"

namespace mayfly::testing {
namespace {

tcp::TcpSettings with_timestamps() {
  auto cfg = plain();
  cfg.timestamps = true;
  return cfg;
}
Tcp stamped_connection() {
  return Tcp::established(with_timestamps(), syn().mss(1'000).stamped(5'000));
}

TEST(Mss, Is536WhenThePeerSaysNothing) { EXPECT_EQ(Tcp::established(plain(), syn()).c.mss, 536); }

TEST(Mss, IsTheSmallerOfBothSides) {
  EXPECT_EQ(Tcp::established(plain(), syn().mss(700)).c.mss, 700);
  EXPECT_EQ(Tcp::established(plain(), syn().mss(9'000)).c.mss, 1'000);
}

TEST(Mss, ThatIsRidiculousIsRaisedTo48) {
  EXPECT_EQ(Tcp::established(plain(), syn().mss(0)).c.mss, 48);
  EXPECT_EQ(Tcp::established(plain(), syn().mss(1)).c.mss, 48);
}

TEST(Mss, LeavesRoomForTheOptionsOfEachSegment) {
  auto t = stamped_connection();
  t.send(3'000).us(data(988)).us(data(988));
}

TEST(WindowScale, IsAnsweredOnlyIfOffered) {
  auto cfg = plain();
  cfg.window_scale = true;
  cfg.receive_window = 1 << 20;
  Tcp::syn_received(cfg, syn().scaled(3)).us(syn_ack().scaled(5).window(65'535));
  auto t = Tcp::syn_received(cfg, syn());
  EXPECT_FALSE(t.out.front().options & wire::tcp_option::window_scale);
  EXPECT_EQ(t.c.rcv_wind_shift, 0);
}

TEST(WindowScale, IsNeverAppliedToTheWindowsOfSyns) {
  auto cfg = plain();
  cfg.window_scale = true;
  auto t = Tcp::syn_received(cfg, syn().scaled(7).window(1'000));
  EXPECT_EQ(t.c.snd_wnd, 1'000u);
  t.peer(ack().window(1'000));
  EXPECT_EQ(t.c.snd_wnd, 128'000u);
  auto active = Tcp::syn_sent(cfg).peer(syn_ack().scaled(7).window(1'000));
  EXPECT_EQ(active.c.snd_wnd, 1'000u);
}

TEST(WindowScale, Above14CountsAs14) {
  auto cfg = plain();
  cfg.window_scale = true;
  EXPECT_EQ(Tcp::syn_received(cfg, syn().scaled(200)).c.snd_wind_shift, 14);
}

TEST(WindowScale, TellsTheWholeReceiveWindowAfterTheHandshake) {
  auto cfg = plain();
  cfg.window_scale = true;
  cfg.receive_window = 1 << 20;
  auto t = Tcp::established(cfg, syn().scaled(0));
  t.peer(data(10)).peer(data(10)).us(ack().window((1u << 20) >> 5));
}

TEST(Options, ThatAreSwitchedOffAreNeitherOfferedNorAccepted) {
  EXPECT_EQ(int{Tcp::syn_sent(plain()).out.front().options}, int{wire::tcp_option::mss});
  const auto t = Tcp::syn_received(plain(), syn().scaled(3).sack_ok().stamped(7));
  EXPECT_EQ(int{t.out.front().options}, int{wire::tcp_option::mss});
}

TEST(Options, AreAllOfferedByDefault) {
  const auto t = Tcp::syn_sent(tcp::TcpSettings{});
  EXPECT_EQ(int{t.out.front().options}, wire::tcp_option::mss | wire::tcp_option::window_scale |
                                            wire::tcp_option::sack_permitted |
                                            wire::tcp_option::timestamps);
  EXPECT_EQ(t.out.front().ts.echo, 0u);
}

TEST(TimestampsOption, IsEchoedInTheSynAckAndAllLaterSegments) {
  auto t = Tcp::syn_received(with_timestamps(), syn().stamped(5'000));
  t.us(syn_ack().stamped(t.now.ts_ms() + kTsOffset, 5'000));
  t.peer(ack().stamped(5'010, 1)).peer(data(1).stamped(5'020, 1)).peer(data(1).stamped(5'030, 1));
  t.us(ack().stamped(t.now.ts_ms() + kTsOffset, 5'020));
}

TEST(TimestampsOption, EchoesTheSegmentAtTheLeftEdgeNotALaterOne) {
  auto t = stamped_connection();
  t.peer(data(10).at(10).stamped(5'100))
      .us(ack().acks(0).stamped(t.now.ts_ms() + kTsOffset, 5'000));
  t.peer(data(10).at(0).stamped(5'050))
      .us(ack().acks(20).stamped(t.now.ts_ms() + kTsOffset, 5'050));
}

TEST(TimestampsOption, MissingWhereItWasAgreedIsToldOnceAndTheTextTaken) {
  auto t = stamped_connection();
  t.peer(data(10).bare()).dropped(Drop::none).saw(tcp::event::timestamps_missing);
  t.peer(data(10).bare()).dropped(Drop::none);
  EXPECT_EQ(t.events & tcp::event::timestamps_missing, 0);
  EXPECT_EQ(t.text_received, 20u);
  t.us(ack().acks(20).stamped(t.now.ts_ms() + kTsOffset, 5'000));  // RFC 7323 3.2: ours go on
}

TEST(TimestampsOption, MissingFromTheHandshakesAckOpensTheConnectionAllTheSame) {
  auto t = Tcp::syn_received(with_timestamps(), syn().stamped(5'000)).whatever();
  t.peer(ack().bare()).saw(tcp::event::established | tcp::event::timestamps_missing);
  t.peer(data(10).bare().with_fin()).in(tcp::State::close_wait);
  EXPECT_EQ(t.text_received, 10u);
}

TEST(TimestampsOption, MissingAfterASynAckThatHadThemLetsAnActiveOpenGoOn) {
  auto t = Tcp::syn_sent(with_timestamps()).whatever();
  t.peer(syn_ack().mss(1'000).stamped(5'000)).saw(tcp::event::established);
  t.peer(data(10).bare()).dropped(Drop::none).saw(tcp::event::timestamps_missing);
  EXPECT_EQ(t.text_received, 10u);
}

TEST(TimestampsOption, MissingGivesNoSampleOfTheRoundTripButTheClockDoes) {  // RFC 7323 4.1
  auto t = stamped_connection();
  t.send(100).whatever().after(80_ms);
  const std::uint32_t before = t.c.srtt_us;
  t.peer(ack().bare());
  EXPECT_GT(t.c.srtt_us, before);
  EXPECT_LT(t.c.srtt_us, 80'000u);
}

TEST(TimestampsOption, MissingOnASegmentThatIsNotAcceptableProvesNothing) {
  for (const Spoken& blind : {data(10).at(70'000), data(10).at(-10), data(10).acks(5'000)}) {
    auto t = stamped_connection();
    t.peer(blind.bare());
    EXPECT_EQ(t.events & tcp::event::timestamps_missing, 0);
    t.whatever().peer(data(10).stamped(4'999)).dropped(Drop::tcp_paws);
  }
}

TEST(TimestampsOption, ThatComesBackIsRecordedIfItIsNoOlder) {
  auto t = stamped_connection();
  t.peer(data(10).bare()).after(50_ms).peer(data(10).stamped(5'100)).after(50_ms).whatever();
  EXPECT_EQ(t.c.ts_recent, 5'100u);
  t.peer(data(10).stamped(4'000)).dropped(Drop::none);
  EXPECT_EQ(t.c.ts_recent, 5'100u);
  EXPECT_EQ(t.text_received, 30u);
}

TEST(TimestampsOption, MissingWhereItWasAgreedDropsTheSegmentSilentlyIfItIsToBe) {
  auto cfg = with_timestamps();
  cfg.timestamps_missing = tcp::TimestampsMissing::drop;
  auto t = Tcp::established(cfg, syn().mss(1'000).stamped(5'000));
  t.peer(data(10).bare()).dropped(Drop::tcp_no_timestamp).silent().in(tcp::State::established);
  t.peer(data(10));
  EXPECT_EQ(t.text_received, 10u);
}

TEST(Paws, DropsTextWithAnOlderTimestampAndAcksIt) {
  auto t = stamped_connection();
  t.peer(data(10).stamped(4'999)).dropped(Drop::tcp_paws).us(ack().acks(0));
  t.peer(data(10).stamped(5'000));
  EXPECT_EQ(t.text_received, 10u);
}

TEST(Paws, CountsModulo2ToThe32) {
  auto t = Tcp::established(with_timestamps(), syn().stamped(0xffff'fff0u));
  t.peer(data(10).stamped(5)).dropped(Drop::none);
  t.whatever().peer(data(10).stamped(0xffff'fff0u)).dropped(Drop::tcp_paws);
}

TEST(Paws, DoesNotApplyToRst) {
  stamped_connection().peer(rst().stamped(1)).saw(tcp::event::reset).gone();
  stamped_connection().peer(rst().bare()).saw(tcp::event::reset).gone();
}

TEST(Paws, ForgetsATimestampAfter24Days) {
  auto t = stamped_connection();
  t.now = t.now + Duration::from_s(24 * 86'400 - 60);
  t.peer(data(10).stamped(1)).dropped(Drop::tcp_paws).whatever();
  t.now = t.now + Duration::from_s(120);
  t.peer(data(10).stamped(1)).dropped(Drop::none);
  EXPECT_EQ(t.c.ts_recent, 1u);
}

TEST(Paws, AnswersANewSynWithoutTimestampsWithAChallenge) {
  auto t = stamped_connection();
  t.peer(syn().at(50).bare()).dropped(Drop::tcp_syn_challenged).us(ack().acks(0));
}

}  // namespace
}  // namespace mayfly::testing
