// Dates, entity tags, preconditions and ranges (RFC 9110 5.6.7, 8.8, 13, 14).
#include "service/conditions.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "service/http_date.h"

namespace mayfly::testing {
namespace {

using service::Conditions;
using service::Judgement;
using service::RangeWish;
using Answer = Judgement::Answer;

constexpr service::UnixSeconds kThen = 784'111'777;  // RFC 9110 5.6.7's example
constexpr std::string_view kTag = "\"0123456789abcdef\"";
constexpr service::Validators kFile{{0x0123'4567'89ab'cdef}, kThen, 1'000};

std::string date(service::UnixSeconds when) {
  const auto text = service::http_date(when);
  return {text.data(), text.size()};
}

TEST(HttpDate, IsWrittenAsImfFixdate) {
  EXPECT_EQ(date(kThen), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date(951'827'696), "Tue, 29 Feb 2000 12:34:56 GMT");
  EXPECT_EQ(date(253'402'300'799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(HttpDate, IsReadInAllThreeForms) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(service::parse_http_date(text), kThen) << text;
  }
  EXPECT_EQ(service::parse_http_date("Sun Nov 16 08:49:37 1994"), kThen + 10 * 86'400);
  for (service::UnixSeconds when = 0; when < 4'000'000'000; when += 12'345'678)
    EXPECT_EQ(service::parse_http_date(date(when)), when);
}

TEST(HttpDate, IsNoneIfItIsMalformed) {
  for (const char* text : {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
                           "784111777", "Sun, 06 Nov -994 08:49:37 GMT"}) {
    EXPECT_EQ(service::parse_http_date(text), std::nullopt) << text;
  }
}

TEST(Range, IsReadIfItAsksForOnePart) {
  EXPECT_EQ(service::parse_range("bytes=0-499"), (RangeWish{0, 499}));
  EXPECT_EQ(service::parse_range("Bytes=500-"), (RangeWish{500, std::nullopt}));
  EXPECT_EQ(service::parse_range("bytes=-500"), (RangeWish{std::nullopt, 500}));
  EXPECT_EQ(service::parse_range("bytes= 9-9 "), (RangeWish{9, 9}));
  EXPECT_EQ(service::parse_range("bytes=0-99999999999999999999999"), (RangeWish{0, ~0ull}));
  for (const char* text :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1", "bytes=1-2,4-5",
        "lines=1-2", "bytes 1-2", "bytes=+1-2", "bytes=1--2", "bytes=0x1-2"}) {
    EXPECT_EQ(service::parse_range(text), std::nullopt) << text;
  }
}

Answer answer(const Conditions& conditions, bool head = false) {
  return judge(conditions, kFile, head).answer;
}

Conditions none_match(std::string_view value) {
  Conditions c;
  c.if_none_match.add(value);
  return c;
}

Conditions match(std::string_view value) {
  Conditions c;
  c.if_match.add(value);
  return c;
}

TEST(IfNoneMatch, IsComparedWeaklyWithEachTagOfTheList) {
  const std::string tag(kTag);
  for (const std::string& list : {tag, "W/" + tag, "\"x\", " + tag, "\"a,b\" ,W/" + tag + ",",
                                  std::string("*"), ", ," + tag}) {
    EXPECT_EQ(answer(none_match(list)), Answer::not_modified) << list;
  }
  for (const char* list : {"", "\"0123456789abcdee\"", "0123456789abcdef", "\"0123456789ABCDEF\"",
                           "\"x,\"", "\"W/0123456789abcdef\""}) {
    EXPECT_EQ(answer(none_match(list)), Answer::whole) << list;
  }
}

TEST(IfNoneMatch, OfAListThatIsTooLongLeadsToTheWholeFile) {
  std::string list;
  for (int i = 0; i < 20; ++i) list += "\"fedcba9876543210\", ";
  EXPECT_EQ(answer(none_match(list + std::string(kTag))), Answer::whole);
  EXPECT_EQ(answer(match(list + std::string(kTag))), Answer::whole);
}

TEST(IfMatch, IsComparedStrongly) {
  const std::string tag(kTag);
  EXPECT_EQ(answer(match(tag)), Answer::whole);
  EXPECT_EQ(answer(match("*")), Answer::whole);
  EXPECT_EQ(answer(match("W/" + tag)), Answer::precondition_failed);
  EXPECT_EQ(answer(match("\"other\"")), Answer::precondition_failed);
}

TEST(Dates, CountOnlyWithoutTheTag) {  // RFC 9110 13.2.2
  Conditions c;
  c.if_modified_since = kThen;
  EXPECT_EQ(answer(c), Answer::not_modified);
  c.if_modified_since = kThen - 1;
  EXPECT_EQ(answer(c), Answer::whole);
  c.if_modified_since = kThen;
  c.if_none_match.add("\"other\"");
  EXPECT_EQ(answer(c), Answer::whole);
  Conditions u;
  u.if_unmodified_since = kThen;
  EXPECT_EQ(answer(u), Answer::whole);
  u.if_unmodified_since = kThen - 1;
  EXPECT_EQ(answer(u), Answer::precondition_failed);
  u.if_match.add(kTag);
  EXPECT_EQ(answer(u), Answer::whole);
}

Judgement ranged(std::string_view range, std::string_view if_range = "", bool head = false) {
  Conditions c;
  c.range = service::parse_range(range);
  if (!if_range.empty()) c.add_if_range(if_range);
  return judge(c, kFile, head);
}

TEST(Range, IsCutToTheFile) {
  EXPECT_EQ(ranged("bytes=0-0").range, (service::ByteRange{0, 1}));
  EXPECT_EQ(ranged("bytes=990-2000").range, (service::ByteRange{990, 10}));
  EXPECT_EQ(ranged("bytes=999-").range, (service::ByteRange{999, 1}));
  EXPECT_EQ(ranged("bytes=-1").range, (service::ByteRange{999, 1}));
  EXPECT_EQ(ranged("bytes=-5000").range, (service::ByteRange{0, 1'000}));
  EXPECT_EQ(ranged("bytes=1000-").answer, Answer::no_such_part);
  EXPECT_EQ(ranged("bytes=-0").answer, Answer::no_such_part);
}

TEST(Range, CountsForGetAlone) { EXPECT_EQ(ranged("bytes=0-0", "", true).answer, Answer::whole); }

TEST(IfRange, AsksForTheWholeIfTheFileIsAnother) {  // RFC 9110 13.1.5
  EXPECT_EQ(ranged("bytes=0-0", kTag).answer, Answer::part);
  EXPECT_EQ(ranged("bytes=0-0", date(kThen)).answer, Answer::part);
  EXPECT_EQ(ranged("bytes=0-0", "W/" + std::string(kTag)).answer, Answer::whole);
  EXPECT_EQ(ranged("bytes=0-0", date(kThen + 1)).answer, Answer::whole);
  EXPECT_EQ(ranged("bytes=0-0", "nonsense").answer, Answer::whole);
  EXPECT_EQ(ranged("bytes=5000-", "\"other\"").answer, Answer::whole);
}

}  // namespace
}  // namespace mayfly::testing
