// SPDX-License-Identifier: Apache-2.0
#include "session/freeze_watch.h"

#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace reprise::session {

using base::Result;
using std::chrono::milliseconds;

namespace {

timespec to_timespec(milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds);
  return {.tv_sec = seconds.count(), .tv_nsec = rest.count()};
}

milliseconds to_milliseconds(const timespec& time) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(time.tv_sec) +
                                                  std::chrono::nanoseconds(time.tv_nsec));
}

// What of a freeze's limit is kept for letting the tasks go: CRIU needs a moment to cure them.
milliseconds time_to_let_go(milliseconds limit) {
  constexpr milliseconds kMost{5000};
  constexpr int kPart = 4;
  return std::min(kMost, limit / kPart);
}

}  // namespace

Result<FreezeWatch> FreezeWatch::create() {
  sys::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.valid()) return base::fail_errno(errno, "making the freeze's clock");
  return FreezeWatch(std::move(timer));
}

Result<void> FreezeWatch::begin(milliseconds limit) {
  // The second ring is the limit itself, so that the timer alone tells what is left of it.
  const milliseconds rest = time_to_let_go(limit);
  const itimerspec when{.it_interval = to_timespec(rest), .it_value = to_timespec(limit - rest)};
  if (::timerfd_settime(timer_.get(), 0, &when, nullptr) != 0)
    return base::fail_errno(errno, "winding the freeze's clock");
  return {};
}

void FreezeWatch::end() {
  const itimerspec never{};
  ::timerfd_settime(timer_.get(), 0, &never, nullptr);
}

milliseconds FreezeWatch::left() const {
  itimerspec timer{};
  if (::timerfd_gettime(timer_.get(), &timer) != 0) return milliseconds(0);
  pollfd rung{.fd = timer_.get(), .events = POLLIN, .revents = 0};
  const bool is_due = ::poll(&rung, 1, 0) > 0;
  return to_milliseconds(timer.it_value) +
         (is_due ? milliseconds(0) : to_milliseconds(timer.it_interval));
}

}  // namespace reprise::session
