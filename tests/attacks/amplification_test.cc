// What is sent in answer to strangers: never much more than they sent, and to nobody for ever.
#include <gtest/gtest.h>

#include "base/endian.h"
#include "siege.h"
#include "support/wire.h"
#include "wire/checksum.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

struct Flood {
  const char* name;
  void (*one)(Attacker&);
  double bytes_at_most;  ///< for each byte that came in
};

void PrintTo(const Flood& flood, std::ostream* out) { *out << flood.name; }

void sends_flags(Attacker& a, std::uint8_t flags, std::uint16_t port) {
  const FlowKey4 any = a.any_flow();
  const FlowKey4 key = a.flow(any.local(), any.local_port_host(), port);
  a.sends(key, Attacker::segment(flags, static_cast<std::uint32_t>(a.random.next()), 7));
}

/// A TCP frame from a stranger made into one of another protocol.
void sends_protocol(Attacker& a, std::uint8_t protocol) {
  std::vector<std::byte> frame(60);
  const wire::LinkHeader link{kTargetMac, kRouterMac, 0};
  emit_tcp(frame, link, a.any_flow(), Attacker::segment(wire::tcp_flag::ack, 1, 1), 0,
           wire::ChecksumBy::software, wire::ChecksumBy::software);
  std::byte* ip = &frame[wire::kEthernetHeaderSize];
  ip[9] = std::byte{protocol};
  store_be16(ip + 10, 0);
  store_be16(ip + 10, wire::checksum_finish(wire::checksum_add({ip, 20})));
  a.sends(frame);
}

void sends_echo(Attacker& a) {
  std::array<std::byte, 1'500> frame{};
  const std::array<std::byte, 400> data{};
  const wire::LinkHeader link{kTargetMac, kRouterMac, 0};
  const std::size_t length = emit_icmp(frame, link, a.stranger(), kTarget, 8, 0, 1, data, 0);
  a.sends(std::span(frame).first(length));
}

void sends_noise(Attacker& a) {
  std::array<std::byte, 200> frame;
  a.random.fill(frame);
  std::memcpy(frame.data(), kTargetMac.octets.data(), 6);
  store_be16(&frame[wire::ethernet_at::type], wire::ethertype::ipv4);
  a.sends(frame);
}

const Flood kFloods[] = {
    {"SynToAClosedPort", [](Attacker& a) { sends_flags(a, wire::tcp_flag::syn, 81); }, 1.0},
    {"Ack", [](Attacker& a) { sends_flags(a, wire::tcp_flag::ack, 80); }, 1.0},
    {"Fin", [](Attacker& a) { sends_flags(a, wire::tcp_flag::fin | wire::tcp_flag::ack, 80); },
     1.0},
    {"SynAck", [](Attacker& a) { sends_flags(a, wire::tcp_flag::syn | wire::tcp_flag::ack, 80); },
     1.0},
    {"Rst", [](Attacker& a) { sends_flags(a, wire::tcp_flag::rst, 80); }, 0.0},
    {"Christmas", [](Attacker& a) { sends_flags(a, 0xff, 80); }, 0.0},
    {"NoFlags", [](Attacker& a) { sends_flags(a, 0, 80); }, 0.0},
    {"Udp", [](Attacker& a) { sends_protocol(a, wire::ip_protocol::udp); }, 0.3},
    {"OtherProtocol", [](Attacker& a) { sends_protocol(a, 47); }, 0.3},
    {"Echo", sends_echo, 1.0},
    {"Noise", sends_noise, 0.0},
};

class Amplification : public ::testing::TestWithParam<Flood> {};

TEST_P(Amplification, IsNone) {
  Siege siege;
  for (int i = 0; i < 5'000; ++i) {
    GetParam().one(*siege.attacker);
    if (i % 5 == 0) siege.simulation.run_for(1_ms);
  }
  siege.simulation.run_for(300_s);  // what would be sent again
  const Attacker& a = *siege.attacker;
  EXPECT_LE(static_cast<double>(a.bytes_in),
            GetParam().bytes_at_most * static_cast<double>(a.bytes_out));
  EXPECT_EQ(siege.server->shard().open_connections(), 0u);
  EXPECT_TRUE(siege.visit(5, 10_s));
  EXPECT_EQ(siege.visitor_app.answered, 5u);
}

INSTANTIATE_TEST_SUITE_P(Of, Amplification, ::testing::ValuesIn(kFloods),
                         [](const auto& flood) { return flood.param.name; });

TEST(AnswersToStrangers, EndWithTheRetriesOfTheSynAck) {
  Siege siege;
  siege.attacker->sends(siege.attacker->any_flow(), Attacker::syn(1));
  siege.simulation.run_for(600_s);
  EXPECT_EQ(siege.attacker->frames_in, 1u + siege.settings.tcp.syn_ack_retries);
  EXPECT_EQ(siege.stats().half_open.get(), 0u);
}

TEST(AnswersToStrangers, ToEchoesAreLimitedInRate) {
  Siege siege;
  for (int i = 0; i < 5'000; ++i) sends_echo(*siege.attacker);
  siege.simulation.run_for(1_ms);
  EXPECT_LE(siege.attacker->frames_in, 1'100u);
  EXPECT_GE(siege.drops(Drop::icmp_rate_limited), 3'900u);
}

/// A SYN that says it comes from `from`.
Bytes syn_from(Ipv4Address from) {
  Bytes frame(54);
  Emission e;
  e.seq = Seq{1};
  e.flags = wire::tcp_flag::syn;
  e.window = 1'000;
  emit_tcp(frame, {kServerMac, kPeerMac}, FlowKey4::of(from, 80, kServerIp, 80), e, 1,
           wire::ChecksumBy::software, wire::ChecksumBy::software);
  return frame;
}

TEST(Land, TheServerDoesNotTalkToItself) {
  Wire wire;
  const std::uint64_t sent = wire.stats().tx_packets.get();
  for (int i = 0; i < 100; ++i) wire.put(syn_from(kServerIp));
  wire.after(5_s);
  EXPECT_EQ(wire.drops(Drop::ip_source_invalid), 100u);
  EXPECT_EQ(wire.stats().tx_packets.get(), sent);
  EXPECT_EQ(wire.stats().syn_received.get(), 0u);
}

TEST(Land, NorToEverybody) {  // RFC 9293 MUST-57: an answer would go to the whole link
  Wire wire;
  const std::uint64_t sent = wire.stats().tx_packets.get();
  for (const std::uint32_t from : {0xc613'ffffu, 0xffff'ffffu, 0xe000'0001u, 0x7f00'0001u, 0u})
    wire.put(syn_from({from}));
  wire.after(5_s);
  EXPECT_EQ(wire.drops(Drop::ip_source_invalid), 5u);
  EXPECT_EQ(wire.stats().tx_packets.get(), sent);
}

}  // namespace
}  // namespace mayfly::testing
