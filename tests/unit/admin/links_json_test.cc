#include "admin/links_json.h"

#include <gtest/gtest.h>

#include "support/json_keys.h"

namespace mayfly::testing {
namespace {

TEST(LinksJson, HasItsTableInTheDocumentation) {
  EXPECT_EQ(documented_rows("links"), rows_of(admin::link_json_keys()));
}

}  // namespace
}  // namespace mayfly::testing
