// What a link sends: headers, next hops, VLAN tags, the stage before the device.
#include "base/endian.h"
#include "unit/link/link_fixture.h"
#include "wire/layout.h"

namespace mayfly::testing {
namespace {

constexpr std::size_t kTextAt =
    wire::kEthernetHeaderSize + wire::kIpv4HeaderSizeMin + wire::kTcpHeaderSizeMin;

class LinkSend : public LinkTest {};

TEST_F(LinkSend, ASegmentGoesToTheMacAddressOfItsPeer) {
  know_peer();
  EXPECT_TRUE(send(kPeerIp, "hello"));
  const Frame frame = sent_one();
  EXPECT_EQ(destination(frame), kPeerMac);
  EXPECT_EQ(Frame(frame.begin() + kTextAt, frame.end()), text("hello"));
  const wire::ParsedFrame parsed = parse(frame, {kPeerMac});  // its checksums are verified
  EXPECT_EQ(parsed.kind, wire::FrameKind::tcp);
  EXPECT_EQ(parsed.key, FlowKey4::of(kPeerIp, 40'000, kOurIp, 80));
  EXPECT_EQ(tx_packets.get(), 2u);  // the answer to ARP was the first
  EXPECT_EQ(tx_bytes.get(), frame.size() + wire::kEthernetHeaderSize + wire::kArpPacketSize);
}

TEST_F(LinkSend, PacketsOfAllLinksAreNumberedInOneSequence) {  // RFC 6864
  know_peer();
  link::Link<Port> other(port, interface, common);
  send();
  arrives(icmp_frame(text("echo")));
  other.send_tcp(FlowKey4::of(kOurIp, 80, kFarIp, 1), {}, now,
                 [](std::span<std::byte>) { return std::uint64_t{0}; });
  send();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 3u);
  constexpr std::uint16_t kNumbers[] = {0, 1, 3};
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(load_be16(&frames[i][wire::kEthernetHeaderSize + wire::ipv4_at::id]), kNumbers[i]);
}

TEST_F(LinkSend, WithoutABufferTheSegmentIsNotSent) {
  know_peer();
  port.buffers = 0;
  EXPECT_FALSE(send());
  EXPECT_EQ(drops(Drop::no_buffer), 1u);
  EXPECT_TRUE(sent().empty());
  port.buffers = buffers_at_start;
}

TEST_F(LinkSend, FramesWaitInOrderUntilTheirNeighbourAnswers) {
  send(kPeerIp, "first");
  send(kPeerIp, "second");
  EXPECT_EQ(sent_arp().target_ip, kPeerIp);
  EXPECT_TRUE(sent().empty());
  arrives(reply(kPeerIp));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(destination(frames[0]), kPeerMac);
  EXPECT_EQ(Frame(frames[0].begin() + kTextAt, frames[0].end()), text("first"));
  EXPECT_EQ(Frame(frames[1].begin() + kTextAt, frames[1].end()), text("second"));
}

TEST_F(LinkSend, FramesForANeighbourThatNeverAnswersAreLost) {
  send();
  after(5_s);
  EXPECT_EQ(drops(Drop::neighbour_unreachable), 1u);
  EXPECT_EQ(arp_requests.get(), link::NeighbourCache<int>::kTries);
}

TEST_F(LinkSend, ANeighbourHasABoundedNumberOfFramesThatWait) {
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(send());
  EXPECT_EQ(drops(Drop::neighbour_wait_full), 300u - link::NeighbourCache<int>::kWaitingEachMax);
  EXPECT_EQ(arp_requests.get(), 1u);
}

TEST_F(LinkSend, TheGatewayTakesWhatIsForOtherLinks) {
  interface.gateway = kGateway;
  send(kFarIp);
  EXPECT_EQ(sent_arp().target_ip, kGateway);
  arrives(reply(kGateway, kOtherMac));
  EXPECT_EQ(destination(sent_one()), kOtherMac);
}

TEST_F(LinkSend, WithoutAGatewayThereIsNoRoute) {
  EXPECT_TRUE(send(kFarIp));
  EXPECT_EQ(drops(Drop::no_route), 1u);
  EXPECT_TRUE(sent().empty());
}

TEST_F(LinkSend, AGatewayThatIsNotOnTheLinkIsNotAskedFor) {
  interface.gateway = kFarIp;
  send({0x0b00'0001});
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(arp_requests.get(), 0u);
}

TEST_F(LinkSend, TagsEveryKindOfFrame) {
  interface.vlan = 12;
  const auto expect_tag = [](const Frame& frame) {
    EXPECT_EQ(load_be16(&frame[wire::ethernet_at::type]), wire::ethertype::vlan);
    EXPECT_EQ(load_be16(&frame[wire::ethernet_at::vlan]), 12);
  };
  arrives(request(kPeerIp));
  expect_tag(sent_one());
  send();
  expect_tag(sent_one());
  Ipv4Frame datagram{.vlan_tag = 12, .protocol = 47};
  EXPECT_EQ(arrives(datagram.build()), Drop::protocol_unknown);
  expect_tag(sent_one());
}

TEST_F(LinkSend, HearsOnlyItsOwnVlan) {
  interface.vlan = 12;
  EXPECT_EQ(arrives(tcp_frame({}, {.vlan_tag = 13})), Drop::vlan_other);
  EXPECT_EQ(arrives(tcp_frame({})), Drop::vlan_other);
  EXPECT_EQ(arrives(tcp_frame({}, {.vlan_tag = 12})), Drop::none);
  EXPECT_EQ(for_the_shard.size(), 1u);
}

/// Leaves checksums to the device, and remembers for which headers.
class OffloadingPort : public MemPort {
 public:
  link::TxOffloads tx_offloads() noexcept { return {.ip_checksum = true, .tcp_checksum = true}; }
  void request_checksums(Frame, std::size_t l2, std::size_t l3) noexcept { asked = {l2, l3}; }
  std::pair<std::size_t, std::size_t> asked;
};

TEST_F(LinkSend, LeavesChecksumsToADeviceThatFillsThemIn) {
  OffloadingPort device;
  interface.vlan = 12;
  link::Link<OffloadingPort> link(device, interface, common);
  link.send_tcp(FlowKey4::of(kOurIp, 80, kPeerIp, 1), {}, now,
                [](std::span<std::byte>) { return std::uint64_t{0}; });
  EXPECT_EQ(device.asked, std::pair(std::size_t{18}, wire::kIpv4HeaderSizeMin));
}

// -- the stage --

class LinkStage : public LinkTest {
 protected:
  using Stage = link::TxStage<Port>;
  LinkStage() { know_peer(); }
};

TEST_F(LinkStage, HasNoMoreRoomForThoseWhoCanWaitWhenOnlyTheReserveIsLeft) {
  std::size_t staged = 0;
  for (; link().has_room(); ++staged) send();
  EXPECT_EQ(staged, Stage::kCapacity - Stage::kReserve);
  EXPECT_EQ(link().staged(), staged);
  send();
  EXPECT_EQ(link().staged(), staged + 1);
}

TEST_F(LinkStage, LosesWhatDoesNotFit) {
  for (std::size_t i = 0; i < Stage::kCapacity + 3; ++i) send();
  EXPECT_EQ(link().staged(), Stage::kCapacity);
  EXPECT_EQ(drops(Drop::transmit_full), 3u);
}

TEST_F(LinkStage, KeepsInOrderWhatTheDeviceDoesNotTake) {
  for (const char* word : {"one", "two", "three"}) send(kPeerIp, word);
  port.room = 2;
  const std::uint64_t before = tx_packets.get();
  EXPECT_EQ(link().transmit(now), 2u);
  EXPECT_EQ(link().staged(), 1u);
  EXPECT_EQ(tx_packets.get(), before + 2);
  send(kPeerIp, "four");
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 4u);
  const char* const words[] = {"one", "two", "three", "four"};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(Frame(frames[i].begin() + kTextAt, frames[i].end()), text(words[i]));
}

TEST_F(LinkStage, AnEmptyOneDoesNotTouchTheDevice) { EXPECT_EQ(link().transmit(now), 0u); }

// The fixture checks that the buffers come back.
TEST_F(LinkStage, FramesThatWereNotSentAreReleasedInTheEnd) {
  for (int i = 0; i < 10; ++i) send();          // staged
  for (int i = 0; i < 10; ++i) send(kOtherIp);  // waiting for a neighbour
  EXPECT_EQ(link().staged(), 11u);              // with the request for it
  EXPECT_EQ(port.buffers, buffers_at_start - 21);
}

}  // namespace
}  // namespace mayfly::testing
