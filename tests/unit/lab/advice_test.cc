// Advice follows from what was measured: never a harmful policy without its harm.
#include "lab/advice.h"

#include <gmock/gmock.h>

#include "support/lab_example.h"

namespace mayfly::testing {
namespace {

using lab::Advice;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

/// Results with just these policies in experiments of story 5.
class Measured {
 public:
  Measured& flat(const char* policy) { return with(policy, OnFull::evict_oldest); }
  Measured& swinging(const char* policy) { return with(policy, OnFull::refuse); }
  Measured& harm(const char* policy, std::uint64_t killed) {
    result_.ledger.push_back({.policy = policy, .connections = 6'000, .killed = killed});
    return *this;
  }
  Advice for_user(std::size_t user) const {
    const std::vector<lab::PolicyRow> rows = policy_rows(result_);
    return advice_on(rows).at(user);
  }

 private:
  Measured& with(const char* policy, OnFull on_full) {
    result_.experiments.push_back(example_run(
        policy, 5, lab::Expectation::flat, shard::Closer::server, [&](lab::ExperimentSettings& s) {
          s.policy = policy;
          s.server.shard.time_wait.on_full = on_full;
        }));
    return *this;
  }
  lab::LabResult result_;
};

constexpr std::size_t kWebServer = 0;

TEST(Advice, IsGivenToFourKindsOfUser) {
  EXPECT_THAT(advice_on(policy_rows(lab_example())), SizeIs(4));
}

TEST(Advice, SaysSoWhereTheResultHoldsTooLittle) {
  for (const lab::LabResult& result :
       {lab::LabResult{}, hazards_only_example(), one_experiment_example()})
    for (const Advice& advice : advice_on(policy_rows(result))) {
      EXPECT_EQ(advice.policy, "");
      EXPECT_THAT(advice.words, HasSubstr("does not allow any advice"));
    }
}

TEST(Advice, PrefersTheMostSuitableOfTheFlatAndHarmless) {
  const Advice advice = Measured()
                            .flat("rfc6191")
                            .flat("balanced")
                            .harm("rfc6191", 0)
                            .harm("balanced", 0)
                            .for_user(kWebServer);
  EXPECT_EQ(advice.policy, "balanced");
  EXPECT_THAT(advice.words, HasSubstr("No harm in 6,000 connections"));
}

TEST(Advice, PassesOverAPolicyThatDidHarmAndSaysWhy) {
  const Advice advice = Measured()
                            .flat("balanced")
                            .flat("rfc6191")
                            .harm("balanced", 7)
                            .harm("rfc6191", 0)
                            .for_user(kWebServer);
  EXPECT_EQ(advice.policy, "rfc6191");
  EXPECT_THAT(advice.words, HasSubstr("balanced would come before it, but did harm: Killed (7)"));
}

TEST(Advice, PassesOverAPolicyThatSwung) {
  const Advice advice = Measured().swinging("balanced").flat("rfc6191").for_user(kWebServer);
  EXPECT_EQ(advice.policy, "rfc6191");
  EXPECT_THAT(advice.words, AllOf(HasSubstr("balanced would come before it, but carried only"),
                                  HasSubstr("Its harm was not measured here")));
}

TEST(Advice, NamesTheHarmOfTheLeastHarmfulWhereAllDoHarm) {
  const Advice advice = Measured()
                            .flat("balanced")
                            .flat("rfc6191")
                            .harm("balanced", 7)
                            .harm("rfc6191", 3)
                            .for_user(kWebServer);
  EXPECT_EQ(advice.policy, "rfc6191");
  EXPECT_THAT(advice.words, HasSubstr("Its price in 6,000 connections of the hazard lab: Killed "
                                      "(3)"));
}

TEST(Advice, RecommendsNothingWhereNothingWasFlat) {
  const Advice advice = Measured().swinging("balanced").for_user(kWebServer);
  EXPECT_EQ(advice.policy, "");
  EXPECT_THAT(advice.words, HasSubstr("The nearest was balanced"));
}

TEST(Advice, NeverRecommendsAHarmfulPolicyWithoutNamingEachHarm) {
  for (const char* policy : {"balanced", "rfc6191", "evict-oldest", "linux-default"}) {
    const Measured measured = Measured().flat(policy).harm(policy, 5);
    for (std::size_t user = 0; user < 4; ++user) {
      const Advice advice = measured.for_user(user);
      if (advice.policy.empty()) continue;
      EXPECT_THAT(advice.words, HasSubstr("Killed (5)")) << advice.user;
    }
  }
}

TEST(Advice, DoesNotJudgeAnInterruptedExperiment) {
  lab::LabResult result;
  result.experiments.push_back(example_run("balanced", 5, lab::Expectation::flat,
                                           shard::Closer::client,
                                           [](lab::ExperimentSettings& s) { s.policy = s.name; }));
  EXPECT_EQ(advice_on(policy_rows(result)).front().policy, "balanced");
  result.experiments.front().interrupted = true;
  EXPECT_EQ(advice_on(policy_rows(result)).front().policy, "");
}

}  // namespace
}  // namespace mayfly::testing
