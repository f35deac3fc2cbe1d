// SPDX-License-Identifier: Apache-2.0
#include "engine/preload/exec_area.h"

#include <gtest/gtest.h>

namespace reprise::engine::preload {
namespace {

ExecAreas areas_of(std::initializer_list<std::string_view> lines) {
  ExecAreas areas;
  for (const std::string_view line : lines)
    if (const auto area = parse_area(line)) areas.add(*area);
  return areas;
}

TEST(ExecArea, ReadsALine) {
  const auto area = parse_area("7f0a1000-7f0a3000 rw-s 00000000 00:01 1 /dev/zero (deleted)");
  ASSERT_TRUE(area);
  EXPECT_EQ(area->start, 0x7f0a1000U);
  EXPECT_EQ(area->end, 0x7f0a3000U);
  EXPECT_TRUE(area->writable && area->shared && !area->executable);
  for (const char* line : {"", "7f", "7f-", "7f-80", "7f-80 r-", "xy-80 r-xp", "7f 80 r-xp"})
    EXPECT_FALSE(parse_area(line)) << line;
}

// PHP 8.4: its compiled code comes before the program, and is shared by all workers.
TEST(ExecArea, SharedCodeThatComesFirstNeedsADetour) {
  const auto areas = areas_of({"200000-300000 r-xs", "300000-301000 r--p", "400000-401000 r-xp"});
  EXPECT_TRUE(areas.needs_detour());
  EXPECT_EQ(areas.first.start, 0x200000U);
  EXPECT_EQ(areas.instead.start, 0x400000U);
}

TEST(ExecArea, OthersNeedNone) {
  EXPECT_FALSE(areas_of({"200000-201000 r-xp", "300000-400000 r-xs"}).needs_detour());
  EXPECT_FALSE(areas_of({"200000-300000 rwxs", "400000-401000 r-xp"}).needs_detour());
  EXPECT_FALSE(areas_of({"200000-200800 r-xs", "400000-401000 r-xp"}).needs_detour());
  EXPECT_FALSE(areas_of({}).needs_detour());
}

TEST(ExecArea, TheKernelsPageIsNoWayRound) {
  const auto areas = areas_of({"200000-300000 r-xs", "ffffffffff600000-ffffffffff601000 --xp"});
  EXPECT_TRUE(areas.needs_detour());
  EXPECT_EQ(areas.instead.end, 0U);
}

}  // namespace
}  // namespace reprise::engine::preload
