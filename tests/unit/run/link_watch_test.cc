// What is told of links, and when a run without any is given up.
#include "run/link_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/links_json.h"
#include "support/json_keys.h"

namespace mayfly::testing {
namespace {

using nic::LinkReading;
using nic::LinkState;
using run::LinkWatch;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

/// Two links: an interface of the host, and a memif.
class TwoLinks : public ::testing::Test {
 protected:
  LinkWatch watch(Duration give_up = {}) {
    return LinkWatch({{.device = "net_af_packet0,iface=veth0",
                       .interface = "veth0",
                       .mtu_wanted = 1'500,
                       .place = place_,
                       .read = [this] { return veth_; }},
                      {.device = "net_memif0,id=0",
                       .has_peer = true,
                       .mtu_wanted = 1'500,
                       .read = [this] { return memif_; }}},
                     give_up, now_);
  }
  std::vector<std::string> look(LinkWatch& watch, const run::SilentNeighbours& silent = {}) {
    std::vector<std::string> words;
    for (const run::LinkNews& news : watch.look(now_ = now_ + 200_ms, silent)) {
      words.push_back(news.words);
      EXPECT_EQ(news.is_problem, news.words.find("well again") == news.words.npos);
    }
    return words;
  }

  link::LinkSettings place_;
  Instant now_{1'000'000};
  LinkReading veth_{LinkState::up, 1'500}, memif_{LinkState::up, 1'500};
};

TEST_F(TwoLinks, AreNotSpokenOfWhileTheyAreWell) {
  LinkWatch links = watch();
  EXPECT_THAT(look(links), IsEmpty());
  EXPECT_THAT(look(links), IsEmpty());
  EXPECT_EQ(links.json(now_)[0]["changes"], 0);
}

TEST_F(TwoLinks, AreToldOnceOfEachProblemAndOfItsEnd) {
  LinkWatch links = watch();
  look(links);
  veth_.state = LinkState::down;
  EXPECT_THAT(look(links), ElementsAre(AllOf(HasSubstr("veth0 is down"),
                                             HasSubstr("ip link set dev veth0 up"))));
  EXPECT_THAT(look(links), IsEmpty());
  veth_.state = LinkState::no_carrier;
  EXPECT_THAT(look(links), ElementsAre(HasSubstr("veth0 has no carrier")));
  veth_.state = LinkState::up;
  EXPECT_THAT(look(links), ElementsAre(HasSubstr("well again")));
}

TEST_F(TwoLinks, TellAtTheFirstLookWhatIsWrongFromTheStart) {
  veth_.state = LinkState::no_carrier;
  memif_.state = LinkState::no_carrier;
  LinkWatch links = watch();
  EXPECT_THAT(look(links),
              ElementsAre(HasSubstr("veth0 has no carrier"), HasSubstr("nobody is connected")));
}

TEST_F(TwoLinks, TellOfAnInterfaceThatWasDeletedAndOfAnMtuThatWasLowered) {
  LinkWatch links = watch();
  look(links);
  veth_.mtu = 1'400;
  EXPECT_THAT(look(links), ElementsAre(AllOf(HasSubstr("MTU of 1400"), HasSubstr("mtu 1500"))));
  veth_ = {LinkState::gone, 0};
  EXPECT_THAT(look(links), ElementsAre(HasSubstr("veth0 was deleted")));
}

TEST_F(TwoLinks, TellOfANeighbourOfIpv6ThatDoesNotAnswer) {
  const Ipv6Address gateway = Ipv6Address::of({0xfe80, 0, 0, 0, 0, 0, 0, 0xfe});
  place_.addresses6 = {{Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}),
                        Ipv6Address::of({0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}), 64}};
  place_.gateway6 = gateway;
  LinkWatch links = watch();
  look(links);
  EXPECT_THAT(look(links, {.six = gateway}),
              ElementsAre(HasSubstr("neighbour discovery for fe80::fe, the gateway")));
  EXPECT_THAT(look(links), ElementsAre(HasSubstr("well again")));
}

TEST_F(TwoLinks, AreAskedTenTimesASecondAtMost) {
  LinkWatch links = watch();
  look(links);
  veth_.state = LinkState::down;
  EXPECT_THAT(links.look(now_ + 50_ms), IsEmpty());
  EXPECT_FALSE(links.look(now_ + 100_ms).empty());
}

TEST_F(TwoLinks, AreGivenUpWhenNeitherHasWorkedForTheTime) {
  LinkWatch links = watch(1_s);
  look(links);
  veth_.state = LinkState::down;
  look(links);
  now_ = now_ + 5_s;
  look(links);
  EXPECT_EQ(links.why_given_up(now_), std::nullopt) << "the other one works";
  memif_.state = LinkState::no_carrier;
  look(links);
  EXPECT_EQ(links.why_given_up(now_ + 500_ms), std::nullopt);
  EXPECT_THAT(links.why_given_up(now_ + 1_s),
              Optional(AllOf(HasSubstr("for 1 s (links.give_up)"), HasSubstr("veth0 is down"),
                             HasSubstr("nobody is connected"))));
}

TEST_F(TwoLinks, AreNeverGivenUpByDefault) {
  veth_.state = memif_.state = LinkState::no_carrier;
  LinkWatch links = watch();
  look(links);
  EXPECT_EQ(links.why_given_up(now_ + Duration::from_s(1'000'000)), std::nullopt);
}

TEST_F(TwoLinks, StandInTheJsonWithStateMtuAndLastChange) {
  LinkWatch links = watch();
  look(links);
  veth_ = {LinkState::down, 1'400};
  look(links);
  const auto json = links.json(now_ + 3_s);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["device"], "net_af_packet0,iface=veth0");
  EXPECT_EQ(json[0]["state"], "down");
  EXPECT_EQ(json[0]["mtu"], 1'400);
  EXPECT_EQ(json[0]["changes"], 1);
  EXPECT_EQ(json[0]["last_change_s"], 3.0);
  EXPECT_EQ(json[1]["state"], "up");
  EXPECT_EQ(json[1]["problem"], "");
  const nlohmann::ordered_json whole{{"links", json}};
  EXPECT_THAT(undocumented(whole, admin::link_json_keys()), IsEmpty());
  EXPECT_THAT(unwritten(whole, admin::link_json_keys()), IsEmpty());
}

TEST_F(TwoLinks, TellWhoDoesNotAnswerArpAndWhenHeDoes) {
  LinkWatch links({{.device = "net_af_packet0,iface=veth0",
                    .interface = "veth0",
                    .mtu_wanted = 1'500,
                    .place = {.addresses = {{{0xc612'0001}, {0xc612'0001}, 15}},
                              .gateway = Ipv4Address{0xc612'00fe}},
                    .read = [this] { return veth_; }}},
                  {}, now_);
  const auto look_with = [&](std::optional<Ipv4Address> silent) {
    return look(links, {.four = silent});
  };
  EXPECT_THAT(look_with(Ipv4Address{0xc612'00fe}),
              ElementsAre(HasSubstr("nobody answers ARP for 198.18.0.254, the gateway")));
  EXPECT_THAT(look_with(Ipv4Address{0xc612'00fe}), IsEmpty());
  EXPECT_THAT(look_with(std::nullopt), ElementsAre(HasSubstr("well again")));
  EXPECT_THAT(look_with(Ipv4Address{0xc612'0009}),
              ElementsAre(HasSubstr("198.18.0.9, the target")));
  EXPECT_THAT(look_with(Ipv4Address{0x0a00'0001}), ElementsAre(HasSubstr("well again")))
      << "it is on no link of ours";
}

}  // namespace
}  // namespace mayfly::testing
