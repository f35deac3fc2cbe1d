// SPDX-License-Identifier: Apache-2.0
#include "sys/readable.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace reprise::sys {

base::Result<Readable> wait_readable(const UniqueFd& first, const UniqueFd& second,
                                     std::chrono::steady_clock::time_point deadline) {
  pollfd fds[] = {{.fd = first.get(), .events = POLLIN, .revents = 0},
                  {.fd = second.get(), .events = POLLIN, .revents = 0}};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto wait_ms = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, INT_MAX);
    const int ready = ::poll(fds, 2, static_cast<int>(wait_ms));
    if (ready < 0 && errno != EINTR) return base::fail_errno(errno, "waiting for two descriptors");
    if (ready > 0) return fds[0].revents != 0 ? Readable::kFirst : Readable::kSecond;
    if (ready == 0 && wait_ms == 0) return Readable::kNeither;
  }
}

}  // namespace reprise::sys
