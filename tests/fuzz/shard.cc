// A whole Shard on a wire: peers that behave or do not, any frames, time, an app of any temper, a
// device that fails, settings that change. Nothing is lost, nothing is counted twice, and at the
// end nothing is left (Wire sees to that when it goes).
//
// Input: the settings and the app's temper, then actions: a byte says which, others say the rest.
#include <memory>

#include "base/endian.h"
#include "fuzz/target.h"
#include "fuzz/tcp_driver.h"
#include "support/eal.h"
#include "support/wire.h"
#include "wire/checksum.h"

namespace mayfly::testing {
namespace {

shard::ShardSettings take_settings(FuzzInput& in) {
  shard::ShardSettings settings;
  settings.tcp = take_tcp_settings(in);
  flow::TimeWaitPolicy& policy = settings.time_wait;
  policy.hold = Duration::from_ms(in.one_of({0, 10, 1'000, 60'000}));
  policy.capacity = in.one_of<std::uint32_t>({1, 2, 100});
  policy.on_full = flow::TimeWaitPolicy::OnFull(in.below(3));
  policy.rules.reopen = tcp::TimeWaitRules::Reopen(in.below(3));
  policy.rules.rst = tcp::TimeWaitRules::OnRst(in.below(3));
  policy.rules.refuse_syn = tcp::TimeWaitRules::RefuseSyn(in.below(2));
  const auto bits = in.take<std::uint8_t>();
  policy.balance = (bits & 1) != 0;
  policy.floor = std::min(policy.floor, policy.hold);
  policy.recycle = (bits & 2) != 0;
  policy.hand_over = (bits & 4) != 0;
  if ((bits & 8) != 0) policy.nearness = {{Prefix::of(kPeerIp, 24), 500_ms}};
  settings.time_wait.reuse = (bits & 16) != 0 ? 1 : 0;
  settings.time_wait.reuse_delay = 1_ms;
  settings.syn.cookies = flow::SynPolicy::Cookies(in.below(3));
  settings.syn.half_open = in.one_of<std::uint32_t>({1, 2, 0, 50});
  return settings;
}

/// What the app does with a connection, when it is called and when it is told to.
void act(ScriptConn& c, std::uint32_t what) {
  static const std::vector<std::byte> pattern(4'096, std::byte{'p'});
  switch (what % 9) {
    case 0: return;
    case 1: c.send(bytes_of("pong")); return;
    case 2: c.send_copy(std::span(pattern).first(what * 5)); return;
    case 3: c.send_repeating(pattern, 100'000); return;
    case 4: return c.close();
    case 5: return c.close_both();
    case 6: return c.abort();
    case 7: return c.wake_at(c.now() + 5_ms);
    default: c.send_copy(pattern); return c.close();
  }
}

void take_temper(FuzzInput& in, ScriptApp& app) {
  const auto next = [&in] { return in.take<std::uint8_t>(); };
  app.open = [what = next()](ScriptConn& c) { act(c, what); };
  app.sent = [what = next()](ScriptConn& c) { act(c, what); };
  app.wake = [what = next()](ScriptConn& c) { act(c, what); };
  app.peer_closed = [what = next()](ScriptConn& c) { act(c, what); };
  app.data = [what = next(), share = in.below(4)](ScriptConn& c, std::string_view text) {
    act(c, what);
    return text.size() * (4 - share) / 4;
  };
}

/// Makes the checksums right again, so that what was changed is looked at.
void repair(Bytes& frame) {
  const std::span<std::byte> ip = std::span(frame).subspan(wire::kEthernetHeaderSize);
  const std::size_t header = (wire::load_u8(&ip[0]) & 0xf) * std::size_t{4};
  const std::size_t total = load_be16(&ip[wire::ipv4_at::total_length]);
  if (header < wire::kIpv4HeaderSizeMin || header > total || total > ip.size()) return;
  store_be16(&ip[wire::ipv4_at::checksum], 0);
  store_be16(&ip[wire::ipv4_at::checksum],
             wire::checksum_finish(wire::checksum_add(ip.first(header))));
  const std::span<std::byte> tcp = ip.subspan(header, total - header);
  if (tcp.size() < wire::kTcpHeaderSizeMin) return;
  FlowKey4 key;
  std::memcpy(&key.remote_ip, &ip[wire::ipv4_at::source], sizeof key.remote_ip);
  std::memcpy(&key.local_ip, &ip[wire::ipv4_at::destination], sizeof key.local_ip);
  store_be16(&tcp[wire::tcp_at::checksum], 0);
  const auto pseudo =
      pseudo_header_sum(key, wire::ip_protocol::tcp, static_cast<std::uint16_t>(tcp.size()));
  store_be16(&tcp[wire::tcp_at::checksum], wire::checksum_finish(wire::checksum_add(tcp, pseudo)));
}

class Session {
 public:
  explicit Session(FuzzInput& in) : in_(in), wire_(given(in)), more_settings_(wire_.settings) {
    take_temper(in, wire_.app);
  }
  void run() {
    for (int n = 0; n < 200 && !in_.empty(); ++n) step();
    end();
  }

 private:
  static Given given(FuzzInput& in) {
    Given given;
    given.settings = take_settings(in);
    given.config.sizes.connections = in.one_of<std::uint32_t>({8, 100});
    given.config.sizes.receive_buffers = in.below(4);
    given.config.sizes.chunks = in.one_of<std::uint32_t>({1, 16});
    const auto bits = in.take<std::uint8_t>();
    given.peer_known = (bits & 1) == 0;
    given.answers_arp = (bits & 2) == 0;
    if ((bits & 4) != 0) speak_ipv6(given.config.interfaces[0]);  // raw frames may be of IPv6 then
    return given;
  }

  Peer& peer() { return *peers_[in_.below(4)]; }

  void step() {
    switch (in_.below(16)) {
      case 0: return opens();
      case 1: peer().sends(text(std::string(1 + in_.below(256), 't'))); return;
      case 2: peer().sends(fin()); return;
      case 3: peer().sends(ack()); return;
      case 4: peer().sends(any_segment()); return;
      case 5: peer().puts(any_segment()); return;
      case 6: return mangled();
      case 7: wire_.put(in_.bytes(in_.below(256))); return;
      case 8: wire_.leap(Duration{in_.take<std::uint16_t>()}); return;
      case 9: wire_.leap(Duration::from_ms(in_.take<std::uint16_t>())); return;
      case 10: return app_acts();
      case 11: return connects();
      case 12: return icmp_error();
      case 13: return settings_change();
      case 14: return device_fails();
      default: return begins_again();
    }
  }

  void opens() {
    Peer& each = peer();
    each.sends(in_.coin() ? syn().stamped(in_.take<std::uint8_t>()) : syn());
    each.sends(ack());
  }
  void begins_again() {
    Peer& each = peer();
    each.again({take_near(in_, each.next().raw)});
    if (in_.coin()) each.clock = in_.take<std::uint16_t>();
  }

  Said any_segment() {
    Said s = said(in_.take<std::uint8_t>());
    const auto near = [&] { return static_cast<std::int64_t>(in_.take<std::int16_t>()); };
    const auto bits = in_.take<std::uint8_t>();
    if ((bits & 1) != 0) s.seq_at = near();
    if ((bits & 2) != 0) s.ack_at = near();
    if ((bits & 4) != 0) s.window_field = in_.take<std::uint16_t>();
    if ((bits & 8) != 0) s.mss_value = in_.take<std::uint16_t>();
    if ((bits & 16) != 0) s.scale = in_.take<std::uint8_t>();
    if ((bits & 32) != 0)
      s.ts = wire::Timestamps{in_.take<std::uint16_t>(), in_.take<std::uint16_t>()};
    if ((bits & 64) != 0) s.text.assign(in_.below(1'400), 'x');
    return s;
  }

  void mangled() {
    Bytes frame = peer().frame(any_segment());
    for (std::uint32_t edits = 1 + in_.below(4); edits > 0; --edits)
      frame[in_.below(std::min<std::uint32_t>(static_cast<std::uint32_t>(frame.size()), 94))] =
          std::byte{in_.take<std::uint8_t>()};
    if (in_.coin()) repair(frame);
    wire_.put(frame);
  }

  void app_acts() {
    const auto what = in_.take<std::uint8_t>();
    wire_.app_does([what](ScriptConn& c) { act(c, what); });
  }
  void connects() {
    const FlowKey4 key = peer().shard_key();
    wire_.app.poll = [key](ScriptShard& shard) { connect(shard, key, {}); };
    wire_.poll();
  }

  /// About a segment of ours to a peer: quoted are its headers.
  void icmp_error() {
    const FlowKey4 key = peer().shard_key();
    Emission quoted{.seq = {take_near(in_, peer().heard().raw)}};
    quoted.flags = wire::tcp_flag::ack;
    const wire::LinkHeader link{kPeerMac, kServerMac, 0};
    Bytes frame(tcp_payload_offset(link, quoted));
    emit_tcp(frame, link, key, quoted, 1, wire::ChecksumBy::software, wire::ChecksumBy::software);
    frame.erase(frame.begin(), frame.begin() + wire::kEthernetHeaderSize);
    const std::uint8_t type = in_.one_of<std::uint8_t>({3, 4, 11, 12, 5, 8});
    const auto code = static_cast<std::uint8_t>(in_.below(16));
    wire_.put(wire_.icmp_frame(type, code, in_.take<std::uint16_t>(), frame));
  }

  void settings_change() {
    wire_.poll();  // the shard has left the others
    settings_changed_ = true;
    more_settings_ = take_settings(in_);
    wire_.use(more_settings_);
    wire_.poll();
    wire_.settings = more_settings_;
    wire_.use(wire_.settings);
    wire_.poll();
  }

  /// No buffers, or no room to send, for a poll.
  void device_fails() {
    const auto room = std::exchange(wire_.port.room, in_.below(3));
    const std::ptrdiff_t taken = in_.coin() ? wire_.port.buffers : 0;
    wire_.port.buffers -= taken;
    wire_.leap(Duration::from_ms(in_.take<std::uint8_t>()));
    wire_.port.room = room;
    wire_.port.buffers += taken;
  }

  void end() {
    wire_.app.forget();
    while (!wire_.port.arrived.empty()) wire_.poll();
    wire_.shard->abort_all(wire_.now);
    for (int i = 0; i < 10 && wire_.shard->time_wait_entries() > 0; ++i) wire_.leap(100_s);
    wire_.poll();
    const flow::ShardStats& s = wire_.stats();
    std::uint64_t closed = 0;
    for (const Counter& each : s.closed) closed += each.get();
    EXPECT_EQ(s.syn_received.get() + s.syn_cookies_accepted.get() + s.opened.get(), closed)
        << "a connection ended twice or never";
    EXPECT_EQ(s.half_open.get(), 0u);
    if (settings_changed_) return;  // an entry may end without a count when the hold becomes 0
    const std::uint64_t reopened =
        s.time_wait_reopened_timestamp.get() + s.time_wait_reopened_sequence.get();
    EXPECT_EQ(s.time_wait_opened.get() + s.time_wait_restored.get(),
              s.time_wait_expired.get() + s.time_wait_evicted.get() + s.time_wait_killed.get() +
                  s.time_wait_reused.get() + reopened)
        << "a TIME_WAIT entry ended twice or never";
  }

  FuzzInput& in_;
  Wire wire_;
  shard::ShardSettings more_settings_;
  bool settings_changed_ = false;
  Peer first_{wire_, 40'000}, second_{wire_, 40'001}, third_{wire_, 40'000, {kPeerIp.host + 1}},
      closed_{wire_, 40'002, kPeerIp, 81};
  Peer* const peers_[4] = {&first_, &second_, &third_, &closed_};
};

void run(FuzzInput in) {
  [[maybe_unused]] static const bool started = start_eal();
  ASSERT_TRUE(started);
  Session(in).run();
}

const Target kTarget("shard", run);

}  // namespace
}  // namespace mayfly::testing
