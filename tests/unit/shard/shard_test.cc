#include "shard/shard.h"

#include <gtest/gtest.h>

#include "support/mem_port.h"
#include "support/shard_pair.h"

namespace mayfly::testing {
namespace {

TEST(Shard, AnswersOneRequestAndBothEndsForgetTheConnection) {
  Pair pair;
  pair.client_app.to_open = 1;
  pair.run_for(2_s);
  EXPECT_EQ(pair.client_app.answered, 1u);
  EXPECT_EQ(pair.server_app.requests, 1u);
  EXPECT_EQ(pair.server->open_connections(), 0u);
  EXPECT_EQ(pair.client->open_connections(), 0u);
  EXPECT_EQ(pair.client->time_wait_entries(), 1u);  // the client closed first
  EXPECT_EQ(pair.server->time_wait_entries(), 0u);
}

}  // namespace
}  // namespace mayfly::testing
