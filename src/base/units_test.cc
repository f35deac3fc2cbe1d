// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <gtest/gtest.h>

namespace reprise::base {
namespace {

TEST(FormatBytes, UsesDecimalUnits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.0 kB");
  EXPECT_EQ(format_bytes(52'140'000), "52.1 MB");
  EXPECT_EQ(format_bytes(999'960), "1.0 MB");
  EXPECT_EQ(format_bytes(2'000'000'000), "2.0 GB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "18.4 EB");
}

TEST(FormatDuration, ChoosesItsUnit) {
  EXPECT_EQ(format_duration(0), "0.00 s");
  EXPECT_EQ(format_duration(414), "0.41 s");
  EXPECT_EQ(format_duration(59'999), "1 min 0 s");
  EXPECT_EQ(format_duration(125'000), "2 min 5 s");
  EXPECT_EQ(format_duration(12'000'000), "3 h 20 min");
}

}  // namespace
}  // namespace reprise::base
