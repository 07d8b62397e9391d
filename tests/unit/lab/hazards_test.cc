// The hazard lab from end to end: what each policy harms, and that the standard harms nobody.
#include "lab/hazards.h"

#include <gmock/gmock.h>

#include "world/hazard_scenario.h"

namespace mayfly::world {

void PrintTo(const LedgerRow& row, std::ostream* out) {
  *out << row.policy << ": " << row.completed << " of " << row.connections << " completed; "
       << row.reset_in_last_ack << " reset in LAST_ACK, " << row.old_data << " old data, "
       << row.killed << " killed, " << row.desynchronised << " desynchronised, " << row.blackholed
       << " blackholed; " << row.kept_out << " kept out, at most " << row.kept_out_longest.seconds()
       << " s; " << row.challenges << " challenges, " << row.killed_after_syn
       << " ended for newcomers, peak " << row.peak_time_wait;
}

}  // namespace mayfly::world

namespace mayfly::testing {

namespace {

using flow::TimeWaitPolicy;
using lab::HazardSettings;
using lab::LabPair;
using shard::Closer;
using world::LedgerRow;

using ::testing::IsEmpty;
using ::testing::SizeIs;

/// `set` changes the policy of both ends.
template <class F>
LabPair pair_of(std::string name, Closer first, F&& set) {
  LabPair pair;
  pair.name = std::move(name);
  pair.server.close.first = pair.client.close.first = first;
  set(pair.server.shard.time_wait);
  set(pair.client.shard.time_wait);
  return pair;
}

LabPair strict(Closer first = Closer::server) {
  return pair_of("strict", first, [](TimeWaitPolicy& p) {
    p.hold = 4_min;
    p.on_full = TimeWaitPolicy::OnFull::refuse;
    p.rules.rst = tcp::TimeWaitRules::OnRst::ignore;
  });
}
LabPair linux_default(Closer first = Closer::server) {
  return pair_of("linux", first, [](TimeWaitPolicy& p) {
    p.on_full = TimeWaitPolicy::OnFull::close;
    p.rules.rst = tcp::TimeWaitRules::OnRst::accept;
  });
}
LabPair none() {
  return pair_of("none", Closer::server, [](TimeWaitPolicy& p) { p.hold = {}; });
}

HazardSettings settings_for(LabPair pair, std::uint64_t seed = 1) {
  HazardSettings settings;
  settings.seed = seed;
  settings.connections = 1'000;
  settings.link = {
      .loss = 0.01, .duplicate = 0.005, .reorder = 0.01, .delay = 2_ms, .jitter = 500_us};
  settings.policies = {std::move(pair)};
  return settings;
}

LedgerRow run(const HazardSettings& settings) {
  auto rows = run_hazards(settings);
  EXPECT_TRUE(rows) << rows.error().what;
  return rows ? rows->at(0) : LedgerRow{};
}

std::string in_words(const LedgerRow& row) { return ::testing::PrintToString(row); }

TEST(Hazards, TheStandardHarmsNobody) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (const Closer first : {Closer::server, Closer::client}) {
      HazardSettings settings = settings_for(strict(first), seed);
      settings.connections = 250;
      const LedgerRow row = run(settings);
      EXPECT_EQ(row.harms(), 0u) << in_words(row) << ", seed " << seed;
      EXPECT_EQ(row.connections, 250 * world::kHazardKinds.size());
      EXPECT_GT(row.completed, row.connections * 8 / 10) << in_words(row);
      EXPECT_GT(row.challenges, 0u) << "there was something to refuse";
      EXPECT_GT(row.peak_time_wait, 100u);
    }
  }
}

// Clients that come again at once, some with older numbers and no timestamps: they get in by their
// resets, and 1 MB of old text, some of it seconds late, does not follow them.
TEST(Hazards, TheDefaultLetsNewcomersInAndHarmsNobody) {
  std::uint64_t let_in = 0;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    HazardSettings settings =
        settings_for(pair_of("newcomer", Closer::server,
                             [](TimeWaitPolicy& p) { p.on_full = TimeWaitPolicy::OnFull::refuse; }),
                     seed);
    settings.connections = 250;
    const LedgerRow row = run(settings);
    EXPECT_EQ(row.harms(), 0u) << in_words(row) << ", seed " << seed;
    EXPECT_GT(row.completed, row.connections * 95 / 100) << in_words(row);
    let_in += row.killed_after_syn;
  }
  EXPECT_GT(let_in, 4u);
}

