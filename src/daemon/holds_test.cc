// SPDX-License-Identifier: Apache-2.0
#include "daemon/holds.h"

#include <gtest/gtest.h>

namespace reprise::daemon {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(Holds, APodIsHeldForALimitedTime) {
  Holds holds(minutes(10));
  const Holds::Time now{};
  EXPECT_TRUE(holds.may_hold("u1", now));
  EXPECT_TRUE(holds.may_hold("u1", now + minutes(9)));
  EXPECT_TRUE(holds.may_hold("u2", now + minutes(9))) << "each for itself";
  EXPECT_FALSE(holds.may_hold("u1", now + minutes(10)));
  EXPECT_FALSE(holds.may_hold("u1", now + minutes(29)));
  EXPECT_TRUE(holds.may_hold("u2", now + minutes(18)));
}

TEST(Holds, AndAnewForAnotherCause) {
  Holds holds(minutes(10));
  const Holds::Time now{};
  EXPECT_TRUE(holds.may_hold("u1", now));
  holds.release("u1");
  EXPECT_TRUE(holds.may_hold("u1", now + minutes(11)));
  EXPECT_TRUE(holds.may_hold("u1", now + minutes(60))) << "the first was long ago";
}

TEST(Holds, OrNotAtAll) { EXPECT_FALSE(Holds(seconds(0)).may_hold("u1", Holds::Time{})); }

}  // namespace
}  // namespace reprise::daemon
