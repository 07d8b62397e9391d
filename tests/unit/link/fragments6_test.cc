// What becomes of an IPv6 echo request in pieces (RFC 8200 4.5). The cases are those that OpenBSD's
// regress/sys/netinet6/frag6 and rh0 and FreeBSD's tests/sys/netinet6/frag6 look at, put anew, each
// with its clause. Where they and the RFC part, the RFC is followed, and the case says so.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/endian.h"
#include "link_ipv6_fixture.h"

namespace mayfly::testing {
namespace {

constexpr std::uint8_t kIcmp6 = 58, kUdp = 17, kOptions = 60, kHopByHop = 0, kRouting = 43;
constexpr std::uint8_t kNone = 59, kFragmentNext = 44;
constexpr std::size_t kUnitSize = 8;

/// The echo request that is cut: a header of one unit, and two units of data.
Frame echo_message() {
  const Frame frame = icmp6_frame(128, 0, 0x0007'0001, text("ABCDEFGHIJKLMNOP"));
  return Frame(frame.begin() + 54, frame.end());
}
Frame cut(const Frame& whole, std::size_t first, std::size_t end) {
  const auto at = [&](std::size_t n) {
    return whole.begin() + static_cast<std::ptrdiff_t>(std::min(n, whole.size()));
  };
  return Frame(at(first), at(end));
}

/// One fragment; offsets and lengths are in octets.
struct Piece {
  std::size_t offset = 0;
  bool more = false;
  Frame data;
  std::uint8_t next = kIcmp6;
  Frame before;  // headers in front of the fragment header, the first of type `first_next`
  std::uint8_t first_next = kFragmentNext;
  std::uint32_t id = 7;
  Frame padding;

  Frame build() const {
    return Ipv6Frame{.next = first_next,
                     .chain = before + fragment_header(next, offset, more, id),
                     .payload = data,
                     .padding = padding}
        .build();
  }
};
/// Units first..end - 1 of the message, with the M flag if it does not end there.
Piece units(std::size_t first, std::size_t end, const Frame& whole = echo_message(),
            std::uint8_t next = kIcmp6) {
  return {.offset = first * kUnitSize,
          .more = end * kUnitSize < whole.size(),
          .data = cut(whole, first * kUnitSize, end * kUnitSize),
          .next = next};
}
Piece with_flag(Piece piece, bool more) {
  piece.more = more;
  return piece;
}

struct FragmentCase {
  const char* name;
  std::vector<Piece> pieces;
  const char* said;
};

class Fragments6Test : public LinkIpv6Test {
 protected:
  /// What was sent, a word for each message: "reply", or type, code and pointer of an error.
  std::string said() {
    std::string all;
    for (const Frame& frame : sent()) {
      const std::string line = wire::print_frame(frame);
      const auto parsed = wire::overhear(frame);
      EXPECT_EQ(parsed.kind, wire::FrameKind::icmp) << line;
      const int type = std::to_integer<int>(frame[54]), code = std::to_integer<int>(frame[55]);
      if (!all.empty()) all += ' ';
      if (type == 129) {
        EXPECT_EQ(cut(frame, 62, frame.size()), text("ABCDEFGHIJKLMNOP"));
        all += "reply";
      } else {
        all += std::to_string(type) + "." + std::to_string(code) + "@" +
               std::to_string(load_be32(&frame[58]));
      }
    }
    return all;
  }
  /// What is said of these pieces.
  std::string of(const std::vector<Piece>& pieces) {
    know_peer6();
    for (const Piece& piece : pieces) arrives(piece.build());
    return said();
  }
  /// Each case has an identification of its own.
  void check(std::vector<FragmentCase> cases) {
    std::uint32_t id = 100;
    for (FragmentCase& c : cases) {
      ++id;
      for (Piece& piece : c.pieces) piece.id = id;
      EXPECT_EQ(of(c.pieces), c.said) << c.name;
    }
  }
};

TEST_F(Fragments6Test, ComeInAnyOrder) {  // frag6, frag6_permute: RFC 8200 4.5
  std::vector<int> order{0, 1, 2};
  do {
    std::vector<Piece> pieces;
    for (const int i : order) {
      pieces.push_back(units(static_cast<std::size_t>(i), static_cast<std::size_t>(i) + 1));
      pieces.back().id = static_cast<std::uint32_t>(order[0] * 9 + order[1] * 3 + order[2]);
    }
    EXPECT_EQ(of(pieces), "reply") << order[0] << order[1] << order[2];
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(Fragments6Test, ThatOverlapAreAllDropped) {  // RFC 5722 4, RFC 8200 4.5
  const Frame other = text("0123456701234567");
  const Piece dummy{.offset = 8, .more = false, .data = other};
  check({
      {"frag6_overhead", {units(0, 1), units(1, 2), dummy, units(2, 3)}, ""},
      {"frag6_overhead0", {units(0, 1), with_flag(dummy, true), units(1, 2), units(2, 3)}, ""},
      {"frag6_overhead1", {units(0, 2), units(1, 2), units(2, 3)}, ""},
      {"frag6_overtail", {units(2, 3), with_flag(dummy, true), units(0, 1), units(1, 2)}, ""},
      {"frag6_overtail0", {units(1, 3), with_flag(units(0, 2), true), units(0, 1)}, ""},
      {"frag6_overtail1", {units(1, 3), with_flag(units(1, 2), true), units(0, 1)}, ""},
      {"frag6_overdrop",
       {units(0, 1), units(1, 2), dummy, units(0, 1), units(1, 2), units(2, 3)},
       ""},
      {"frag6_mf0long", {units(1, 3), {.offset = 16, .data = other}, units(0, 1)}, ""},
      {"frag6_mf0short", {units(1, 3), with_flag(units(1, 2), false), units(0, 1)}, ""},
      {"frag6_mf0middle", {units(0, 2), with_flag(units(1, 2), false), units(2, 3)}, ""},
      {"frag6_mf1end", {units(1, 3), with_flag(units(2, 3), true), units(0, 1)}, ""},
      {"two ends", {units(1, 3), with_flag(units(0, 1), false), units(0, 1)}, "reply"},
  });
}

TEST_F(Fragments6Test, ThatAreExactCopiesDoNoHarm) {  // RFC 8200 4.5: duplicated in the network
  check({{"the first", {units(0, 1), units(0, 1), units(1, 3)}, "reply"},
         {"one in the middle", {units(1, 2), units(1, 2), units(0, 1), units(2, 3)}, "reply"},
         {"the last", {units(1, 3), units(1, 3), units(0, 1)}, "reply"},
         // FreeBSD's frag6_20: the header of the first one stays what it was.
         {"the first behind other headers",
          {units(0, 1),
           {.more = true,
            .data = cut(echo_message(), 0, 8),
            .before = padding_header(kFragmentNext),
            .first_next = kOptions},
           units(1, 3)},
          "reply"}});
}

TEST_F(Fragments6Test, ThatAreWholePacketsAreTakenApart) {  // RFC 6946 4
  const Piece atomic{.data = echo_message()};
  const Frame behind_options = padding_header(kIcmp6) + echo_message();
  Piece short_one = with_flag(units(0, 1, behind_options, kOptions), false);
  check({{"alone", {atomic}, "reply"},
         {"frag6_overatomic",
          {units(0, 1), units(1, 2), {.offset = 8, .data = text("01234567")}, atomic},
          "reply"},
         {"frag6_mf0atomic", {units(0, 2), with_flag(units(0, 1), false), units(2, 3)}, "reply"},
         {"frag6_shortatomic",
          {units(0, 3, behind_options, kOptions), short_one, units(3, 4, behind_options, kOptions)},
          "reply"}});
}

TEST_F(Fragments6Test, WithoutAPayloadAreSkipped) {  // RFC 8200 4.5: nothing is in them
  check({{"frag6_zerofirst", {{.more = true, .next = kNone}, units(0, 2), units(2, 3)}, "reply"},
         {"frag6_zerosecond",
          {units(0, 2), {.offset = 16, .more = true, .next = kNone}, units(2, 3)},
          "reply"}});
}

TEST_F(Fragments6Test, MayHaveHeadersInFrontAndPaddingBehind) {
  Piece first = units(0, 2), second = units(2, 3);
  first.before = padding_header(kFragmentNext), first.first_next = kHopByHop;
  second.before = bytes({kOptions, 3, 1, 28}) + Frame(28) + padding_header(kFragmentNext);
  second.first_next = kHopByHop;
  Piece padded = units(0, 2), padded_last = units(2, 3);
  padded.padding = padded_last.padding = text("0123");
  check({{"frag6_ext", {first, units(2, 3)}, "reply"},
         {"frag6_ext2long", {units(0, 2), second}, "reply"},
         {"frag6_padding", {padded, padded_last}, "reply"}});
}

TEST_F(Fragments6Test, HaveAllHeadersInTheFirst) {  // RFC 7112 5, younger than some of these cases
  const Frame long_options = bytes({kIcmp6, 2, 1, 12}) + Frame(12) + bytes({1, 6}) + Frame(6);
  const Frame opt = long_options + echo_message();
  const Frame routed = padding_header(kRouting) + routing_header(kIcmp6, 0, 0) + echo_message();
  check({{"frag6_opt: OpenBSD answers the echo",
          {units(0, 1, opt, kOptions), units(1, 6, opt, kOptions)},
          "4.3@0"},
         {"rh0_frag2: OpenBSD answers the echo",
          {units(0, 1, routed, kOptions), units(1, 5, routed, kOptions)},
          "4.3@0"},
         {"no header at all", {{.more = true}}, "4.3@0"}});
}

TEST_F(Fragments6Test, AreReadOnBehindTheFragmentHeader) {
  const Frame hop = padding_header(kIcmp6) + echo_message();
  const Frame used_up = routing_header(kIcmp6, 0, 0) + echo_message();
  const Frame route = routing_header(kIcmp6, 0, 1) + echo_message();
  check(
      {// RFC 8200 4.1: hop-by-hop options come first. The pointer is at what names them.
       {"frag6_hop", {units(0, 3, hop, kHopByHop), units(3, 4, hop, kHopByHop)}, "4.1@40"},
       // RFC 8200 4.4: nothing is left to be done, so that the header is passed over.
       {"rh0_frag_final: OpenBSD sends 4.0@50",
        {units(0, 2, used_up, kRouting), units(2, 4, used_up, kRouting)},
        "reply"},
       {"rh0_frag_route", {units(0, 2, route, kRouting), units(2, 4, route, kRouting)}, "4.0@50"}});
}

TEST_F(Fragments6Test, ThatEndBeyondTheLongestPacketAreAnsweredAtTheirOffset) {  // RFC 8200 4.5
  const Piece beyond{.offset = 65'528, .data = text("ABCDEFGH")};
  check({{"frag6_maxpacket0", {beyond, units(0, 2), units(2, 3)}, "4.0@42 reply"},
         {"frag6_maxpacket", {units(0, 2), beyond, units(2, 3)}, "4.0@42 reply"}});
  // frag6_maxlen: Mayfly has room for 1,888 octets, of 65,535 that are allowed.
  EXPECT_EQ(arrives(Piece{.offset = 65'520, .data = text("ABCDEFGH"), .id = 9}.build()),
            Drop::frame_chained);
}

TEST_F(Fragments6Test, OfOddLengthAreAnsweredAtTheLength) {  // RFC 8200 4.5; FreeBSD's frag6_06
  check({{"more follow", {{.more = true, .data = cut(echo_message(), 0, 15)}}, "4.0@4"},
         {"the last may be", {units(0, 2), {.offset = 16, .data = text("x")}}, ""}});
}

TEST_F(Fragments6Test, OfUdpAreAnsweredAsOnePacket) {  // frag6_udpheader, frag6_udppayload
  Frame udp = hex("9c 40 00 35 00 18 00 00") + text("ABCDEFGHIJKLMNOP");
  const std::uint16_t sum = checksum6(kPeerIp6, kOurIp6, kUdp, udp);
  put16(udp, 6, sum);
  check({{"behind the header", {units(0, 1, udp, kUdp), units(1, 3, udp, kUdp)}, "1.4@0"},
         {"in the payload", {units(0, 2, udp, kUdp), units(2, 3, udp, kUdp)}, "1.4@0"},
         {"frag6_udpatomic", {{.data = udp, .next = kUdp}}, "1.4@0"}});
}

TEST_F(Fragments6Test, ThatOthersDoNotFollowAreToldOfAfterAMinute) {  // frag6_timeout: RFC 8200 4.5
  const Frame first = units(0, 2).build();
  know_peer6();
  arrives(first);
  after(59_s);
  EXPECT_EQ(said(), "");
  arrives(advertisement());  // else the neighbour is asked first, whether it is still there
  after(2_s);
  const Frame told = sent_one();
  EXPECT_EQ(std::to_integer<int>(told[54]), 3);
  EXPECT_EQ(std::to_integer<int>(told[55]), 1);
  EXPECT_EQ(cut(told, 62, told.size()), cut(first, 14, first.size()));  // quoted as it came
  EXPECT_EQ(drops(Drop::fragment_timeout), 1u);
}

TEST_F(Fragments6Test, NobodyIsToldOfALateOneWithoutTheFirstOrOfAnOverlap) {  // RFC 8200 4.5
  know_peer6();
  arrives(units(1, 3).build());
  Piece overlapped = units(0, 2), over = units(1, 2);
  overlapped.id = over.id = 8;
  arrives(overlapped.build());
  arrives(over.build());
  Piece to_group = units(0, 2);
  to_group.id = 9;
  Frame frame = to_group.build();
  std::ranges::copy(wire::group_mac(wire::solicited_node(kOurIp6)).octets,
                    reinterpret_cast<std::uint8_t*>(frame.data()));
  arrives(frame);
  after(61_s);
  EXPECT_EQ(said(), "");
  EXPECT_EQ(drops(Drop::fragment_timeout), 2u);
}

TEST_F(Fragments6Test, LateOnesAreToldOfWithinTheLimit) {  // frag6_queuelimit; RFC 4443 2.4 (f)
  know_peer6();
  for (std::uint32_t id = 0; id < 100; ++id) {
    Piece piece = units(0, 2);
    piece.id = id;
    arrives(piece.build());
  }
  EXPECT_EQ(drops(Drop::fragment_table_full), 36u);
  after(59_s);
  sent();
  arrives(advertisement());
  after(2_s);
  EXPECT_EQ(drops(Drop::fragment_timeout), 64u);
  EXPECT_EQ(drops(Drop::icmp_rate_limited), 14u);
}

TEST_F(Fragments6Test, AnEchoThatIsTooLongForAPacketComesBackInPieces) {  // RFC 4443 4.2 (MUST)
  const Frame data(1'800, std::byte{0x5a});
  const Frame frame = icmp6_frame(128, 0, 0x0007'0001, data);
  const Frame message(frame.begin() + 54, frame.end());
  std::set<std::uint32_t> identifications;
  for (std::uint32_t id = 1; id <= 3; ++id) {
    know_peer6();
    for (const std::size_t first : {0u, 128u}) {
      Piece piece = units(first, first == 0 ? 128 : 226, message);
      piece.id = id;
      arrives(piece.build());
    }
    const std::vector<Frame> pieces = sent();
    ASSERT_EQ(pieces.size(), 2u);
    Frame reply;
    for (const Frame& piece : pieces) {
      EXPECT_LE(piece.size(), 1'514u);
      EXPECT_EQ(std::to_integer<int>(piece[20]), 44);
      EXPECT_EQ(load_be16(&piece[56]), reply.size() | (reply.empty() ? 1 : 0));  // offset, M
      identifications.insert(load_be32(&piece[58]));
      reply = reply + cut(piece, 62, piece.size());
    }
    ASSERT_EQ(reply.size(), message.size());
    EXPECT_EQ(std::to_integer<int>(reply[0]), 129);
    EXPECT_EQ(cut(reply, 8, reply.size()), data);
    Frame summed = reply;
    put16(summed, 2, 0);
    EXPECT_EQ(load_be16(&reply[2]), checksum6(kOurIp6, kPeerIp6, kIcmp6, summed));
  }
  EXPECT_EQ(identifications.size(), 3u);
  EXPECT_NE(*identifications.rbegin() - *identifications.begin(), 2u);  // not a count (RFC 7739)
}

}  // namespace
}  // namespace mayfly::testing