LedgerRow in(const LedgerRow& row, world::Situation situation) {
  return row.situations.at(static_cast<std::size_t>(situation));
}

LabPair by_the_letter() {
  return pair_of("rfc6191", Closer::server, [](TimeWaitPolicy& p) {
    p.rules.refuse_syn = tcp::TimeWaitRules::RefuseSyn::drop;
    p.rules.rst = tcp::TimeWaitRules::OnRst::ignore;
  });
}
LabPair newcomer() {
  return pair_of("newcomer", Closer::server, [](TimeWaitPolicy&) {});
}

// A NAT gives ports to hosts with other clocks. RFC 6191's silence keeps half of them out for the
// hold; the ACK and the reset let them in.
TEST(Hazards, SilenceKeepsTheNeighboursOfANatOut) {
  const LedgerRow silent = in(run(settings_for(by_the_letter())), world::Situation::nat);
  const LedgerRow asks = in(run(settings_for(newcomer())), world::Situation::nat);
  EXPECT_GT(silent.kept_out, silent.connections / 20) << in_words(silent);
  EXPECT_GE(silent.kept_out_longest, 55_s) << in_words(silent);
  EXPECT_LT(asks.kept_out, asks.connections / 50) << in_words(asks);
  EXPECT_LT(asks.kept_out_longest, silent.kept_out_longest);
}

// A control: with loads that are exchanged (more connections, another wire) the figures are others,
// and the order of the policies is the same.
TEST(Hazards, AnotherLoadChangesTheFiguresAndNotTheOrder) {
  const auto figures_of = [](std::uint32_t connections, double loss) {
    std::vector<double> figures;
    for (LabPair pair : {newcomer(), by_the_letter(), none()}) {
      HazardSettings settings = settings_for(pair, 3);
      settings.connections = connections;
      settings.capacity = 64;
      settings.link.loss = loss;
      const LedgerRow row = in(run(settings), world::Situation::nat);
      figures.push_back(static_cast<double>(row.harms()) / static_cast<double>(row.connections));
    }
    return figures;
  };
  const auto one = figures_of(300, 0.01), other = figures_of(500, 0.02);
  EXPECT_NE(one, other);
  for (const auto& figures : {one, other}) {
    EXPECT_LT(figures[0], figures[1]);
    EXPECT_LT(figures[0], figures[2]);
  }
}

TEST(Hazards, WithoutTimeWaitBothOfItsReasonsShow) {
  const LedgerRow row = run(settings_for(none()));
  EXPECT_GT(row.reset_in_last_ack, 0u) << in_words(row);
  EXPECT_GT(row.old_data, 0u) << in_words(row);
  EXPECT_EQ(row.peak_time_wait, 0u);
  EXPECT_LT(row.completed, row.connections);
}

TEST(Hazards, ClosingWithResetLetsOldDataInAndLeavesHalfOpenConnections) {
  LabPair reset = none();
  reset.server.close.abort = true;
  const LedgerRow row = run(settings_for(reset));
  EXPECT_GT(row.old_data, 0u) << in_words(row);
  EXPECT_GT(row.desynchronised, 0u) << "a lost RST is not sent again: " << in_words(row);
  EXPECT_EQ(row.reset_in_last_ack, 0u);
  EXPECT_GT(row.completed, row.connections * 97 / 100)
      << "an orderly abort is no harm: " << in_words(row);
}

