#include "branch_scenarios.h"

#include "support/tcp_bench.h"
#include "tcp/time_wait.h"

namespace mayfly::testing {
namespace {

using tcp::IcmpError;

using enum tcp::Branch;

tcp::TcpSettings with_all_options() {
  tcp::TcpSettings cfg = plain();
  cfg.timestamps = cfg.window_scale = cfg.sack = true;
  return cfg;
}
const Spoken kFullOffer = syn().mss(1'000).scaled(3).stamped(100).sack_ok();

tcp::TcpSettings keeping_alive() {
  tcp::TcpSettings cfg = plain();
  cfg.keep_alive = {.enabled = true, .idle = 100_s, .interval = 10_s, .probes = 2};
  return cfg;
}

constexpr Scenario kOpening[] = {
    {"AgreesOnTheOptionsOfBothSyns",
     {scale_agreed, sack_agreed, stamps_agreed},
     [] {
       const auto t = Tcp::established(with_all_options(), kFullOffer);
       EXPECT_TRUE(t.c.has(tcp::conn_flag::window_scale) && t.c.has(tcp::conn_flag::sack));
       EXPECT_TRUE(t.c.has(tcp::conn_flag::timestamps));
       EXPECT_EQ(t.c.snd_wind_shift, 3);
     }},
    {"SendsItsSynAckAgainAndAgainAndThenBeginsWithALongRto",
     {handshake_again, handshake_slow},
     [] {
       auto t = Tcp::syn_received().whatever().after(3'500_ms);
       t.us(syn_ack()).us(syn_ack()).peer(ack()).in(tcp::State::established);
       EXPECT_EQ(t.c.rto_us, 3'000'000u);
     }},
    {"TimesAHandshakeThatWentTwiceByTheEcho",
     {handshake_timed_by_echo},
     [] {
       auto t = Tcp::syn_received(with_all_options(), kFullOffer).after(1_s);
       const auto stamp = t.out.back().ts.val;
       t.after(10_ms).peer(ack().stamped(101, stamp)).in(tcp::State::established);
       EXPECT_EQ(t.c.srtt_us, 11'000u);
     }},
    {"TimesTheHandshake", {handshake_timed}, [] { EXPECT_GT(Tcp::established().c.srtt_us, 0u); }},
    {"SendsTheFinOfACloseThatWaitedForTheHandshake",
     {close_queued, handshake_to_close},
     [] {
       auto t = Tcp::syn_received().whatever().close().silent().in(tcp::State::syn_received);
       t.peer(ack()).us(fin()).in(tcp::State::fin_wait_1);
     }},
    {"DropsAnRstInSynSentThatAcknowledgesSomethingElse",
     {syn_sent_bad_ack_rst},
     [] { Tcp::syn_sent().whatever().peer(rst().acks(5)).silent().in(tcp::State::syn_sent); }},
    {"EndsAtACloseInSynSent",
     {close_syn_sent},
     [] { Tcp::syn_sent().whatever().close().silent().gone(); }},
    {"EndsAtAHardIcmpErrorAboutItsSyn",
     {icmp_hard},
     [] {
       auto t = Tcp::syn_sent().whatever().icmp({IcmpError::Kind::hard, 0}, -1);
       t.saw(tcp::event::unreachable).silent().gone();
     }},
    {"OpensTimeWaitForANewerTimestampAndNeverWhereThePolicySaysSo",
     {tw_syn_new_stamp, tw_syn_never},
     [] {
       const auto t = Tcp::time_wait(with_all_options(), kFullOffer);
       const Segment s = t.spell(syn().at(-500).stamped(t.c.ts_recent + 1));
       const tcp::TimeWaitEntry e = make_time_wait_entry(t.c);
       tcp::TimeWaitRules rules;
       EXPECT_EQ(on_time_wait_segment(e, s, rules).action, tcp::TimeWaitAction::reopen);
       rules.reopen = tcp::TimeWaitRules::Reopen::off;
       EXPECT_EQ(on_time_wait_segment(e, s, rules).action, tcp::TimeWaitAction::ack);
     }},
    {"OpensTimeWaitBySequenceAloneWhereTimestampsVanished",
     {tw_syn_stamps_vanished, tw_syn_stamps_vanished_old},
     [] {
       auto t = Tcp::established(with_all_options(), kFullOffer).peer(data(10).bare()).whatever();
       t.close().whatever().peer(ack().bare()).peer(fin().bare()).in(tcp::State::time_wait);
       const tcp::TimeWaitEntry e = make_time_wait_entry(t.c);
       const Spoken newer = syn().stamped(t.c.ts_recent + 1);
       EXPECT_EQ(on_time_wait_segment(e, t.spell(newer.at(-500)), {}).action,
                 tcp::TimeWaitAction::ack);
       EXPECT_EQ(on_time_wait_segment(e, t.spell(newer.at(500)), {}).action,
                 tcp::TimeWaitAction::reopen);
     }},
};

constexpr Scenario kText[] = {
    {"ForgetsATimestampAfter24Days",
     {stamp_outdated},
     [] {
       auto t = Tcp::established(with_all_options(), kFullOffer);
       t.now = t.now + Duration::from_s(25LL * 24 * 3'600);
       t.peer(data(10).stamped(1)).dropped(Drop::none);
       EXPECT_EQ(t.text_received, 10u);
     }},
    {"TakesTextWhoseTimestampWasBlankedAndComparesNoneFromThenOn",
     {stamp_missing_taken, stamps_vanish, stamp_uncompared},
     [] {
       auto t = Tcp::established(with_all_options(), kFullOffer);
       t.peer(data(10).bare()).dropped(Drop::none).saw(tcp::event::timestamps_missing);
       t.peer(data(10).stamped(1)).dropped(Drop::none);
       EXPECT_EQ(t.text_received, 20u);
     }},
    {"IsSilentAfterTenChallenges",
     {challenge_limited},
     [] {
       auto t = Tcp::established();
       for (int i = 0; i < 10; ++i) t.peer(rst().at(5)).us(ack());
       t.peer(rst().at(5)).dropped(Drop::tcp_rst_challenged).silent();
     }},
    {"TakesNoTextFromBeyondAFinThatIsKnown",
     {fin_ahead, text_beyond_fin},
     [] {
       auto t = Tcp::established().peer(fin().at(100)).whatever();
       t.peer(data(10).at(100)).dropped(Drop::tcp_data_after_fin).us(ack().acks(0));
     }},
    {"TakesTheFinAfterTextThatItHas",
     {text_before_fin, fin_established},
     [] {
       auto t = Tcp::established().peer(data(10)).peer(data(10).at(0).with_fin());
       t.us(ack().acks(11)).in(tcp::State::close_wait);
       EXPECT_EQ(t.text_received, 10u);
     }},
    {"AcksEverySecondSegmentAndAFilledGapAtOnce",
     {ack_delayed, ack_at_once, text_held, gap_filled},
     [] {
       auto t = Tcp::established().peer(data(10)).silent().peer(data(10)).us(ack().acks(20));
       t.peer(data(10).at(30)).us(ack().acks(20)).peer(data(10).at(20)).us(ack().acks(40));
       EXPECT_EQ(t.text_received, 40u);
     }},
    {"KeepsFourRangesAndDropsTheFifth",
     {text_not_held},
     [] {
       auto t = Tcp::established();
       for (int i = 1; i <= 5; ++i) t.peer(data(10).at(100 * i)).us(ack().acks(0));
       t.dropped(Drop::tcp_reassembly_full);
     }},
    {"HearsWhatASackBlockSaysThatIsNewAndBelievable",
     {sack_news, sack_unbelievable, ack_duplicate},
     [] {
       auto t = Tcp::established(with_all_options(), kFullOffer).send(3'000).whatever();
       t.peer(ack().acks(0)).peer(ack().acks(0).sack(900, 1'000).sack(4'000, 5'000));
       ASSERT_EQ(t.c.loss->sacked.count, 1);
       EXPECT_EQ(t.c.loss->sacked.range[0].right - t.c.loss->sacked.range[0].left, 100);
     }},
    {"DoesNotBringBackAnOlderWindow",
     {window_older},
     [] {
       auto t = Tcp::established().peer(data(10).window(5'000)).peer(ack().at(10).window(6'000));
       t.peer(data(20).at(0).window(100));
       EXPECT_EQ(t.c.snd_wnd, 6'000u);
     }},
    {"ProbesAZeroWindowUntilItOpens",
     {probe_due, window_opens},
     [] {
       auto t = Tcp::established().peer(ack().window(0)).send(100).silent();
       t.after(Duration{t.c.rto_us}).us(data(1).at(0)).peer(ack().acks(0).window(0)).silent();
       t.peer(ack().acks(0).window(1'000)).us(data(100).at(0));
     }},
    {"TellsOfARoomThatHasGrownEnough",
     {room_worth_telling},
     [] {
       auto cfg = plain();
       cfg.receive_window = 2'000;
       auto t = Tcp::established(cfg).room(0).peer(data(2'000)).whatever();
       t.room(100).silent().room(2'000).us(ack().acks(2'000).window(2'000));
     }},
};

tcp::TcpSettings with_sack() {
  tcp::TcpSettings cfg = plain();
  cfg.sack = true;
  return cfg;
}
Tcp hearing_of_nine_ranges() {  // one more than the scoreboard holds
  auto cfg = with_sack();
  cfg.initial_window_segments = 40;
  auto t = Tcp::established(cfg, syn().mss(1'000).sack_ok()).send(40'000).whatever();
  for (std::uint32_t i = 0; i < 9; ++i)
    t.peer(ack().acks(0).sack(2'000 * i + 1'000, 2'000 * i + 2'000));
  return t;
}
Tcp sacking() { return Tcp::established(with_sack(), syn().mss(1'000).sack_ok()); }

constexpr Scenario kLosses[] = {
    {"RecoversWhatASackBlockLeavesOut",
     {recovery_by_sack, sack_news},
     [] {
       auto t = sacking().send(10'000).whatever().peer(ack().acks(0).sack(1'000, 4'000));
       t.us(data(1'000).at(0)).silent();
     }},
    {"RecoversByThreeDuplicatesWithoutBlocks",
     {recovery_by_duplicates, ack_duplicate},
     [] {
       auto t = sacking().send(10'000).whatever();
       t.peer(ack().acks(0)).peer(ack().acks(0)).peer(ack().acks(0)).us(data(1'000).at(0));
     }},
    {"DoesNotTimeARetransmissionByTheAckOfTheOriginal",
     {rack_ambiguous},
     [] {
       auto t = sacking().send(10'000).whatever().peer(ack().acks(0).sack(1'000, 4'000));
       t.after(1_ms).peer(ack().acks(1'000));
       EXPECT_NE(t.c.loss->rack.rtt_us, 1'000u);
     }},
    {"WaitsForWhatIsLateWhereThingsComeOutOfOrder",
     {rack_reordering, rack_late},
     [] {
       auto t = sacking().send(10'000).whatever().after(10_ms);
       t.peer(ack().acks(0).sack(1'000, 2'000)).peer(ack().acks(2'000)).whatever();
       t.peer(ack().acks(2'000).sack(3'000, 6'000)).silent().after(3_ms).us(data(1'000).at(2'000));
     }},
    {"WaitsLongerAfterADsack",
     {dsack_heard, rack_window_grows, undo_by_duplicates},
     [] {
       auto t = sacking().send(10'000).whatever().peer(ack().acks(0).sack(1'000, 4'000));
       t.peer(ack().acks(4'000)).peer(ack().acks(4'000).sack(0, 1'000));
       EXPECT_EQ(t.c.rack.window_mult, 2);
       EXPECT_EQ(t.c.ssthresh, 1u << 30);
     }},
    {"UndoesARetransmissionThatAnOlderEchoAnswers",
     {undo_by_stamp},
     [] {
       auto t = Tcp::established(with_all_options(), kFullOffer).send(10'000);
       const auto stamp = t.out.front().ts.val;
       t.after(10_ms).peer(ack().acks(0).sack(988, 8'000)).after(1_ms);
       t.peer(ack().acks(8'000).stamped(101, stamp));
       EXPECT_FALSE(t.c.has(tcp::conn_flag::recovery));
       EXPECT_EQ(t.c.ssthresh, 1u << 30);
     }},
    {"UndoesATimeOutThatAnOriginalOutlived",
     {undo_by_original},
     [] {
       auto t = sacking().send(10'000).whatever().after(20_ms);
       t.after(Duration{t.c.rto_us});
       t.peer(ack().acks(3'000));
       EXPECT_FALSE(t.c.has(tcp::conn_flag::rto_recovery));
     }},
    {"ProbesATailAndAnswersForTheLossThatItRepaired",
     {tail_probe_due, tail_probe_again, tail_repaired},
     [] {
       auto t = sacking().send(10'000).whatever().after(20_ms).us(data(1'000).at(9'000));
       t.peer(ack().acks(10'000)).send(1'000).peer(ack().acks(11'000));
       EXPECT_EQ(t.c.cwnd, t.c.ssthresh);
     }},
    {"ProbesATailForNothing",
     {tail_probe_again, tail_unnecessary, dsack_heard},
     [] {
       auto t = sacking().send(3'000).whatever().after(20_ms).us(data(1'000).at(2'000));
       t.peer(ack().acks(3'000)).peer(ack().acks(3'000).sack(2'000, 3'000));
       EXPECT_FALSE(t.c.rack.tail_outstanding);
     }},
    {"ProbesATailWithNewText",
     {tail_probe_new, tail_new_text},
     [] {
       auto t = sacking().send(30'000).whatever().after(20_ms).us(data(1'000).at(10'000)).silent();
       t.peer(ack().acks(11'000));
       EXPECT_FALSE(t.c.rack.tail_outstanding);
     }},
    {"HidesAGapWhereThePeerSacksMoreThanFits",
     {sack_gap_hidden},
     [] {
       auto t = hearing_of_nine_ranges();
       EXPECT_EQ(t.c.loss->sacked.count, tcp::kSackedMax);
       EXPECT_EQ(t.c.loss->hidden, 1'000u);
     }},
    {"FindsAHiddenGapWhereTheAcknowledgementsStop",
     {sack_gap_found},
     [] {
       auto t = hearing_of_nine_ranges();
       t.whatever().peer(ack().acks(2'000));  // behind it [3,000, 4,000)
       EXPECT_EQ(t.c.loss->sacked.range[0].left, t.c.snd_una + 1'000);
       EXPECT_EQ(t.c.loss->hidden, 0u);
     }},
    {"BelievesNoReportOfAPeerThatThrewAwayWhatItReported",
     {sack_reneged},
     [] {
       auto t = sacking().send(10'000).whatever().peer(ack().acks(0).sack(1'000, 4'000));
       t.whatever().peer(ack().acks(1'000));
       EXPECT_EQ(t.c.loss->sacked.count, 0);
       t.us(data(1'000).at(1'000)).peer(ack().acks(2'000));
     }},
    {"SpeaksEcn",
     {ecn_agreed, ecn_marked, ecn_heard, ecn_reduces},
     [] {
       using wire::tcp_flag::cwr;
       using wire::tcp_flag::ece;
       auto cfg = plain();
       cfg.ecn = true;
       auto t = Tcp::syn_received(cfg, syn().mss(1'000).flagged(ece | cwr));
       t.us(syn_ack().flagged(ece)).peer(ack()).peer(data(10).marked()).us(ack().flagged(ece));
       t.peer(data(10).flagged(cwr)).after(40_ms).us(ack()).send(10'000).whatever();
       t.peer(ack().acks(1'000).flagged(ece)).send(10'000);
       EXPECT_EQ(t.c.cwnd, 5'000u);
     }},
    {"ReportsWhatCameTwice",
     {dsack_said},
     [] {
       auto t = sacking().peer(data(10)).whatever().peer(data(10).at(0));
       t.us(ack().acks(10).sack(0, 10));
     }},
};

constexpr Scenario kClosing[] = {
    {"ResetsAPeerWhoseTextNobodyWillRead",
     {close_established, text_unread},
     [] {
       auto t = Tcp::established().close_both().whatever().peer(data(10));
       t.dropped(Drop::tcp_data_after_close).saw(tcp::event::reset).reset_sent().silent().gone();
     }},
    {"TakesTextThatIsToBeDropped",
     {text_dropped},
     [] {
       auto t = Tcp::established().close_and_drop().whatever().peer(ack()).peer(data(10));
       t.whatever().peer(fin().at(10)).us(ack().acks(11)).in(tcp::State::time_wait);
     }},
    {"ClosesAfterThePeerThatClosedBeforeItsFinWasSent",
     {fin_before_ours},
     [] {
       auto t = Tcp::established().peer(ack().window(10)).send(100).whatever().close().silent();
       t.peer(fin().acks(0).window(10)).in(tcp::State::last_ack);
     }},
    {"ClosesAfterThePeer",
     {close_close_wait, fin_acked_last_ack},
     [] { Tcp::close_wait().close().us(fin()).in(tcp::State::last_ack).peer(ack()).gone(); }},
    {"ClosesNothingTwice",
     {close_nothing},
     [] { Tcp::time_wait().close().silent().in(tcp::State::time_wait); }},
    {"EndsFinWait2ThatNobodyReads",
     {close_queued, close_both_late, fin_wait_2_bounded, fin_wait_2_over},
     [] {
       auto t = Tcp::fin_wait_2().close_both().after(59_s).in(tcp::State::fin_wait_2);
       t.after(1_s).saw(tcp::event::closed | tcp::event::fin_wait_2_end).silent().gone();
     }},
    {"TellsThePeerOfAnAbortWhereThePeerWaits",
     {abort_tells},
     [] {
       auto t = Tcp::established();
       Emission e;
       EXPECT_TRUE(abort(t.c, e));
       EXPECT_EQ(e.flags, wire::tcp_flag::rst);
       EXPECT_EQ(e.seq, t.c.snd_max);
       t.gone();
     }},
    {"AbortsInSilenceWhereThePeerHasClosed",
     {abort_silent},
     [] {
       auto t = Tcp::last_ack();
       Emission e;
       EXPECT_FALSE(abort(t.c, e));
       t.gone();
     }},
    {"IsNotEndedByIcmpOnceItIsSynchronized",
     {icmp_not_in_flight, icmp_soft, icmp_hard_soft},
     [] {
       auto t = Tcp::established().send(10).whatever();
       t.icmp({IcmpError::Kind::hard, 0}, 10).dropped(Drop::icmp_untrusted);
       t.icmp({IcmpError::Kind::soft, 0}, 0).dropped(Drop::none);
       t.icmp({IcmpError::Kind::hard, 0}, 0).dropped(Drop::none);
       t.silent().in(tcp::State::established);
     }},
    {"SendsSmallerSegmentsWhereTheyMustNotBeFragmented",
     {icmp_mtu, icmp_mtu_unsaid, icmp_mtu_no_less},
     [] {
       auto t = Tcp::established().send(1'000).whatever();
       t.icmp({IcmpError::Kind::fragmentation_needed, 1'500}, 0).silent();
       t.icmp({IcmpError::Kind::fragmentation_needed, 0}, 0).us(data(966).at(0)).us(data(34));
     }},
};

constexpr Scenario kTimers[] = {
    {"WaitsAsLongAsNewSettingsSay",
     {fin_wait_2_retimed, keep_alive_retimed, wait_without_end},
     [] {
       auto t = Tcp::established().close_both().peer(ack()).whatever();
       t.after(40_s).in(tcp::State::fin_wait_2);
       t.follows([](auto& cfg) { cfg.fin_wait_2_hold = 50_s; });
       t.after(9_s).in(tcp::State::fin_wait_2).after(2_s).gone();
       auto k = Tcp::established();
       k.follows([](auto& cfg) { cfg.keep_alive = keeping_alive().keep_alive; });
       k.after(99_s).silent().after(1_s).us(ack());
       k.follows([](auto& cfg) { cfg.keep_alive.enabled = false; }).after(1'000_s).silent();
     }},
    {"SendsTextAgainTellsTheUserAndGivesUp",
     {text_again, r1_reached, timed_out},
     [] {
       auto cfg = plain();
       cfg.retries = 4;
       auto t = Tcp::established(cfg).send(10).whatever().after(200_ms).us(data(10).at(0));
       t.after(1'200_ms).us(data(10)).us(data(10)).saw(tcp::event::slow);
       t.after(60_s).us(data(10)).saw(tcp::event::timed_out).gone();
     }},
    {"LeavesAPeerThatAnswersNoProbe",
     {probe_unanswered, timed_out},
     [] {
       auto t = Tcp::established().peer(ack().window(0)).send(10);
       t.after(Duration::from_s(3'600)).saw(tcp::event::timed_out).gone();
     }},
    {"LeavesAPeerThatOnlyAnswersProbesOnceNobodyWaits",
     {probe_due, probe_abandoned, timed_out},
     [] {
       auto cfg = plain();
       cfg.retries = 4;
       auto t = Tcp::established(cfg).peer(ack().window(0)).send(10).close_both();
       for (int i = 0; i < 4; ++i)
         t.after(t.c.retransmit_at - t.now).us(data(1)).peer(ack().acks(0).window(0));
       t.after(t.c.retransmit_at - t.now).saw(tcp::event::timed_out).gone();
     }},
    {"ProbesAnIdlePeerAndGivesItUp",
     {keep_alive_probe, keep_alive_dead},
     [] {
       auto t = Tcp::established(keeping_alive()).after(99_s).silent();
       t.after(1_s).us(ack().at(-1)).after(10_s).us(ack().at(-1));
       t.after(10_s).saw(tcp::event::timed_out).silent().gone();
     }},
    {"ProbesNobodyWhoWasHeard",
     {keep_alive_early},
     [] {
       auto t = Tcp::established(keeping_alive()).after(60_s).peer(ack()).after(60_s).silent();
       t.after(40_s).us(ack().at(-1));
     }},
    {"PaysADelayedAckInTime",
     {ack_delayed, delayed_ack_due},
     [] {
       auto t = Tcp::established().peer(data(10)).after(39_ms).silent();
       t.after(1_ms).us(ack().acks(10));
     }},
};

}  // namespace

std::span<const Scenario> opening_scenarios() { return kOpening; }
std::span<const Scenario> text_scenarios() { return kText; }
std::span<const Scenario> loss_scenarios() { return kLosses; }
std::span<const Scenario> closing_scenarios() { return kClosing; }
std::span<const Scenario> timer_scenarios() { return kTimers; }

}  // namespace mayfly::testing
