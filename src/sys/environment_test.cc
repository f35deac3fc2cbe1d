// SPDX-License-Identifier: Apache-2.0
#include "sys/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace reprise::sys {
namespace {

TEST(EnvironmentTest, IsWhatTheProcessHasAtThatMoment) {
  ::setenv("REPRISE_TEST_VARIABLE", "a=b", 1);
  ::setenv("REPRISE_TEST_EMPTY", "", 1);
  const Environment read = read_environment();
  ::setenv("REPRISE_TEST_VARIABLE", "later", 1);
  EXPECT_EQ(variable(read, "REPRISE_TEST_VARIABLE"), "a=b");
  EXPECT_TRUE(read.contains("REPRISE_TEST_EMPTY"));
  EXPECT_EQ(variable(read, "REPRISE_TEST_EMPTY"), "");
  EXPECT_EQ(variable(read, "REPRISE_NO_SUCH_VARIABLE"), "");
  ::unsetenv("REPRISE_TEST_VARIABLE");
  ::unsetenv("REPRISE_TEST_EMPTY");
}

}  // namespace
}  // namespace reprise::sys
