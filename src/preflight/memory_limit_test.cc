// SPDX-License-Identifier: Apache-2.0
#include "preflight/memory_limit.h"

#include <gtest/gtest.h>

namespace reprise::preflight {
namespace {

TEST(MemoryLimitTest, ReadsWhatPodmanWrites) {
  const auto limit = parse_memory_limit(
      R"({"linux": {"resources": {"memory": {"limit": 314572800, "swap": 629145600}}}})");
  ASSERT_TRUE(limit) << limit.error().message();
  EXPECT_EQ(limit->memory, 314572800);
  EXPECT_EQ(limit->swap, 629145600);
  for (const char* none :
       {"{}", R"({"linux": {}})", R"({"linux": {"resources": {"memory": null}}})"}) {
    const auto no_limit = parse_memory_limit(none);
    ASSERT_TRUE(no_limit) << none;
    EXPECT_EQ(no_limit->memory, 0);
  }
  for (const char* text : {"", R"({"linux": {"resources": {"memory": {"limit": "much"}}}})"})
    EXPECT_FALSE(parse_memory_limit(text)) << text;
}

TEST(MemoryLimitTest, SwapCountsWhereTheHostHasSome) {
  EXPECT_TRUE(suffices({.memory = 0, .swap = 0}, 100, false));
  EXPECT_TRUE(suffices({.memory = 100, .swap = 0}, 100, false));
  EXPECT_FALSE(suffices({.memory = 99, .swap = 0}, 100, true));
  EXPECT_TRUE(suffices({.memory = 99, .swap = 198}, 100, true));
  EXPECT_FALSE(suffices({.memory = 99, .swap = 198}, 100, false));
  EXPECT_TRUE(suffices({.memory = 99, .swap = -1}, 100, true));
}

}  // namespace
}  // namespace reprise::preflight
