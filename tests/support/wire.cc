#include "support/wire.h"

#include <algorithm>

#include "base/endian.h"
#include "wire/emit.h"
#include "wire/icmp6.h"
#include "wire/layout.h"
#include "wire/parse.h"
#include "wire/print.h"

namespace mayfly::shard {

template class Shard<testing::MemPort, testing::ScriptApp>;

}  // namespace mayfly::shard

namespace mayfly::testing {

namespace {

using wire::ArpPacket;

constexpr Seq kFirstIss{0xffff'ff00u};  // the peer's sequence space wraps early in every test
constexpr std::size_t kEnoughRoom = 1'000'000;

std::string text_of(const Bytes& frame, const Segment& s) {
  return {reinterpret_cast<const char*>(frame.data()) + s.payload_off, s.payload_len};
}

/// PSH is advice, and no test here is about it.
std::uint8_t without_push(std::uint8_t flags) { return flags & ~wire::tcp_flag::psh; }

}  // namespace

Given::Given() {
  static unsigned made = 0;
  config.name = "wire" + std::to_string(made++);
  config.sizes = {.connections = 100, .time_wait = 100, .chunks = 16, .receive_buffers = 8};
  config.secret = {1, 2};
  config.pages = HugePages::never;
  link::Interface interface;
  interface.mac = kServerMac;
  interface.addresses = {{kServerIp, kServerIp, 15}};
  config.interfaces = {interface};
}

Wire::Wire(Given given)
    : settings(given.settings),
      answers_arp(given.answers_arp),
      buffers_at_start_(port.buffers),
      interface_(given.config.interfaces[0]) {
  MemPort* const ports[] = {&port};
  if (is_ipv6_run()) speak_ipv6(given.config.interfaces[0]);
  auto made = ScriptShard::create(given.config, ports, app, settings, now);
  if (!made) throw std::runtime_error(made.error().what);
  shard = std::move(*made);
  if (!given.peer_known) return;
  const Ipv4Address server = interface_.addresses[0].first;
  put(arp_frame({ArpPacket::Operation::request, kPeerMac, {}, kPeerIp, server}));
  if (is_ipv6_run()) tell_of(kPeerIp, server, false);
  poll();
  if (is_ipv6_run()) tell_of(kPeerIp, server, true);
  poll();
  arps.clear();
  arp_frames.clear();
}

Wire& Wire::use(const shard::ShardSettings& other) {
  later_.push_back({.shard = other, .number = later_.size() + 1});
  shard->use(later_.back());
  return *this;
}

Wire::~Wire() { everything_comes_home(); }

void Wire::everything_comes_home() {
  app.forget();
  use(settings);
  port.room = kEnoughRoom;
  shard->abort_all(now);
  poll();
  for (int i = 0; i < 10 && shard->time_wait_entries() > 0; ++i) leap(Duration::from_s(600));
  const flow::Connections& connections = shard->connections();
  EXPECT_EQ(connections.used(), 0u) << "connection blocks were lost";
  EXPECT_EQ(shard->time_wait_entries(), 0u) << "TIME_WAIT entries were lost";
  EXPECT_EQ(connections.tx().extents.used(), 0u) << "send extents were lost";
  EXPECT_EQ(connections.tx().chunks.used(), 0u) << "send chunks were lost";
  EXPECT_EQ(connections.rx().used(), 0u) << "receive buffers were lost";
  EXPECT_EQ(connections.table().used(), 0u) << "flows were lost";
  EXPECT_EQ(stats().rx_packets.get(),
            stats().rx_handled.get() + stats().rx_dropped() + stats().syn_backlog.get())
      << "a frame had no fate, or two";
  shard.reset();
  const auto arrived = static_cast<std::ptrdiff_t>(port.arrived.size());
  EXPECT_EQ(port.buffers + arrived, buffers_at_start_) << "frames were lost, or freed twice";
}

Wire& Wire::poll() {
  shard->poll(now);
  collect();
  return *this;
}

Wire& Wire::after(Duration span) {
  for (const Instant end = now + span; now < end;) {
    now = std::min(end, now + 1_ms);
    poll();
  }
  return *this;
}

Wire& Wire::leap(Duration span) {
  now = now + span;
  return poll();
}

void Wire::collect() {
  const auto sent = std::exchange(port.sent, {});
  for (const Bytes& frame : sent) sort_in(frame);
}

void Wire::sort_in(const Bytes& frame) {
  // Frames to any host of this wire; the parser only wants to know one MAC address.
  wire::ParseRules rules{{}, interface_.vlan, true};
  std::copy_n(reinterpret_cast<const std::uint8_t*>(frame.data()), 6, rules.mac.octets.begin());
  const wire::ParsedFrame p = parse_frame(frame, rules, {});
  switch (p.kind) {
    case wire::FrameKind::arp: return on_arp(frame, p.l3_off);
    case wire::FrameKind::icmp: return on_icmp(frame, p);
    case wire::FrameKind::tcp: break;
    case wire::FrameKind::other_protocol:
      EXPECT_TRUE(wire::ip_protocol::is_tunnel(p.protocol)) << wire::print_frame(frame);
      tunnelled.push_back(frame);
      return;
    case wire::FrameKind::problem:
      EXPECT_TRUE(wire::ip_protocol::is_tunnel(p.protocol)) << wire::print_frame(frame);
      tunnelled.push_back(frame);
      return;
    default: ADD_FAILURE() << "the shard sent " << wire::print_frame(frame); return;
  }
  const FlowKey4 key = p.is_ipv6() ? four_of(flow_key6(frame, p)) : p.key;
  Heard heard{key, p.segment, text_of(frame, p.segment), frame};
  for (Peer* peer : peers_)
    if (peer->key_ == key) return peer->hear(std::move(heard));
  strays.push_back(std::move(heard));
}

// Questions of neighbour discovery are answered as those of ARP.
void Wire::on_icmp(const Bytes& frame, const wire::ParsedFrame& parsed) {
  wire::Neighbour n;
  if (!parsed.is_ipv6() ||
      (frame[parsed.l4_off] != std::byte{135} && frame[parsed.l4_off] != std::byte{136})) {
    icmps.push_back(frame);
    return;
  }
  ASSERT_EQ(read_neighbour(frame, parsed, n), Drop::none);
  if (answers({n.target.low()}) && !n.is_advertisement)
    tell_of({n.target.low()}, {n.source.low()}, true);
}

bool Wire::answers(Ipv4Address host) const {
  return answers_arp && std::ranges::find(silent, host) == silent.end();
}

// A host of this wire solicits `to`, or answers it.
void Wire::tell_of(Ipv4Address host, Ipv4Address to, bool is_answer) {
  Bytes frame(18 + wire::kNeighbourSizeMax);
  const Ipv6Address source = six_of(host), target = is_answer ? source : six_of(to);
  frame.resize(wire::emit_neighbour(frame, {kServerMac, kPeerMac, interface_.vlan},
                                    {.source = source,
                                     .destination = six_of(to),
                                     .target = target,
                                     .mac = kPeerMac,
                                     .flags = is_answer ? 0x6000'0000u : 0,
                                     .is_advertisement = is_answer}));
  put(frame);
}

void Wire::on_arp(const Bytes& frame, std::size_t l3_off) {
  const ArpPacket arp = wire::read_arp(frame, l3_off);
  const bool gratuitous = arp.sender_ip == arp.target_ip;
  if (answers(arp.target_ip) && arp.operation == ArpPacket::Operation::request && !gratuitous) {
    put(arp_frame(
        {ArpPacket::Operation::reply, kPeerMac, arp.sender_mac, arp.target_ip, arp.sender_ip}));
    return;
  }
  arps.push_back(arp);
  arp_frames.push_back(frame);
}

Bytes Wire::link_header(std::uint16_t ethertype, MacAddress to) const {
  Bytes frame(18);
  frame.resize(wire::emit_link(frame.data(), {to, kPeerMac, interface_.vlan}, ethertype));
  return frame;
}

Bytes Wire::arp_frame(const ArpPacket& arp, MacAddress to) const {
  Bytes frame(60);
  emit_arp(frame, {to, arp.sender_mac, interface_.vlan}, arp);
  return frame;
}

Bytes Wire::icmp_frame(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const Bytes& body,
                       Ipv4Address from, Ipv4Address to) const {
  Bytes frame(46 + body.size());
  frame.resize(emit_icmp(frame, {kServerMac, kPeerMac, interface_.vlan}, from, to, type, code, rest,
                         body, 1));
  return frame;
}

Peer::Peer(Wire& wire, std::uint16_t port, Ipv4Address ip, std::uint16_t server_port)
    : wire_(wire), key_(FlowKey4::of(ip, port, wire.interface_.addresses[0].first, server_port)) {
  again(kFirstIss);
  wire_.peers_.push_back(this);
}

Peer::~Peer() { std::erase(wire_.peers_, this); }

Peer& Peer::again(Seq iss) {
  iss_ = next_ = iss;
  irs_ = heard_ = text_asked_ = Seq{};
  inbox.clear();
  return *this;
}

FlowKey4 Peer::shard_key() const {
  return FlowKey4::of(key_.remote(), key_.remote_port_host(), key_.local(), key_.local_port_host());
}

Bytes Peer::frame(const Said& s) const {
  Emission e;
  e.flags = s.flags;
  e.seq = s.seq_at ? Seq{iss_.raw + 1 + static_cast<std::uint32_t>(*s.seq_at)} : next_;
  if (e.has(wire::tcp_flag::ack))
    e.ack = s.ack_at ? Seq{irs_.raw + 1 + static_cast<std::uint32_t>(*s.ack_at)} : heard_;
  e.window = s.window_field.value_or(window);
  e.payload_len = static_cast<std::uint32_t>(s.text.size());
  if (s.mss_value) e.options |= wire::tcp_option::mss, e.mss = *s.mss_value;
  if (s.scale) e.options |= wire::tcp_option::window_scale, e.window_scale = *s.scale;
  if (s.ts || clock)
    e.options |= wire::tcp_option::timestamps,
        e.ts = s.ts.value_or(wire::Timestamps{clock.value_or(0), echo_});
  const wire::LinkHeader link{kServerMac, kPeerMac, wire_.interface_.vlan};
  const std::size_t payload_at =
      is_ipv6_run() ? tcp6_payload_offset(link, e) : tcp_payload_offset(link, e);
  Bytes frame(payload_at + s.text.size());
  std::copy_n(bytes_of(s.text).begin(), s.text.size(),
              frame.begin() + static_cast<std::ptrdiff_t>(payload_at));
  if (is_ipv6_run()) {
    emit_tcp6(frame, link, six_of(key_), e, wire::ChecksumBy::software);
    return frame;
  }
  emit_tcp(frame, link, key_, e, 1, wire::ChecksumBy::software, wire::ChecksumBy::software);
  return frame;
}

Peer& Peer::puts(const Said& s) {
  wire_.put(frame(s));
  const std::uint32_t fins = (s.flags & wire::tcp_flag::fin) != 0 ? 1 : 0;
  const std::uint32_t syns = (s.flags & wire::tcp_flag::syn) != 0 ? 1 : 0;
  const Seq from = s.seq_at ? Seq{iss_.raw + 1 + static_cast<std::uint32_t>(*s.seq_at)} : next_;
  next_ = later_of(next_, from + static_cast<std::uint32_t>(s.text.size()) + fins + syns);
  return *this;
}

Peer& Peer::sends(const Said& s) {
  puts(s);
  wire_.poll();
  return *this;
}

Peer& Peer::opens(const Said& offer) {
  sends(offer);
  if (inbox.empty()) {
    ADD_FAILURE() << "no SYN-ACK";
    return *this;
  }
  inbox.clear();
  return sends(ack());
}

Peer& Peer::answers(Where where) {
  gets(syn(), where);
  return sends(syn_ack().mss(1'460)).gets(ack(), where);
}

void Peer::hear(Heard heard) {
  const Segment& s = heard.segment;
  if (s.has(wire::tcp_flag::syn)) {
    irs_ = s.seq;
    heard_ = text_asked_ = s.seq + 1;
  } else if (s.seq == heard_ && !s.has(wire::tcp_flag::rst)) {
    heard_ = s.end();
  }
  if (s.carries(wire::tcp_option::timestamps)) echo_ = s.ts.val;
  inbox.push_back(std::move(heard));
}

Peer& Peer::gets(const Said& expected, Where where) {
  const auto fail = [&](const std::string& why) {
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line())) << why;
  };
  if (inbox.empty()) {
    fail("the shard said nothing");
    return *this;
  }
  const Heard heard = std::move(inbox.front());
  inbox.pop_front();
  const Segment& s = heard.segment;
  const std::string shown = ": " + wire::print_frame(heard.frame);
  if (without_push(s.flags) != expected.flags)
    fail("expected " + wire::flags_to_string(expected.flags) + shown);
  if (heard.text != expected.text)
    fail("expected the text \"" + expected.text.substr(0, 80) + "\"" + shown);
  const auto expect = [&](const char* what, auto wanted, std::int64_t is) {
    if (wanted && std::int64_t{*wanted} != is)
      fail(std::string(what) + " should be " + std::to_string(*wanted) + ", is " +
           std::to_string(is) + shown);
  };
  expect("seq", expected.seq_at, s.seq - (irs_ + 1));
  expect("ack", expected.ack_at, s.ack - (iss_ + 1));
  expect("window", expected.window_field, s.window);
  if (expected.ts) expect("TSecr", std::optional(std::int64_t{expected.ts->echo}), s.ts.echo);
  return *this;
}

Peer& Peer::gets_nothing(Where where) {
  if (!inbox.empty())
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "the shard said " << wire::print_frame(inbox.front().frame);
  inbox.clear();
  return *this;
}

std::string Peer::gets_text() {
  std::string all;
  for (const Heard& heard : inbox) {
    const std::int32_t skip = text_asked_ - heard.segment.seq;
    const auto size = static_cast<std::int32_t>(heard.text.size());
    if (skip < 0 || skip >= size) continue;
    all += heard.text.substr(static_cast<std::size_t>(skip));
    text_asked_ += static_cast<std::uint32_t>(size - skip);
  }
  inbox.clear();
  return all;
}

}  // namespace mayfly::testing
