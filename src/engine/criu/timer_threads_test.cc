// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/timer_threads.h"

#include <gtest/gtest.h>

namespace reprise::engine {
namespace {

TEST(TimerThreads, AreThoseOfTimersThatSignalOne) {
  const auto threads = parse_timer_threads(
      "ID: 0\nsignal: 10/0000000001234567\nnotify: signal/pid.4711\nClockID: 1\n"
      "ID: 3\nsignal: 34/0000000000000000\nnotify: signal/tid.4712\nClockID: 1\n"
      "ID: 4\nsignal: 34/0000000000000000\nnotify: signal/tid.0\nClockID: 3\n"
      "ID: 5\nsignal: 34/0000000000000000\nnotify: none/tid.0\nClockID: 3\n");
  EXPECT_EQ(threads, (std::map<std::uint32_t, pid_t>{{3, 4712}, {4, 0}}));
  EXPECT_TRUE(parse_timer_threads("").empty());
}

}  // namespace
}  // namespace reprise::engine
