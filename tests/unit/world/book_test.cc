// The book of a simulated world: incarnations are found by their ISN, and what is counted adds up.
#include "world/book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>

namespace mayfly::testing {
namespace {

using world::Traffic;

using ::testing::HasSubstr;

constexpr Ipv4Address kServer{0xc612'0001}, kClient{0xc612'1101};
constexpr std::uint16_t kPort = 10'000;

struct OneTuple {
  explicit OneTuple(const Traffic& of = {.connections = 5, .request_max = 50, .answer_max = 70})
      : traffic(of), book(1, std::span(&traffic, 1), false) {
    book.add_tuple({.key = FlowKey4::of(kClient, kPort, kServer, 7), .client = 1, .server = 0});
  }
  std::uint32_t begin(std::uint32_t iss, Instant now = {}) {
    world::Incarnation& i = book.begin(0, now);
    i.iss = Seq{iss};
    return book.index_of(i);
  }
  std::uint32_t find(std::uint32_t iss) const {
    return book.find(kClient, kPort, kServer, Seq{iss});
  }

  Traffic traffic;
  world::Book book;
};

TEST(Book, FindsAnIncarnationOfAFourTupleByItsIsn) {
  OneTuple f;
  const std::uint32_t first = f.begin(100), second = f.begin(200);
  EXPECT_EQ(f.find(100), first);
  EXPECT_EQ(f.find(200), second);
  EXPECT_EQ(f.find(300), kNoIndex);
  EXPECT_EQ(f.book.find(kClient, kPort + 1, kServer, Seq{100}), kNoIndex);
  EXPECT_EQ(f.book.latest(kClient, kPort, kServer), second);
}

TEST(Book, ForgetsAnIncarnationThatTheStackDidNotOpen) {
  OneTuple f;
  const std::uint32_t first = f.begin(100);
  f.begin(200);
  f.book.cancel();
  EXPECT_EQ(f.book.latest(kClient, kPort, kServer), first);
  EXPECT_EQ(f.book.size(), 1u);
  EXPECT_EQ(f.book.to_open(), 4u);
  EXPECT_EQ(f.book.to_open(0), 4u);
}

TEST(Book, CountsWhatIsToBeOpenedForEachTraffic) {
  const std::array<Traffic, 2> traffics{Traffic{.connections = 2}, Traffic{.connections = 3}};
  world::Book book(1, traffics, false);
  book.add_tuple({.key = FlowKey4::of(kClient, kPort, kServer, 7), .traffic = 1});
  book.begin(0, {});
  EXPECT_EQ(book.to_open(0), 2u);
  EXPECT_EQ(book.to_open(1), 2u);
  EXPECT_EQ(book.to_open(), 4u);
  book.open_no_more();
  EXPECT_EQ(book.to_open(), 0u);
  book.open_more(1);
  EXPECT_EQ(book.to_open(0), 1u);
  EXPECT_EQ(book.to_open(1), 0u);
}

TEST(Book, DrawsWhatIsSentWithinItsLimits) {
  OneTuple f({.connections = 200, .request_min = 3, .request_max = 5, .answer_max = 1});
  std::set<std::uint32_t> requests;
  for (int n = 0; n < 200; ++n) {
    const world::Incarnation& i = f.book.begin(0, {});
    requests.insert(i.request);
    EXPECT_EQ(i.answer, 1u);
    EXPECT_LT(static_cast<std::uint32_t>(i.parting), world::kPartingsOrderly);
    EXPECT_EQ(f.book.text_of(i, true).size(), i.request);
  }
  EXPECT_THAT(requests, ::testing::ElementsAre(3u, 4u, 5u));
}

TEST(Book, HoldsTextsThatAreLongerThanItsUsualRoom) {
  constexpr std::uint32_t kLong = 3'000'000;
  OneTuple f({.connections = 1,
              .request_min = kLong,
              .request_max = kLong,
              .parting = world::Parting::client_resets});
  const world::Incarnation& i = f.book.begin(0, {});
  EXPECT_EQ(f.book.text_of(i, true).size(), kLong);
  EXPECT_EQ(i.parting, world::Parting::client_resets);
  EXPECT_THAT(describe(f.book, i), HasSubstr("the client resets at the end"));
}

TEST(Book, PromisesNothingForAWhileAfterADisorderlyEnd) {
  OneTuple f;
  const Instant now = Instant{} + 10_s;
  world::Incarnation& i = f.book[f.begin(100, now)];
  EXPECT_TRUE(i.promised);
  f.book.opened(i.client);
  EXPECT_EQ(f.book.open_ends(), 1u);
  i.client.reason = flow::CloseReason::aborted;
  f.book.end(i, i.client, now);
  EXPECT_EQ(f.book.open_ends(), 0u);
  EXPECT_FALSE(f.book[f.begin(200, now + world::kSimMsl)].promised);
  EXPECT_TRUE(f.book[f.begin(300, now + world::kSimMsl * 2)].promised);
}

TEST(Book, CountsForeignTextsAndFinsAlone) {
  OneTuple f;
  const std::uint32_t index = f.begin(100);
  using What = world::Anomaly::What;
  f.book.note({.what = What::unknown});
  f.book.note({.what = What::accepted_twice, .incarnation = index});
  EXPECT_EQ(f.book[index].foreign, 0u);
  f.book.note({.what = What::foreign_text, .incarnation = index});
  f.book.note({.what = What::early_fin, .incarnation = index});
  EXPECT_EQ(f.book[index].foreign, 2u);
  EXPECT_EQ(f.book.anomalies().size(), 4u);
}

}  // namespace
}  // namespace mayfly::testing
