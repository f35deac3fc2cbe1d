// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/expired_timers.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/unique_fd.h"

namespace reprise::engine {
namespace {

std::string fdinfo(const std::string& ticks, const std::string& left, const std::string& interval) {
  return "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t63107\nclockid: 1\nticks: " + ticks +
         "\nsettime flags: 00\nit_value: " + left + "\nit_interval: " + interval + "\n";
}

TEST(ExpiredTimer, IsPeriodicHasTicksAndNoTimeLeft) {
  EXPECT_EQ(parse_expired_timer(fdinfo("3", "(0, 0)", "(1, 500)")),
            (ExpiredTimer{.ticks = 3, .interval_s = 1, .interval_ns = 500}));
  EXPECT_FALSE(parse_expired_timer(fdinfo("3", "(0, 1)", "(1, 500)")));  // will expire
  EXPECT_FALSE(parse_expired_timer(fdinfo("0", "(0, 0)", "(1, 500)")));  // switched off
  EXPECT_FALSE(parse_expired_timer(fdinfo("1", "(0, 0)", "(0, 0)")));    // expires once
  for (const char* bad : {"", "(", "(0", "(0,", "(0, ", "(0, 0", "0, 0)", "(x, 0)"})
    EXPECT_FALSE(parse_expired_timer(fdinfo("1", bad, "(1, 0)"))) << bad;
  EXPECT_FALSE(parse_expired_timer("pos:\t0\n"));
}

// As CRIU leaves it: off, with an interval and ticks.
TEST(ExpiredTimer, ExpiresAgainAfterTheRestart) {
  const sys::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  itimerspec setting{};
  setting.it_value.tv_nsec = 1;
  setting.it_interval.tv_nsec = 1'000'000;
  ASSERT_EQ(::timerfd_settime(timer.get(), 0, &setting, nullptr), 0);
  pollfd expired{.fd = timer.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&expired, 1, 10'000), 1);
  const auto path = "/proc/self/fdinfo/" + std::to_string(timer.get());
  ASSERT_TRUE(parse_expired_timer(sys::read_file(path).value())) << sys::read_file(path).value();
  ASSERT_TRUE(restart_expired_timers("/proc", ::getpid()));
  for (int expirations = 0; expirations < 3; ++expirations) {
    std::uint64_t ticks = 0;
    ASSERT_EQ(::poll(&expired, 1, 10'000), 1);
    ASSERT_EQ(::read(timer.get(), &ticks, sizeof ticks), static_cast<ssize_t>(sizeof ticks));
    EXPECT_GE(ticks, 1U);
  }
}

}  // namespace
}  // namespace reprise::engine
