// A SYN is told by its looks exactly where the parser finds one, in plain frames.
#include "wire/peek.h"

#include <gtest/gtest.h>

#include <vector>

#include "wire/emit.h"
#include "wire/parse.h"

namespace mayfly::testing {
namespace {

std::vector<std::byte> frame(std::uint8_t flags, std::uint16_t vlan = 0) {
  const wire::LinkHeader link{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, vlan};
  Emission e;
  e.flags = flags;
  std::vector<std::byte> bytes(tcp_payload_offset(link, e));
  emit_tcp(bytes, link, FlowKey4::of({0xc612'0101}, 40'000, {0xc612'0001}, 80), e, 0,
           wire::ChecksumBy::software, wire::ChecksumBy::software);
  return bytes;
}

TEST(LooksLikeSyn, IsTrueForASynWithoutAckAndRstAlone) {
  for (unsigned flags = 0; flags < 64; ++flags) {
    constexpr unsigned kSyn = wire::tcp_flag::syn;
    constexpr unsigned kNeither = wire::tcp_flag::ack | wire::tcp_flag::rst;
    const bool is_syn = (flags & kSyn) != 0 && (flags & kNeither) == 0;
    EXPECT_EQ(wire::looks_like_syn(frame(static_cast<std::uint8_t>(flags))), is_syn) << flags;
  }
}

TEST(LooksLikeSyn, SeesThroughAVlanTag) {
  EXPECT_TRUE(wire::looks_like_syn(frame(wire::tcp_flag::syn, 12)));
  EXPECT_FALSE(wire::looks_like_syn(frame(wire::tcp_flag::ack, 12)));
}

TEST(LooksLikeSyn, IsFalseForWhatTheParserMustSee) {
  const std::vector<std::byte> syn = frame(wire::tcp_flag::syn);
  for (std::size_t length = 0; length < syn.size(); ++length)
    EXPECT_FALSE(wire::looks_like_syn(std::span(syn).first(length))) << length;
  const auto with = [&](std::size_t at, int value) {
    std::vector<std::byte> other = syn;
    other[at] = static_cast<std::byte>(value);
    return other;
  };
  EXPECT_FALSE(wire::looks_like_syn(with(13, 6))) << "ARP";
  EXPECT_FALSE(wire::looks_like_syn(with(14, 0x46))) << "IPv4 options";
  EXPECT_FALSE(wire::looks_like_syn(with(20, 0x20))) << "a fragment";
  EXPECT_FALSE(wire::looks_like_syn(with(23, 17))) << "UDP";
}

TEST(LooksLikeSyn, KnowsIpv6WithoutExtensionHeaders) {
  const wire::LinkHeader link{{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
  Emission e;
  e.flags = wire::tcp_flag::syn;
  std::vector<std::byte> syn(tcp6_payload_offset(link, e));
  emit_tcp6(syn, link, FlowKey6::of(Ipv6Address::of({0x2001}), 1, Ipv6Address::of({0x2002}), 2), e,
            wire::ChecksumBy::software);
  EXPECT_TRUE(wire::looks_like_syn(syn));
  for (std::size_t length = 0; length < syn.size(); ++length)
    EXPECT_FALSE(wire::looks_like_syn(std::span(syn).first(length))) << length;
  syn[20] = std::byte{60};
  EXPECT_FALSE(wire::looks_like_syn(syn)) << "options";
}

}  // namespace
}  // namespace mayfly::testing
