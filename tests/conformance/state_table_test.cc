// RFC 9293 3.10.7 as a table: eleven states, each kind of segment, each place in the window. One
// test a row; the rows are in state_rows/.
#include <bit>

#include "branch_names.h"
#include "heard.h"
#include "state_rows/tables.h"

namespace mayfly::testing {

inline void PrintTo(We we, std::ostream* out) {
  static constexpr const char* kNames[] = {"nothing", "ack", "challenge", "ack_later",
                                           "syn_ack", "rst", "ack_anew"};
  *out << kNames[static_cast<int>(we)];
}
inline void PrintTo(Text text, std::ostream* out) {
  static constexpr const char* kNames[] = {"no_text", "taken", "held"};
  *out << kNames[static_cast<int>(text)];
}

namespace {

struct Case {
  const Table* table;
  const Row* row;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Table& table : rows::kTables)
    for (const auto& part : table.parts)
      for (const Row& row : part) cases.push_back({&table, &row});
  return cases;
}

/// Calls `each(kind, place)` for the combinations that the row covers.
template <class F>
void for_each_combination(const Row& row, F&& each) {
  for (std::size_t k = 0; k < on::kCount; ++k)
    for (std::size_t p = 0; p < at::kCount; ++p)
      if (((row.kinds >> k) & 1) != 0 && ((row.places >> p) & 1) != 0) each(k, p);
}

std::string clauses_of(const Row& row) {
  std::string text;
  for (const tcp::Branch b : row.by.all()) text += std::string(clause_of(b)) + "; ";
  return text;
}

class StateTable : public ::testing::TestWithParam<Case> {};

TEST_P(StateTable, HoldsForEverySegmentAndPlaceOfTheRow) {
  const auto& [table, row] = GetParam();
  for_each_combination(*row, [&, &table = table, &row = row](std::size_t kind, std::size_t place) {
    SCOPED_TRACE(::testing::Message() << table->name << ", " << kKindNames[kind] << ", "
                                      << kPlaceNames[place] << ": " << clauses_of(*row));
    const auto here = static_cast<Places>(1u << place);
    const Outcome o = hear(table->situation, 1u << kind, here);
    EXPECT_EQ(o.after, row->after.value_or(o.before));
    EXPECT_EQ(o.we, row->we);
    EXPECT_EQ(o.text, row->text);
    EXPECT_EQ(o.octets, octets_expected(row->text, here));
    EXPECT_EQ(o.events, row->events);
    EXPECT_EQ(o.drop, row->drop);
    for (const tcp::Branch b : row->by.all())
      EXPECT_TRUE(passed(b)) << name_of(b) << " is not passed";
  });
}

template <class Names>
std::string names_in(std::uint32_t set, std::uint32_t any, const Names& names) {
  if (set == any) return "any";
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (((set >> i) & 1) != 0) text += (text.empty() ? "" : "_or_") + std::string(names[i]);
  return text;
}

std::string name_of_case(const ::testing::TestParamInfo<Case>& info) {
  const auto& [table, row] = info.param;
  return std::string(table->name) + "__" + names_in(row->kinds, on::any, kKindNames) + "__" +
         names_in(row->places, at::any, kPlaceNames);
}
INSTANTIATE_TEST_SUITE_P(Rfc9293, StateTable, ::testing::ValuesIn(all_cases()), name_of_case);

TEST(StateTableItself, CoversEverySegmentAtEveryPlaceInEverySituationOnce) {
  for (const Table& table : rows::kTables) {
    std::array<std::array<int, at::kCount>, on::kCount> covered{};
    for (const auto& part : table.parts)
      for (const Row& row : part)
        for_each_combination(row, [&](std::size_t k, std::size_t p) { ++covered[k][p]; });
    for (std::size_t k = 0; k < on::kCount; ++k)
      for (std::size_t p = 0; p < at::kCount; ++p)
        EXPECT_EQ(covered[k][p], 1)
            << table.name << ", " << kKindNames[k] << ", " << kPlaceNames[p];
  }
}

// A middlebox that blanks timestamps: RFC 7323 3.2 recommends to drop such segments, Linux takes
// them.
TEST(ASegmentWhoseTimestampsWereBlanked, CountsLikeOneThatHasThemWhereTheyMayBeMissing) {
  constexpr auto kAccept = tcp::TimestampsMissing::accept;
  for (const Table& table : rows::kTables) {
    for (std::size_t p = 0; p < at::kCount; ++p) {
      SCOPED_TRACE(::testing::Message() << table.name << ", " << kPlaceNames[p]);
      const auto here = static_cast<Places>(1u << p);
      const Outcome with = hear(table.situation, on::data, here);
      const Outcome without = hear(table.situation, on::data_unstamped, here, kAccept);
      EXPECT_EQ(without.after, with.after);
      EXPECT_EQ(without.we, with.we);
      EXPECT_EQ(without.text, with.text);
      EXPECT_EQ(without.octets, with.octets);
      EXPECT_EQ(without.drop, with.drop);
      EXPECT_EQ(without.events & ~tcp::event::timestamps_missing, with.events);
    }
  }
}

TEST(StateTableItself, HasEverySituationInItsPlace) {
  for (std::size_t i = 0; i < rows::kTables.size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(rows::kTables[i].situation), i);
}

}  // namespace
}  // namespace mayfly::testing
