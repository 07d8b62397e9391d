// RFC 1337's hazards with two whole stacks on a wire in virtual time: each happens where TIME_WAIT
// is given up, and none of them under the standard's policy, by the same steps.
//
// The hazards need a bulk transfer that is faster than the ISN clock (250 kB/s, RFC 6528), so that
// the sequence numbers of the old incarnation reach into the new one's, and no timestamps, which
// would tell them apart (RFC 7323 5).
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/shard_pair.h"
#include "support/wire.h"
#include "wire/parse.h"

namespace mayfly::testing {
namespace {

using flow::TimeWaitPolicy;

using OnRst = tcp::TimeWaitRules::OnRst;

const FlowKey4 kFlow = FlowKey4::of({0xc612'0101}, 40'000, {0xc612'0001}, 80);  // the client's view
const std::string kOldText(60'000, 'o');
constexpr std::string_view kNewText = "new text";

TimeWaitPolicy strict() {
  return {
      .hold = 4_min, .on_full = TimeWaitPolicy::OnFull::refuse, .rules = {.rst = OnRst::ignore}};
}
TimeWaitPolicy none() { return {.hold = 0_s}; }
/// Linux with tcp_rfc1337 = 0.
TimeWaitPolicy takes_rst() { return {.hold = 60_s, .rules = {.rst = OnRst::accept}}; }

/// A frame with a TCP segment that one end has sent.
struct Sent {
  Bytes frame;
  Segment segment;
  std::uint16_t text() const { return segment.payload_len; }
};

/// Both ends follow one policy. Every frame arrives at once, but for what a test keeps back.
class TwoEnds {
 public:
  explicit TwoEnds(const TimeWaitPolicy& policy, bool timestamps = false) {
    settings_.time_wait = policy;
    settings_.tcp.timestamps = timestamps;
    settings_.tcp.sack = false;
    ends_.server_uses(settings_);
    ends_.client_uses(settings_);
    server().peer_closed = client().peer_closed = [](ScriptConn& c) { c.close(); };
    run(10_ms);
  }
  ~TwoEnds() {
    server().forget();
    client().forget();
  }

  ScriptApp& server() { return ends_.server_app; }
  ScriptApp& client() { return ends_.client_app; }
  const flow::ShardStats& server_stats() const { return ends_.server->stats(); }
  const flow::ShardStats& client_stats() const { return ends_.client->stats(); }
  std::uint32_t server_time_waits() const { return ends_.server->time_wait_entries(); }

  void run(Duration span) { ends_.run_for(span); }
  /// Only the server has time to do something; what it sends is on its way.
  void run_server() { ends_.server->poll(ends_.now); }
  void run_client() { ends_.client->poll(ends_.now); }

  void connect() {
    client().poll = [this](ScriptShard& shard) { error_ = shard.connect(kFlow, {}).error; };
    run(2_ms);
  }
  shard::ConnectError connect_error() const { return error_; }

  void server_does(const std::function<void(ScriptConn&)>& what) {
    ends_.server->for_each(ends_.now, what);
  }
  void client_does(const std::function<void(ScriptConn&)>& what) {
    ends_.client->for_each(ends_.now, what);
  }
  void server_closes() {
    server_does([](ScriptConn& c) { c.close(); });
  }

  /// What is on its way to an end is lost.
  static void lose(MemPort& on_its_way_to) {
    while (!on_its_way_to.arrived.empty()) {
      on_its_way_to.release(on_its_way_to.arrived.front());
      on_its_way_to.arrived.pop_front();
    }
  }
  void lose_what_the_server_sent() { lose(ends_.client_port); }

  /// All segments that an end has sent since the pair was made.
  std::vector<Sent> sent_by_client() const { return segments(ends_.client_port, 1); }
  std::vector<Sent> sent_by_server() const { return segments(ends_.server_port, 2); }

  /// An old duplicate arrives after all.
  void arrives_at_server(const Sent& old) { ends_.server_port.inject(old.frame); }
  void arrives_at_client(const Sent& old) { ends_.client_port.inject(old.frame); }

 private:
  static std::vector<Sent> segments(const MemPort& port, std::uint8_t station) {
    std::vector<Sent> all;
    for (const Bytes& frame : port.sent) {
      const wire::ParseRules rules{{{2, 0, 0, 0, 0, station}}, 0};
      const wire::ParsedFrame p = parse_frame(frame, rules, {});
      if (p.kind == wire::FrameKind::tcp) all.push_back({frame, p.segment});
    }
    return all;
  }

  shard::ShardSettings settings_;
  ShardPair<ScriptApp, ScriptApp> ends_;
  shard::ConnectError error_ = shard::ConnectError::none;
};

template <class F>
const Sent& first_where(const std::vector<Sent>& all, F&& wanted) {
  const auto found = std::ranges::find_if(all, wanted);
  if (found == all.end()) throw std::logic_error("no such segment was sent");
  return *found;
}

// -- H1: old duplicate data may be accepted erroneously --

/// An upload, closed by the server first; then the client begins anew at once. Returns the old
/// segment that reaches into the sequence numbers of the new incarnation.
Sent upload_and_begin_anew(TwoEnds& ends) {
  ends.connect();
  ends.client_does([](ScriptConn& c) { c.send(as_bytes(kOldText)); });
  ends.run(20_ms);
  EXPECT_EQ(ends.server().heard.size(), kOldText.size());
  ends.server_closes();
  ends.run(2_ms);
  ends.server().heard.clear();

  ends.connect();
  const auto sent = ends.sent_by_client();
  Seq new_iss;
  for (const Sent& s : sent)
    if (s.segment.has(wire::tcp_flag::syn)) new_iss = s.segment.seq;
  return first_where(sent, [&](const Sent& s) {
    return at_or_before(s.segment.seq, new_iss + 1) && after(s.segment.end(), new_iss + 100);
  });
}

TEST(HazardH1, WithoutTimeWaitOldTextIsTakenForTheNewConnections) {
  TwoEnds ends(none());
  const Sent old = upload_and_begin_anew(ends);
  EXPECT_EQ(ends.server().opened, 2u);
  ends.arrives_at_server(old);
  ends.run(2_ms);
  EXPECT_NE(ends.server().heard, "") << "nobody has sent anything on this connection";
  EXPECT_EQ(ends.server().heard.find_first_not_of('o'), std::string::npos);
}

TEST(HazardH1, InTimeWaitOldTextIsNotTakenAndTheSynHasToWait) {
  TwoEnds ends(strict());
  const Sent old = upload_and_begin_anew(ends);
  EXPECT_EQ(ends.server().opened, 1u) << "its sequence number is not above the old one's";
  ends.arrives_at_server(old);
  ends.run(2_ms);
  EXPECT_EQ(ends.server().heard, "");
  EXPECT_EQ(ends.server_time_waits(), 1u) << "F1: nor does the RST for its challenge end it";
}

// A newcomer's reset ends TIME_WAIT, and what it keeps out no longer does. The new connection's own
// numbers do: the old text acknowledges what lies far behind them.
TEST(HazardH1, WhereANewcomerIsLetInOldTextIsNotTakenEither) {
  TwoEnds ends(TimeWaitPolicy{});
  const Sent old = upload_and_begin_anew(ends);
  EXPECT_EQ(ends.server_stats().time_wait_killed_after_syn.get(), 1u);
  ends.run(1'100_ms);  // the client's SYN goes again after a second
  ASSERT_EQ(ends.server().opened, 2u) << "its sequence number is not above the old one's";
  ends.arrives_at_server(old);
  ends.run(2_ms);
  EXPECT_EQ(ends.server().heard, "");
  ends.client_does([](ScriptConn& c) { c.send(as_bytes(kNewText)); });
  ends.run(1_s);
  EXPECT_EQ(ends.server().heard, kNewText);
  ends.client_does([](ScriptConn& c) { EXPECT_EQ(c.unsent(), 0u); });
}

TEST(HazardH1, IsKeptOutByTimestampsWhereTheyLetTheNewOneBegin) {  // RFC 6191 with RFC 7323 5
  TwoEnds ends(strict(), true);
  const Sent old = upload_and_begin_anew(ends);
  EXPECT_EQ(ends.server().opened, 2u);
  ends.arrives_at_server(old);
  ends.run(2_ms);
  EXPECT_EQ(ends.server().heard, "");
  EXPECT_EQ(ends.server_stats().drops[static_cast<std::size_t>(Drop::tcp_paws)].get(), 1u);
}

// -- H2: connections may be de-synchronized --

TEST(HazardH2, WithoutTimeWaitTheTwoEndsNeverAgreeAgain) {
  TwoEnds ends(none());
  ends.arrives_at_server(upload_and_begin_anew(ends));
  ends.run(2_ms);
  ends.client_does([](ScriptConn& c) { c.send(as_bytes(kNewText)); });
  ends.run(10_s);
  EXPECT_EQ(ends.server().heard.find(kNewText), std::string::npos)
      << "it was there before, it says";
  std::uint64_t unsent = 0;
  ends.client_does([&](ScriptConn& c) { unsent += c.unsent(); });
  EXPECT_EQ(unsent, kNewText.size()) << "acknowledged is only what was never sent";
}

TEST(HazardH2, EndsInNoStormOfAcks) {  // RFC 5961 7, where RFC 793 had an infinite loop
  TwoEnds ends(none());
  ends.arrives_at_server(upload_and_begin_anew(ends));
  ends.run(2_ms);
  ends.client_does([](ScriptConn& c) { c.send(as_bytes(kNewText)); });
  const std::size_t before = ends.sent_by_server().size() + ends.sent_by_client().size();
  ends.run(10_s);
  EXPECT_LT(ends.sent_by_server().size() + ends.sent_by_client().size() - before, 200u);
}

TEST(HazardH2, InTimeWaitTheTwoEndsAgreeOnTheFirstIncarnationThatIsLetIn) {
  TwoEnds ends(strict(), true);
  ends.arrives_at_server(upload_and_begin_anew(ends));
  ends.run(2_ms);
  ends.client_does([](ScriptConn& c) { c.send(as_bytes(kNewText)); });
  ends.run(1_s);
  EXPECT_EQ(ends.server().heard, kNewText);
  ends.client_does([](ScriptConn& c) { EXPECT_EQ(c.unsent(), 0u); });
}

// -- H3: connections may die --

/// A download, closed by the server first; the last ACK of it is lost, so the client sends its FIN
/// again. Returns the server's answer to that, which the client does not get to see yet.
Sent download_and_lose_the_last_ack(TwoEnds& ends) {
  ends.server().open = [](ScriptConn& c) {
    c.send(as_bytes(kOldText));
    c.close();
  };
  ends.connect();
  ends.run(20_ms);
  EXPECT_EQ(ends.client().heard.size(), kOldText.size());
  const auto again = ends.sent_by_client();
  const Sent& fin =
      first_where(again, [](const Sent& s) { return s.segment.has(wire::tcp_flag::fin); });
  ends.arrives_at_server(fin);
  ends.run_server();
  ends.lose_what_the_server_sent();
  return ends.sent_by_server().back();
}

/// The client begins anew, and the new download stands just where the old one ended when what was
/// delayed arrives. (Elsewhere in the window RFC 5961 3.2 would challenge it.)
void new_download_meets(TwoEnds& ends, const Sent& delayed) {
  ends.server().open = nullptr;
  ends.connect();
  ASSERT_EQ(ends.server().opened, 2u);
  const Seq begin = ends.sent_by_server().back().segment.end();
  const std::int32_t length = delayed.segment.seq - begin;
  if (length > 0)
    ends.server_does(
        [&](ScriptConn& c) { c.send(as_bytes(kOldText).first(static_cast<std::size_t>(length))); });
  ends.run(50_ms);
  ends.arrives_at_client(delayed);
  ends.run(2_ms);
}

TEST(HazardH3, WithoutTimeWaitAnOldResetKillsTheNewConnection) {
  TwoEnds ends(none());
  const Sent answer = download_and_lose_the_last_ack(ends);
  ASSERT_TRUE(answer.segment.has(wire::tcp_flag::rst)) << "nobody remembers the connection";
  new_download_meets(ends, answer);
  EXPECT_EQ(ends.client().closed.back(), flow::CloseReason::reset);
}

TEST(HazardH3, InTimeWaitThereIsNoSuchResetAndTheNewConnectionLives) {
  TwoEnds ends(strict());
  const Sent answer = download_and_lose_the_last_ack(ends);
  ASSERT_EQ(answer.segment.flags, wire::tcp_flag::ack)
      << "RFC 9293 3.10.7.4: the FIN is ACKed again";
  new_download_meets(ends, answer);
  EXPECT_EQ(std::ranges::count(ends.client().closed, flow::CloseReason::reset), 0);
  ends.client_does([](ScriptConn& c) { c.send(as_bytes(kNewText)); });
  ends.run(1_s);
  EXPECT_EQ(ends.server().heard, kNewText);
}

// -- section 2's assassination: how TIME_WAIT itself is ended by an old duplicate --

/// Old text meets TIME_WAIT, is ACKed, and the ACK meets an end that knows nothing any more.
void old_text_meets_time_wait(TwoEnds& ends) {
  ends.connect();
  ends.client_does([](ScriptConn& c) { c.send(as_bytes("old text")); });
  ends.run(2_ms);
  ends.server_closes();
  ends.run(2_ms);
  ASSERT_EQ(ends.server_time_waits(), 1u);
  const auto sent = ends.sent_by_client();
  ends.arrives_at_server(first_where(sent, [](const Sent& s) { return s.text() > 0; }));
  ends.run(2_ms);
  EXPECT_EQ(ends.client_stats().rst_sent.get(), 1u);
}

TEST(Assassination, EndsATimeWaitThatTakesRst) {
  TwoEnds ends(takes_rst());
  old_text_meets_time_wait(ends);
  EXPECT_EQ(ends.server_time_waits(), 0u);
  EXPECT_EQ(ends.server_stats().time_wait_killed.get(), 1u);
}

TEST(Assassination, DoesNotEndATimeWaitThatIgnoresRst) {  // fix F1
  TwoEnds ends(strict());
  old_text_meets_time_wait(ends);
  EXPECT_EQ(ends.server_time_waits(), 1u);
}

TEST(Assassination, DoesNotEndATimeWaitThatTakesTheRstOfANewcomerOnly) {
  TwoEnds ends(TimeWaitPolicy{});
  old_text_meets_time_wait(ends);
  EXPECT_EQ(ends.server_time_waits(), 1u);
}

/// An old duplicate of the SYN meets TIME_WAIT, and the ACK an end that knows nothing any more: its
/// reset is a newcomer's to the last bit.
void old_syn_meets_time_wait(TwoEnds& ends, Sent& old_fin) {
  ends.connect();
  ends.client_does([](ScriptConn& c) { c.send(as_bytes("old text")); });
  ends.run(2_ms);
  ends.server_closes();
  ends.run(2_ms);
  const auto sent = ends.sent_by_client();
  const Sent& old_syn =
      first_where(sent, [](const Sent& s) { return s.segment.has(wire::tcp_flag::syn); });
  old_fin = first_where(sent, [](const Sent& s) { return s.segment.has(wire::tcp_flag::fin); });
  ends.arrives_at_server(old_syn);
  ends.run(2_ms);
  EXPECT_EQ(ends.server_time_waits(), 0u);
  EXPECT_EQ(ends.server_stats().time_wait_killed_after_syn.get(), 1u);
  ends.arrives_at_server(old_syn);  // it came twice: the second opens, and is found out
  ends.run(2_ms);
}

TEST(Assassination, ByAnOldSynIsUndoneByTheNextOldSyn) {  // RFC 9293 MAY-2 (b)
  TwoEnds ends(TimeWaitPolicy{});
  Sent old_fin;
  old_syn_meets_time_wait(ends, old_fin);
  EXPECT_EQ(ends.server_time_waits(), 1u);
  EXPECT_EQ(ends.server_stats().time_wait_restored.get(), 1u);
  EXPECT_EQ(ends.server().opened, 1u);
  ends.arrives_at_server(old_fin);
  ends.run(2_ms);
  EXPECT_EQ(ends.server_stats().time_wait_fin_again.get(), 1u);
}

}  // namespace
}  // namespace mayfly::testing
