// SPDX-License-Identifier: Apache-2.0
#include "session/freeze_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reprise::session {
namespace {

using std::chrono::milliseconds;

bool rings_within(const FreezeWatch& watch, int limit_ms) {
  pollfd ring{.fd = watch.fd().get(), .events = POLLIN, .revents = 0};
  return ::poll(&ring, 1, limit_ms) > 0;
}

TEST(FreezeWatch, IsSilentUntilBegunAndAfterItsEnd) {
  FreezeWatch watch = FreezeWatch::create().value();
  EXPECT_EQ(watch.left(), milliseconds(0));
  ASSERT_TRUE(watch.begin(std::chrono::seconds(1)));
  watch.end();
  EXPECT_FALSE(rings_within(watch, 0));
  EXPECT_EQ(watch.left(), milliseconds(0));
}

TEST(FreezeWatch, KeepsAPartOfTheLimitForLettingGo) {
  FreezeWatch watch = FreezeWatch::create().value();
  ASSERT_TRUE(watch.begin(std::chrono::seconds(300)));
  EXPECT_GT(watch.left(), std::chrono::seconds(290));
  EXPECT_LE(watch.left(), std::chrono::seconds(300));
  ASSERT_TRUE(watch.begin(std::chrono::seconds(1)));
  EXPECT_TRUE(rings_within(watch, 60'000));
  EXPECT_LE(watch.left(), milliseconds(250));
}

// The session winds it, and is killed: its guard hears it nonetheless.
TEST(FreezeWatch, GoesOnWithoutWhoWoundIt) {
  FreezeWatch watch = FreezeWatch::create().value();
  for (const int limit : {300, 1}) {
    const pid_t session = ::fork();
    if (session == 0) ::_exit(watch.begin(std::chrono::seconds(limit)) ? 0 : 1);
    int status = 0;
    ASSERT_EQ(::waitpid(session, &status, 0), session);
    ASSERT_EQ(status, 0);
    if (limit > 1) {
      EXPECT_GT(watch.left(), milliseconds(0));
    }
  }
  EXPECT_TRUE(rings_within(watch, 60'000));
}

}  // namespace
}  // namespace reprise::session
