#include "load/response.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"

namespace mayfly::testing {
namespace {

using load::ResponseReader;

using Outcome = load::ResponseParser::Outcome;

struct Reading {
  Outcome outcome = Outcome::more;
  std::size_t used = 0;  ///< octets up to the one that decided
  bool closes = false;
  bool operator==(const Reading&) const = default;
};
void PrintTo(const Reading& r, std::ostream* out) {
  *out << "outcome " << static_cast<int>(r.outcome) << " after " << r.used << " octets, closes "
       << r.closes;
}

/// Reads `text` in pieces that end at `cuts` (rising), with a reader that may know heads already.
Reading read_in_pieces(ResponseReader& reader, std::string_view text,
                       const std::vector<std::size_t>& cuts) {
  load::ResponseParser parser;
  Reading reading;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : text.size();
    const std::string piece(text.substr(from, to - from));  // its own memory: ASan sees overruns
    std::size_t used = 0;
    reading.outcome = reader.read(parser, std::as_bytes(std::span(piece)), used);
    EXPECT_LE(used, piece.size());
    reading.used += used;
    if (reading.outcome != Outcome::more) break;
    EXPECT_EQ(used, piece.size()) << "stopped without a verdict";
    from = to;
  }
  reading.closes = reading.outcome == Outcome::complete && parser.closes();
  return reading;
}

Reading read_whole(std::string_view text) {
  ResponseReader reader;
  return read_in_pieces(reader, text, {});
}

struct Sample {
  std::string_view name, text;
  Outcome outcome;
};

const Sample kSamples[] = {
    {"length", "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello", Outcome::complete},
    {"length in any case", "HTTP/1.1 200 OK\r\ncOnTeNt-LeNgTh:5 \t\r\n\r\nhello",
     Outcome::complete},
    {"empty body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Outcome::complete},
    {"no reason phrase", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", Outcome::complete},
    {"204 has no body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", Outcome::complete},
    {"1xx goes before",
     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
     "Content-Length: 2\r\n\r\nok",
     Outcome::complete},
    {"chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
     "A;x=\"y\"\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n",
     Outcome::complete},
    {"a header whose name begins like another",
     "HTTP/1.1 200 OK\r\nContent-Length-X: 9\r\n"
     "Content: 9\r\nConnectio: close\r\nContent-Length: 1\r\n\r\nx",
     Outcome::complete},
    {"options", "HTTP/1.1 200 OK\r\nConnection: upgrade ,, Close\r\nContent-Length: 1\r\n\r\nx",
     Outcome::complete},
    {"HTTP/1.0 kept alive",
     "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n"
     "\r\nx",
     Outcome::complete},
    {"body until the end", "HTTP/1.1 200 OK\r\n\r\nhello", Outcome::more},
    {"body cut short", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", Outcome::more},

    {"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Outcome::bad_status},
    {"301", "HTTP/1.1 301 Moved\r\n\r\n", Outcome::bad_status},
    {"101 was not asked for", "HTTP/1.1 101 Switching\r\n\r\n", Outcome::bad_status},

    {"another protocol", "SSH-2.0-x\r\n", Outcome::malformed},
    {"HTTP/2", "HTTP/2.0 200 OK\r\n", Outcome::malformed},
    {"two-digit status", "HTTP/1.1 20 OK\r\n", Outcome::malformed},
    {"four-digit status", "HTTP/1.1 2000 OK\r\n", Outcome::malformed},
    {"status 099", "HTTP/1.1 099 Hm\r\n", Outcome::malformed},
    {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", Outcome::malformed},
    {"bare CR", "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", Outcome::malformed},
    {"space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", Outcome::malformed},
    {"folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Outcome::malformed},
    {"NUL in a value", std::string_view("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25),
     Outcome::malformed},
    {"NUL in a name", std::string_view("HTTP/1.1 200 OK\r\nconnection\0: close\r\n\r\n", 40),
     Outcome::malformed},
    {"no length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Outcome::malformed},
    {"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Outcome::malformed},
    {"two numbers", "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\nx", Outcome::malformed},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
     Outcome::malformed},
    {"length beyond reason", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
     Outcome::malformed},
    {"length and chunks",
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
     "\r\n",
     Outcome::malformed},
    {"gzip was not asked for", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
     Outcome::malformed},
    {"chunked and more", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunkedx\r\n\r\n",
     Outcome::malformed},
    {"a coding cut short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunk\r\n\r\n",
     Outcome::malformed},
    {"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     Outcome::malformed},
    {"no chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
     Outcome::malformed},
    {"chunk longer than it says",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", Outcome::malformed},
    {"chunk size beyond reason",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\n", Outcome::malformed},
    {"folded trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n x\r\n\r\n",
     Outcome::malformed},
};

TEST(ResponseParser, JudgesEachSample) {
  for (const Sample& s : kSamples) EXPECT_EQ(read_whole(s.text).outcome, s.outcome) << s.name;
}

TEST(ResponseParser, SaysTheSameWhereverTheTextIsCut) {
  for (const Sample& s : kSamples) {
    const Reading whole = read_whole(s.text);
    for (std::size_t cut = 0; cut <= s.text.size(); ++cut) {
      ResponseReader reader;
      EXPECT_EQ(read_in_pieces(reader, s.text, {cut}), whole) << s.name << ", cut at " << cut;
    }
  }
}

TEST(ResponseParser, SaysTheSameForAnyRandomPieces) {
  constexpr std::uint64_t kSeed = 20'240'917;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Prng random(kSeed);
  ResponseReader reader;  // one for all: it learns heads on the way
  for (int round = 0; round < 20'000; ++round) {
    const Sample& s = kSamples[random.below(std::size(kSamples))];
    std::vector<std::size_t> cuts(random.below(6));
    for (std::size_t& cut : cuts) cut = random.below(s.text.size() + 1);
    std::sort(cuts.begin(), cuts.end());
    ASSERT_EQ(read_in_pieces(reader, s.text, cuts), read_whole(s.text))
        << s.name << ", round " << round;
  }
}

TEST(ResponseParser, SurvivesAnyOctets) {
  constexpr std::uint64_t kSeed = 7'001;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Prng random(kSeed);
  for (int round = 0; round < 50'000; ++round) {
    std::string text(kSamples[random.below(std::size(kSamples))].text);
    for (std::uint64_t i = 0, n = 1 + random.below(3); i < n; ++i)
      text[random.below(text.size())] = static_cast<char>(random.next() & 0xff);
    const Reading whole = read_whole(text);
    ResponseReader reader;
    ASSERT_EQ(read_in_pieces(reader, text, {random.below(text.size() + 1)}), whole)
        << "round " << round;
  }
}

TEST(ResponseParser, StopsAtTheEndOfTheResponse) {
  const std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const Reading reading = read_whole(one + "HTTP/1.1");
  EXPECT_EQ(reading.outcome, Outcome::complete);
  EXPECT_EQ(reading.used, one.size());
}

TEST(ResponseParser, KnowsWhenTheServerWillClose) {
  const auto closes = [](std::string_view lines) {
    return read_whole(std::string(lines) + "Content-Length: 0\r\n\r\n").closes;
  };
  EXPECT_FALSE(closes("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(closes("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(closes("HTTP/1.1 200 OK\r\nConnection: closed, clos\r\n"));
  EXPECT_TRUE(closes("HTTP/1.1 200 OK\r\nConnection: close\r\n"));
  EXPECT_TRUE(closes("HTTP/1.1 200 OK\r\nconnection: foo,\tCLOSE , bar\r\n"));
  EXPECT_TRUE(closes("HTTP/1.0 200 OK\r\n"));
  EXPECT_FALSE(closes("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"));
}

TEST(ResponseParser, TakesTheEndOfTheConnectionForTheEndOfABodyWithoutLength) {
  load::ResponseParser open_ended, sized;
  std::size_t used = 0;
  ResponseReader reader;
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  reader.read(open_ended, bytes("HTTP/1.1 200 OK\r\n\r\nhel"), used);
  EXPECT_EQ(open_ended.on_end(), Outcome::complete);
  reader.read(sized, bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), used);
  EXPECT_EQ(sized.on_end(), Outcome::malformed);
  EXPECT_EQ(load::ResponseParser{}.on_end(), Outcome::malformed);
}

TEST(ResponseReader, ChecksTheBodyOfAResponseWhoseHeadItKnows) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  ResponseReader reader;
  EXPECT_EQ(read_in_pieces(reader, head + "hello", {}).outcome, Outcome::complete);
  EXPECT_EQ(read_in_pieces(reader, head + "hell", {}).outcome, Outcome::more);
  EXPECT_EQ(read_in_pieces(reader, head + "hello!", {}).used, head.size() + 5);
  EXPECT_EQ(read_in_pieces(reader, "HTTP/1.1 500 OK\r\nContent-Length: 5\r\n\r\nhello", {}).outcome,
            Outcome::bad_status);
  EXPECT_EQ(read_in_pieces(reader, head + "world", {}).outcome, Outcome::complete);
}

TEST(ResponseReader, ReadsHeadsThatAreTooLongToKeep) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nX: " + std::string(2'000, 'x') + "\r\nContent-Length: 2\r\n\r\nok";
  ResponseReader reader;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(read_in_pieces(reader, text, {}).outcome, Outcome::complete);
}

}  // namespace
}  // namespace mayfly::testing
