#include "wire/print.h"

#include <gtest/gtest.h>

#include "unit/wire/frames.h"

namespace mayfly::testing {
namespace {

using wire::flags_to_string;
using wire::print_frame;

TEST(Print, Addresses) {
  EXPECT_EQ(to_string(kOurIp), "198.18.0.1");
  EXPECT_EQ(to_string(Ipv4Address{0xffff'ffff}), "255.255.255.255");
  EXPECT_EQ(to_string(MacAddress{{0x02, 0, 0xab, 0, 0, 0x01}}), "02:00:ab:00:00:01");
}

TEST(Print, Flags) {
  EXPECT_EQ(flags_to_string(wire::tcp_flag::syn), "S");
  EXPECT_EQ(flags_to_string(wire::tcp_flag::syn | wire::tcp_flag::ack), "S.");
  EXPECT_EQ(flags_to_string(wire::tcp_flag::ack), ".");
  EXPECT_EQ(flags_to_string(wire::tcp_flag::psh | wire::tcp_flag::ack), "P.");
  EXPECT_EQ(flags_to_string(wire::tcp_flag::fin | wire::tcp_flag::psh | wire::tcp_flag::ack),
            "FP.");
  EXPECT_EQ(flags_to_string(wire::tcp_flag::rst | wire::tcp_flag::ack), "R.");
  EXPECT_EQ(flags_to_string(0xff), "FSRP.UEW");
  EXPECT_EQ(flags_to_string(0), "none");
}

TEST(PrintFrame, ASynWithItsOptions) {
  const Frame options = hex("02 04 05 b4  04 02  08 0a 00 00 00 09 00 00 00 00  01  03 03 07");
  EXPECT_EQ(print_frame(tcp_frame(
                {.seq = 1, .flags = wire::tcp_flag::syn, .window = 64240, .options = options})),
            "198.18.1.1.40000 > 198.18.0.1.80: Flags [S], seq 1, win 64240, "
            "options [mss 1460,sackOK,TS val 9 ecr 0,nop,wscale 7], length 0");
}

TEST(PrintFrame, DataAndWhereItEnds) {
  EXPECT_EQ(print_frame(tcp_frame({.seq = 0xffff'ffff,
                                   .ack = 7,
                                   .flags = wire::tcp_flag::psh | wire::tcp_flag::ack,
                                   .payload = text("hello")})),
            "198.18.1.1.40000 > 198.18.0.1.80: Flags [P.], seq 4294967295:4, ack 7, win 501, "
            "length 5");
}

TEST(PrintFrame, APureAckWithoutItsSequenceNumber) {
  EXPECT_EQ(print_frame(tcp_frame({.ack = 7})),
            "198.18.1.1.40000 > 198.18.0.1.80: Flags [.], ack 7, win 501, length 0");
}

TEST(PrintFrame, SackBlocksAndUnknownOptions) {
  const Frame options = hex("05 12 00000001 00000002 00000003 00000004 fe 02 00 00 00 00");
  EXPECT_EQ(print_frame(tcp_frame({.ack = 7, .options = options})),
            "198.18.1.1.40000 > 198.18.0.1.80: Flags [.], ack 7, win 501, "
            "options [sack 2 {1:2}{3:4},unknown-254,eol], length 0");
}

TEST(PrintFrame, RelativeSequenceNumbersWhereOriginsAreGiven) {
  const wire::SeqOrigins origins{{0xffff'fff0}, {100}};
  const Frame options = hex("05 0a 0000006e 00000078 01 01");
  EXPECT_EQ(print_frame(tcp_frame({.seq = 0xffff'fff1, .ack = 105, .options = options}), origins),
            "198.18.1.1.40000 > 198.18.0.1.80: Flags [.], seq 1, ack 5, win 501, "
            "options [sack 1 {10:20},nop,nop], length 0");
  EXPECT_EQ(
      print_frame(tcp_frame({.seq = 0xffff'ffff, .ack = 100, .payload = text("hello")}), origins),
      "198.18.1.1.40000 > 198.18.0.1.80: Flags [.], seq 15:20, ack 0, win 501, length 5");
}

TEST(PrintFrame, AnUrgentPointer) {
  EXPECT_EQ(print_frame(tcp_frame(
                {.ack = 7, .flags = wire::tcp_flag::ack | wire::tcp_flag::urg, .urgent = 3})),
            "198.18.1.1.40000 > 198.18.0.1.80: Flags [.U], ack 7, win 501, urg 3, length 0");
}

TEST(PrintFrame, WhateverItsMacAddressAndTag) {
  EXPECT_EQ(print_frame(tcp_frame({.ack = 7}, {.mac = kPeerMac, .vlan_tag = 12})),
            "198.18.1.1.40000 > 198.18.0.1.80: Flags [.], ack 7, win 501, length 0");
}

TEST(PrintFrame, Arp) {
  EXPECT_EQ(print_frame(arp_frame()), "ARP, Request who-has 198.18.0.1 tell 198.18.1.1");
  Frame reply = arp_frame();
  put16(reply, 20, 2);
  EXPECT_EQ(print_frame(reply), "ARP, Reply 198.18.1.1 is-at 02:00:00:00:00:02");
}

TEST(PrintFrame, Icmp) {
  EXPECT_EQ(print_frame(icmp_frame(text("echo"))),
            "198.18.1.1 > 198.18.0.1: ICMP echo request, length 12");
  Frame unreachable = bytes({3, 4, 0, 0, 0, 0, 0, 0});
  put16(unreachable, 2, plain_checksum(unreachable));
  EXPECT_EQ(print_frame(Ipv4Frame{.protocol = 1, .payload = unreachable}.build()),
            "198.18.1.1 > 198.18.0.1: ICMP destination unreachable code 4, length 8");
}

TEST(PrintFrame, TheNameOfEachIcmpMessage) {
  const auto named = [](unsigned type) {
    Frame message(8);
    message[0] = static_cast<std::byte>(type);
    message[1] = std::byte{1};
    put16(message, 2, plain_checksum(message));
    const std::string all = print_frame(Ipv4Frame{.protocol = 1, .payload = message}.build());
    const std::size_t from = all.find("ICMP ") + 5;
    return all.substr(from, all.rfind(',') - from);
  };
  EXPECT_EQ(named(0), "echo reply");
  EXPECT_EQ(named(3), "destination unreachable code 1");
  EXPECT_EQ(named(5), "redirect code 1");
  EXPECT_EQ(named(8), "echo request");
  EXPECT_EQ(named(11), "time exceeded code 1");
  EXPECT_EQ(named(12), "parameter problem code 1");
  EXPECT_EQ(named(13), "type 13 code 1");
}

TEST(PrintFrame, OtherDatagrams) {
  EXPECT_EQ(print_frame(Ipv4Frame{.protocol = 17, .payload = hex("9c4000350008 0000")}.build()),
            "198.18.1.1.40000 > 198.18.0.1.53: UDP, length 8");
  EXPECT_EQ(print_frame(Ipv4Frame{.protocol = 47, .payload = Frame(3)}.build()),
            "198.18.1.1 > 198.18.0.1: protocol 47, length 3");
  EXPECT_EQ(print_frame(Ipv4Frame{.fragment = 0x2002, .payload = Frame(8)}.build()),
            "198.18.1.1 > 198.18.0.1: fragment of id 4660, protocol 6, offset 16+, length 8");
}

TEST(PrintFrame, AFrameThatCannotBeParsed) {
  EXPECT_EQ(print_frame({}), "drop frame_short, 0 bytes");
  Frame frame = tcp_frame({});
  frame.back() ^= std::byte{1};
  EXPECT_EQ(print_frame(frame), "drop tcp_checksum, 54 bytes");
}

}  // namespace
}  // namespace mayfly::testing
