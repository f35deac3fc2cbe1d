// SPDX-License-Identifier: Apache-2.0
//
// POSIX timers that signal a certain thread (SIGEV_THREAD_ID), as glibc has them made for
// SIGEV_THREAD, and as Go's profiler does. CRIU 4.2 saves them before it knows the threads' ids in
// their PID namespace, so in a container it gives up, or saves some number, with which no restore
// succeeds. It does not hear of those threads (engine/preload/timers.cc).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>

#include "base/result.h"

namespace reprise::engine {

// Of the text of a /proc/PID/timers: numbers of such timers to the ids of their threads, as the
// reader's PID namespace has them; 0 for a thread that has ended.
std::map<std::uint32_t, pid_t> parse_timer_threads(std::string_view timers);

// Whether a process of `init`'s tree has such a timer.
bool has_timer_threads(const std::filesystem::path& proc, pid_t init);

// Puts the threads' ids in the container into CRIU's images in `spool`. CRIU must have finished
// writing, and the tasks of `init`'s tree must stand still.
base::Result<void> mend_timer_threads(const std::filesystem::path& spool,
                                      const std::filesystem::path& proc, pid_t init);

}  // namespace reprise::engine
