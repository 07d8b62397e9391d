// The generator's response parser: the same verdict after the same octet wherever the text was cut,
// and a reader that knows the head already agrees with one that reads it for the first time.
//
// Input: the cuts (pieces.h), then the text.
#include "fuzz/pieces.h"
#include "fuzz/target.h"
#include "load/response.h"

namespace mayfly::testing {
namespace {

using Outcome = load::ResponseParser::Outcome;

struct Reading {
  Outcome outcome = Outcome::more;
  std::size_t used = 0;  ///< octets up to the one that decided
  bool closes = false;
  Outcome at_end = Outcome::more;  ///< if the peer sends no more
  bool operator==(const Reading&) const = default;
};

Reading read(load::ResponseReader& reader, const std::vector<std::string_view>& pieces) {
  load::ResponseParser parser;
  Reading reading;
  for (const std::string_view piece : pieces) {
    const std::vector<char> copy(piece.begin(), piece.end());  // a sanitizer sees overruns
    std::size_t used = 0;
    reading.outcome = reader.read(parser, std::as_bytes(std::span(copy)), used);
    EXPECT_LE(used, copy.size());
    reading.used += used;
    if (reading.outcome != Outcome::more) break;
    EXPECT_EQ(used, copy.size()) << "stopped without a verdict";
  }
  reading.closes = reading.outcome == Outcome::complete && parser.closes();
  if (reading.outcome == Outcome::more) reading.at_end = parser.on_end();
  return reading;
}

void run(FuzzInput in) {
  const CutText cut(in);
  load::ResponseReader reader, other;
  const Reading whole = read(reader, {cut.text});
  EXPECT_TRUE(read(other, cut.pieces()) == whole);
  EXPECT_TRUE(read(reader, {cut.text}) == whole) << "a known head is read otherwise";
  EXPECT_TRUE(read(reader, cut.pieces()) == whole);
}

const Target kTarget("http_response", run);

}  // namespace
}  // namespace mayfly::testing
