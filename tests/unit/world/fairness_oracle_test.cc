// What the simulator reads in the book about those who are not at fault.
#include "world/fairness_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::testing {
namespace {

using ::testing::HasSubstr;

constexpr Instant kStart = Instant{} + 500_s;

/// Connections of one client, 1 ms apart, each of which ended well a second after it began.
struct Connections {
  explicit Connections(std::uint32_t count, world::Traffic traffic = {}) {
    traffic.connections = count;
    traffic.parting = world::Parting::server_first;
    scenario.traffics = {traffic};
    book.emplace(1, scenario.traffics, false);
    for (std::uint32_t n = 0; n < count; ++n) {
      const auto port = static_cast<std::uint16_t>(10'000 + n);
      book->add_tuple({.key = FlowKey4::of({0xc612'1201}, port, {0xc612'0001}, 7), .client = 1});
      const Instant began = kStart + 1_ms * n;
      world::Incarnation& i = book->begin(n, began);
      for (world::EndView* const view : {&i.client, &i.server}) {
        book->opened(*view);
        book->end(i, *view, began + 1_s);
      }
    }
  }
  std::string found() {
    world::Judge judge;
    world::FairnessOracle(scenario, *book, judge).look_at_end(kStart);
    return judge.found() ? judge.violation().oracle + ": " + judge.violation().what : "";
  }

  world::Scenario scenario;
  std::optional<world::Book> book;
};

TEST(FairnessOracle, HoldsAConnectionToItsBound) {
  EXPECT_EQ(Connections(1).found(), "") << "nothing is promised";
  EXPECT_EQ(Connections(1, {.bound = 1_s}).found(), "");
  EXPECT_THAT(Connections(1, {.bound = 999_ms}).found(), HasSubstr("fairness: it took 1.000 s"));
}

TEST(FairnessOracle, WantsAPromisedConnectionToEndWell) {
  Connections f(1, {.bound = 100_s});
  (*f.book)[0].server.reason = flow::CloseReason::evicted;
  EXPECT_THAT(f.found(), HasSubstr("fairness: it ended done at the client and evicted"));
  (*f.book)[0].parting = world::Parting::client_aborts;
  EXPECT_EQ(f.found(), "");
}

TEST(FairnessOracle, WantsNoAnswerDestroyed) {
  Connections f(1, {.answer_min = 9, .answer_max = 9, .chatter_max = 2});
  world::Incarnation& i = (*f.book)[0];
  i.client.reason = flow::CloseReason::reset;
  i.server.reason = flow::CloseReason::aborted;
  i.client.received = 8;
  EXPECT_THAT(f.found(), HasSubstr("answer: 8 of 9 octets arrived before an RST"));
  i.server.lingered = true;
  EXPECT_EQ(f.found(), "") << "it has waited for long enough";
  i.server.lingered = false;
  i.client.received = 9;
  EXPECT_EQ(f.found(), "");
}

TEST(FairnessOracle, CountsWhatCompletesWhileConnectionsAreOpened) {
  // 3,000 in three seconds, of which 2,000 complete before the last one begins: 667 a second.
  EXPECT_EQ(Connections(3'000, {.goodput_least = 660}).found(), "");
  EXPECT_THAT(Connections(3'000, {.goodput_least = 700}).found(), HasSubstr("goodput: 667"));
  EXPECT_EQ(Connections(100, {.goodput_least = 700}).found(), "") << "too few to tell";
}

}  // namespace
}  // namespace mayfly::testing
