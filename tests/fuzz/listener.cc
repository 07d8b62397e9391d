// LISTEN and what follows: any SYN, any settings, then any segments. The SYN-ACK offers nothing
// that the SYN did not (RFC 7323 1.3, RFC 2018 2), and no block is made for what opens nothing.
//
// Input: the settings, the SYN, then the steps of tcp_driver.h.
#include "fuzz/target.h"
#include "fuzz/tcp_driver.h"

namespace mayfly::testing {
namespace {

using tcp::ListenAnswer;

/// RFC 9293 3.10.7.2: first RST, second ACK, third SYN.
ListenAnswer answer_to(const Segment& s) {
  if (s.has(wire::tcp_flag::rst)) return ListenAnswer::ignore;
  if (s.has(wire::tcp_flag::ack)) return ListenAnswer::reset;
  return s.has(wire::tcp_flag::syn) ? ListenAnswer::open : ListenAnswer::ignore;
}

void expect_syn_ack(const Emission& e, const Segment& syn, const tcp::TcpSettings& cfg) {
  EXPECT_EQ(e.flags, wire::tcp_flag::syn | wire::tcp_flag::ack);
  EXPECT_EQ(e.ack, syn.seq + 1);
  EXPECT_EQ(e.mss, cfg.mss);
  const std::uint8_t allowed = (cfg.timestamps ? wire::tcp_option::timestamps : 0) |
                               (cfg.sack ? wire::tcp_option::sack_permitted : 0) |
                               (cfg.window_scale ? wire::tcp_option::window_scale : 0);
  EXPECT_EQ(e.options, wire::tcp_option::mss | (syn.options & allowed));
  if ((e.options & wire::tcp_option::timestamps) != 0) {
    EXPECT_EQ(e.ts.echo, syn.ts.val);
  }
}

void run(FuzzInput in) {
  const tcp::TcpSettings cfg = take_tcp_settings(in);
  const Instant now{in.take<std::uint32_t>() * std::int64_t{1'000}};
  const Seq iss{in.take<std::uint32_t>()};
  const Segment s = take_segment(in, {in.take<std::uint32_t>()}, {}, 0);
  EXPECT_EQ(tcp::on_listen(s), answer_to(s));
  if (tcp::on_listen(s) != ListenAnswer::open) {
    Emission rst;
    EXPECT_EQ(tcp::reset_for(s, rst), !s.has(wire::tcp_flag::rst));
    return;
  }
  TcpDriver t({}, cfg, now);
  open_passive(t.c, s, iss, in.take<std::uint32_t>(), cfg, now);
  t.check();
  Emission syn_ack;
  ASSERT_TRUE(next_emission(t.c, cfg, now, syn_ack));
  expect_syn_ack(syn_ack, s, cfg);
  EXPECT_FALSE(next_emission(t.c, cfg, now, syn_ack)) << "one SYN-ACK is enough";
  while (!in.empty() && t.c.state != tcp::State::closed && !::testing::Test::HasFailure())
    t.step(in);
}

const Target kTarget("listener", run);

}  // namespace
}  // namespace mayfly::testing