TEST(Hazards, RecyclingBlackholesHostsBehindANat) {
  LabPair recycle = linux_default();
  recycle.server.shard.time_wait.recycle = true;
  HazardSettings settings = settings_for(recycle);
  const LedgerRow row = run(settings);
  EXPECT_GT(in(row, world::Situation::nat).blackholed, 0u);
  EXPECT_GT(in(row, world::Situation::few_clients).blackholed, 0u)
      << "nor is a client let in that was replaced, as its clock is another";
  EXPECT_EQ(in(row, world::Situation::many_clients).blackholed, 0u);
  settings.nat = false;
  EXPECT_EQ(in(run(settings), world::Situation::nat).connections, 0u);
}

TEST(Hazards, ANatAloneBlackholesNobody) {
  EXPECT_EQ(run(settings_for(linux_default())).blackholed, 0u);
}

TEST(Hazards, EvictingTheOldestOfTooFewResetsPeers) {
  LabPair evict = pair_of("evict", Closer::server, [](TimeWaitPolicy& p) {
    p.capacity = 16;
    p.on_full = TimeWaitPolicy::OnFull::evict_oldest;
  });
  const LedgerRow row = run(settings_for(evict));
  EXPECT_GT(row.reset_in_last_ack, 0u) << in_words(row);
  EXPECT_LE(row.peak_time_wait, 16u);
}

TEST(Hazards, ClientsThatCloseFirstAreNotResetInLastAckAndHarmAtMostAFew) {
  const LedgerRow row = run(settings_for(linux_default(Closer::client)));
  EXPECT_EQ(row.reset_in_last_ack, 0u) << in_words(row);
  EXPECT_LE(row.harms(), 10u) << in_words(row);
  EXPECT_GT(row.completed, row.connections * 99 / 100);
}

TEST(Hazards, AWaitThatIsHandedOverStillProtects) {
  LabPair pair = pair_of("hand-over", Closer::server, [](TimeWaitPolicy&) {});
  pair.server.shard.time_wait.rules.rst = tcp::TimeWaitRules::OnRst::accept;
  pair.client.shard.time_wait.hand_over = true;
  const LedgerRow row = run(settings_for(pair));
  EXPECT_EQ(row.harms(), 0u) << in_words(row);
}

TEST(Hazards, TheSameSeedWritesTheSameLedger) {
  HazardSettings settings = settings_for(none());
  settings.connections = 400;
  const std::string first = in_words(run(settings));
  EXPECT_EQ(in_words(run(settings)), first);
  ++settings.seed;
  EXPECT_NE(in_words(run(settings)), first);
}

TEST(Hazards, SeveralSeedsAreAddedUp) {
  HazardSettings settings = settings_for(none(), 1);
  settings.connections = 60;
  const LedgerRow first = run(settings);
  settings.seed = 2;
  LedgerRow sum = run(settings);
  add_to(sum, first);
  settings.seed = 1;
  settings.seeds = 2;
  const LedgerRow both = run(settings);
  EXPECT_EQ(in_words(both), in_words(sum));
  EXPECT_GT(both.connections, first.connections);
  for (std::size_t n = 0; n < world::kSituationCount; ++n)
    EXPECT_EQ(in_words(both.situations.at(n)), in_words(sum.situations.at(n)));
}

TEST(Hazards, APolicyOfWhichSeedsAreMissingIsLeftOut) {
  HazardSettings settings = settings_for(none());
  settings.connections = 10;
  settings.policies.assign(2, none());
  settings.seeds = 2;
  const auto rows =
      run_hazards(settings, [](std::size_t done, std::size_t all) { return done + 1 < all; });
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, SizeIs(1));
}

TEST(Hazards, ProgressIsToldAndMayStop) {
  HazardSettings settings = settings_for(none());
  settings.connections = 10;
  settings.policies.assign(3, none());
  std::vector<std::size_t> told;
  const auto rows = run_hazards(settings, [&](std::size_t done, std::size_t all) {
    EXPECT_EQ(all, 3u);
    told.push_back(done);
    return done < 2;
  });
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, SizeIs(2));
  EXPECT_THAT(told, ::testing::ElementsAre(1u, 2u));
}

TEST(Hazards, WithoutPoliciesThereIsNothingToDo) {
  const auto rows = lab::run_hazards({});
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, IsEmpty());
}

}  // namespace
}  // namespace mayfly::testing
