// HTTP requests: whatever comes, the answer is well formed and the same wherever the text was cut;
// so the fast scan, which sees whole requests only, and the full parser say the same.
//
// Input: the cuts (pieces.h), then the text.
#include "fuzz/pieces.h"
#include "fuzz/target.h"
#include "unit/service/http_fixture.h"

namespace mayfly::testing {
namespace {

/// What the client got before it closed, without the mark of how the server stood then.
std::string replies_in(const std::string& outcome) {
  std::string replies = outcome;
  for (const std::string_view mark : {"|FIN|", "|open|"})
    if (const std::size_t at = replies.find(mark); at != replies.npos)
      replies.erase(at, mark.size());
  return replies;
}

void run(FuzzInput in) {
  static Server server_first(tight_settings(shard::Closer::server)),
      client_first(tight_settings(shard::Closer::client));
  const CutText cut(in);
  for (Server* server : {&server_first, &client_first}) {
    const std::string whole = outcome(*server, {cut.text});
    EXPECT_TRUE(parse_replies(replies_in(whole)).has_value()) << whole;
    EXPECT_EQ(outcome(*server, cut.pieces()), whole);
    EXPECT_EQ(server->services.http().parsers_used(), 0u);
  }
}

const Target kTarget("http_request", run);

}  // namespace
}  // namespace mayfly::testing
