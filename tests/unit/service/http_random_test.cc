// Requests that are cut in pieces and requests that are broken: the fast scan and the full parser
// must say the same, wherever a request is cut, and nothing that a client sends may do more harm
// than to get an error.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/prng.h"
#include "http_fixture.h"

namespace mayfly::testing {
namespace {

using shard::Closer;

const std::vector<std::string>& samples() {
  static const std::vector<std::string> all = {
      get("/"),
      get("/small", "Connection: close\r\n"),
      get("/", "connection:keep-alive \r\nAccept: */*\r\nUser-Agent: t\xe4st/1.0\r\n"),
      get("/", "Connection: foo, close\r\n"),
      get("/", "Connection: keep-alive\r\nConnection: close\r\n"),
      get("/", "Proxy-Connection: close\r\n"),
      get("/", "Connection: Upgrade\r\nUpgrade: h2c\r\n") + get("/"),
      get("/") + get("/small") + "HEAD / HTTP/1.1\r\nHost: m\r\n\r\n" + get("/none") + get("/"),
      "GET / HTTP/1.0\r\n\r\n",
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/"),
      "HEAD /none HTTP/1.1\r\nHost: m\r\n\r\n",
      "\r\n" + get("/a%20b?q=%zz#f"),
      get("http://m/small?x"),
      get("/", "Content-Length: 12\r\n") + "GET / HTTP/1" + get("/"),
      get("/", "Content-Length: 0\r\n") + get("/"),
      get("/", "Transfer-Encoding: chunked\r\n") + "4;a=b\r\nwxyz\r\n1\r\nq\r\n0\r\nT: t\r\n\r\n" +
          get("/"),
      get("/", "Expect: 100-continue\r\nContent-Length: 4\r\n") + "body" + get("/"),
      get("/", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n") + "1\r\nx\r\n0\r\n\r\n",
      get("/", "Expect: something\r\nContent-Length: 4\r\n"),
      get("/", "Transfer-Encoding: gzip, chunked\r\n"),
      get("/", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
      get("/", "Content-Length: 4\r\nContent-Length: 4\r\n"),
      get("/", "Content-Length: 99999999\r\n"),
      get("/", "Transfer-Encoding: chunked\r\n") + "zz\r\n",
      get("/", "Host: again\r\n"),
      get("/", "A: b\r\n folded\r\n"),
      get("/", "A: " + std::string(600, 'v') + "\r\n"),
      get("/" + std::string(1'100, 'p')),
      get("/", "Host : m\r\n"),
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: m\r\nX:\r\n\r\n",
      "GET / HTTP/1.1\nHost: m\n\n",
      "GET / HTTP/2.0\r\nHost: m\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\n\r\nabc",
      "OPTIONS * HTTP/1.1\r\nHost: m\r\n\r\n",
      "CONNECT m:443 HTTP/1.1\r\nHost: m\r\n\r\n",
      "BREW /pot HTTP/1.1\r\nHost: m\r\n\r\n",
      "G\x01T / HTTP/1.1\r\nHost: m\r\n\r\n",
      "GET /\r\n\r\n",
  };
  return all;
}

std::vector<std::string_view> random_pieces(std::string_view text, Prng& random) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    pieces.push_back(text.substr(0, 1 + random.below(std::min<std::size_t>(text.size(), 40))));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

// The full parser takes ten times as long.
TEST(RequestScan, TakesWhatCommonClientsSend) {
  for (const std::string& text :
       {get("/"), get("/", "Connection: close\r\n"), get("/", "Connection: keep-alive\r\n"),
        get("/", "User-Agent: curl/7.88.1\r\nAccept: */*\r\n"),
        std::string("GET / HTTP/1.0\r\nHost: m\r\nAccept: */*\r\n\r\n")}) {
    const auto scanned = service::scan_request(std::as_bytes(std::span(text)), text.size());
    EXPECT_EQ(scanned.size, text.size()) << text;
  }
}

TEST(HttpPieces, AnswersDoNotDependOnWhereRequestsAreCut) {
  for (const Closer first : {Closer::server, Closer::client}) {
    Server server(tight_settings(first));
    for (const std::string& text : samples()) {
      const std::string whole = outcome(server, {text});
      const std::string_view all = text;
      for (std::size_t cut = 1; cut < all.size(); ++cut) {
        ASSERT_EQ(outcome(server, {all.substr(0, cut), all.substr(cut)}), whole)
            << text << "\ncut at " << cut;
      }
      std::vector<std::string_view> bytes;
      for (std::size_t i = 0; i < all.size(); ++i) bytes.push_back(all.substr(i, 1));
      ASSERT_EQ(outcome(server, bytes), whole) << text;
    }
    EXPECT_EQ(server.services.http().parsers_used(), 0u);
  }
}

std::string mutated(Prng& random) {
  static constexpr std::string_view kPieces[] = {"\r\n",
                                                 "\r",
                                                 "\n",
                                                 " ",
                                                 "\t",
                                                 ":",
                                                 "%",
                                                 "..",
                                                 "/",
                                                 "?",
                                                 ",",
                                                 ";",
                                                 "Content-Length: 5\r\n",
                                                 "Host: h\r\n",
                                                 "Transfer-Encoding: chunked\r\n",
                                                 "Connection: close\r\n",
                                                 "Connection: keep-alive\r\n",
                                                 "HTTP/1.1",
                                                 "GET / HTTP/1.1\r\n",
                                                 "Expect: 100-continue\r\n",
                                                 "0\r\n\r\n"};
  std::string text = samples()[random.below(samples().size())];
  if (random.chance(0.3)) text += samples()[random.below(samples().size())];
  for (std::uint64_t edits = random.below(5); edits > 0 && !text.empty(); --edits) {
    const std::size_t at = random.below(text.size());
    switch (random.below(5)) {
      case 0: text[at] = static_cast<char>(random.below(256)); break;
      case 1: text.erase(at, 1 + random.below(8)); break;
      case 2: text.insert(at, kPieces[random.below(std::size(kPieces))]); break;
      case 3: text.insert(at, text.substr(random.below(text.size()), random.below(30))); break;
      default: text[at] = static_cast<char>(text[at] ^ 1 << random.below(8)); break;
    }
  }
  return text;
}

TEST(HttpPieces, ATabAfterTheConnectionOptionMeansTheSameWholeAndInPieces) {
  for (const char* const option : {"close\t", "close \t", "keep-alive\t", "\tclose"}) {
    const std::string text =
        std::string("GET /small HTTP/1.1\r\nHost: h\r\nConnection: ") + option + "\r\n\r\n";
    Server whole(tight_settings(Closer::client)), parted(tight_settings(Closer::client));
    EXPECT_EQ(outcome(whole, {text}), outcome(parted, {text.substr(0, 30), text.substr(30)}))
        << option;
  }
}

TEST(HttpPieces, BrokenRequestsGetValidAnswersOrAClose) {
  const char* const given = std::getenv("MAYFLY_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  std::cout << "MAYFLY_SEED=" << seed << "\n";
  Prng random(seed);
  Server servers[] = {Server(tight_settings(Closer::server)),
                      Server(tight_settings(Closer::client))};
  for (int i = 0; i < 100'000; ++i) {
    Server& server = servers[i % 2];
    const std::string text = mutated(random);
    const std::string whole = outcome(server, {text});
    std::string replies = whole;
    const std::size_t mark = std::min(whole.find("|FIN|"), whole.find("|open|"));
    replies.erase(mark, whole.compare(mark, 5, "|FIN|") == 0 ? 5 : 6);
    ASSERT_TRUE(parse_replies(replies).has_value()) << "try " << i << ": " << text << "\n" << whole;
    ASSERT_EQ(outcome(server, random_pieces(text, random)), whole) << "try " << i << ": " << text;
    ASSERT_EQ(server.services.http().parsers_used(), 0u);
  }
}

}  // namespace
}  // namespace mayfly::testing
