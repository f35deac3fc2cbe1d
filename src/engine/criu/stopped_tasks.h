// SPDX-License-Identifier: Apache-2.0
//
// Processes that were stopped by a signal (SIGSTOP, ^Z), around a dump on cgroup v1.
//
// There CRIU freezes the cgroup and attaches to its tasks, and attaching to a task that is stopped
// and frozen waits for ever in the kernel: the stop must be left to be reported, which the freezer
// does not let happen (seen with Linux 6.18, CRIU 4.2.1).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.h"
#include "container/cgroup.h"

namespace reprise::engine {

// The stopped processes among `init` and its descendants.
std::vector<pid_t> stopped_processes(const std::filesystem::path& proc, pid_t init);

// On cgroup v1, freezes the container and turns each stop into one that is yet to come: continued
// and stopped again while frozen, so that no instruction is run; by the same signal, if that would
// still stop it (^Z may be caught by now). CRIU saves a pending stop as what it is. The parent sees
// its child continued and stopped again, as from a shell's `kill`. Returns whether it froze: then
// the caller thaws when the dump is over, whatever came of it. Nothing is done where no process is
// stopped, or on cgroup v2.
base::Result<bool> hold_stopped_tasks(const container::Cgroup& cgroup, pid_t init);

// For a process that is stopped after that, while CRIU begins: sees that CRIU waits for it. A thaw
// lets CRIU go on.
class StuckSeize {
 public:
  explicit StuckSeize(pid_t init) : init_(init) {}

  // To be called now and then until all tasks stand still. Whether CRIU has waited for long.
  bool look();

 private:
  pid_t init_;  // which CRIU attaches to first
  std::optional<std::chrono::steady_clock::time_point> since_;
};

}  // namespace reprise::engine
