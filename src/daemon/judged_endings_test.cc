// SPDX-License-Identifier: Apache-2.0
#include "daemon/judged_endings.h"

#include <gtest/gtest.h>

namespace reprise::daemon {
namespace {

TEST(JudgedEndings, ASessionMayBeginForAMoment) {
  JudgedEndings endings;
  const auto now = JudgedEndings::Clock::now();
  endings.note("u1", "app", now);
  EXPECT_TRUE(endings.may_begin("u1", "app", now + JudgedEndings::kMoment));
  EXPECT_FALSE(endings.may_begin("u1", "app", now + JudgedEndings::kMoment * 2));
  EXPECT_FALSE(endings.may_begin("u1", "side", now));
  EXPECT_FALSE(endings.may_begin("u2", "app", now));
}

}  // namespace
}  // namespace reprise::daemon
