// SPDX-License-Identifier: Apache-2.0
//
// Periodic timerfds that had expired and were not read when the container was dumped. The kernel
// starts such a timer again when it is read, so at the dump it has no time left, and CRIU 4.2
// restores one without time left as a timer that is off: it would never expire again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace reprise::engine {

// What a /proc/PID/fdinfo/FD tells of a timerfd, where it is such a timer.
struct ExpiredTimer {
  std::uint64_t ticks = 0;  // how often it expired since it was last read
  std::int64_t interval_s = 0;
  std::int64_t interval_ns = 0;
  bool operator==(const ExpiredTimer&) const = default;
};
std::optional<ExpiredTimer> parse_expired_timer(std::string_view fdinfo);

// Starts these timers of `init` and its descendants again, with the ticks that they had; for
// restored tasks that do not run yet. All are tried; returns the first error.
base::Result<void> restart_expired_timers(const std::filesystem::path& proc, pid_t init);

}  // namespace reprise::engine
