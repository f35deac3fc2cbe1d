// SPDX-License-Identifier: Apache-2.0
//
// Which processes of a container live in a Landlock sandbox. The kernel tells nobody, also not in
// /proc; CRIU does not know of it, and would restore the process without its sandbox.
//
// So it is tried out: who lives in such a sandbox may not look at processes outside of it. Each
// thread that may have entered one (which takes "no new privileges" or CAP_SYS_ADMIN) is stopped
// for a moment and made to look at a process with the same rights, an ended child of ours in the
// container's PID namespace. It goes on exactly where it was (sys/seized_thread.h).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::preflight {

struct Confined {
  pid_t process = 0;
  // Empty: it is in a sandbox. Else why that could not be found out, which is no "no".
  std::string doubt;
};

// Those of `processes` that are in a Landlock sandbox with at least one thread, or may be; `init`
// is the container's first process, of procfs `proc`. Blocks for a tenth of a millisecond per
// thread, and for a second where one does not stop. Needs CAP_SYS_ADMIN and CAP_SYS_PTRACE.
std::vector<Confined> find_landlocked(const std::filesystem::path& proc, pid_t init,
                                      const std::vector<pid_t>& processes);

// Whether a thread with this /proc/PID/status can have entered a sandbox. Pure.
bool may_be_landlocked(std::string_view status, std::string_view status_of_init);

}  // namespace reprise::preflight
