// SPDX-License-Identifier: Apache-2.0
#include "preflight/cpu_features.h"

#include <gtest/gtest.h>

namespace reprise::preflight {
namespace {

TEST(CpuFeatures, AreThoseThatProgramsUse) {
  EXPECT_EQ(cpu_features("processor\t: 0\nflags\t\t: fpu sse2 avx2 constant_tsc ibrs avx512f\n"
                         "bugs\t\t: spectre_v1\nprocessor\t: 1\nflags\t\t: sse2\n"),
            "avx2 avx512f sse2");
  EXPECT_EQ(cpu_features("processor\t: 0\nFeatures\t: fp asimd sve\n"), "asimd fp sve");
  EXPECT_EQ(cpu_features("no such line"), "");
}

TEST(CpuFeatures, ThoseThatAreMissingAreNamed) {
  EXPECT_EQ(missing_features("avx2 avx512f sse2", "sse2 avx2"), "avx512f");
  EXPECT_EQ(missing_features("a b c", "b"), "a, c");
  EXPECT_EQ(missing_features("sse2", "avx2 sse2"), "");
  EXPECT_EQ(missing_features("", ""), "");
}

}  // namespace
}  // namespace reprise::preflight
