// SPDX-License-Identifier: Apache-2.0
#include "engine/stopped_tasks.h"

#include <chrono>
#include <csignal>
#include <string>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::engine {

using base::Result;

namespace {

// As long as CRIU itself would try.
constexpr std::chrono::seconds kFreezeLimit{10};

// The signal is pending afterwards: a task takes none while it is frozen. SIGSTOP discards the
// SIGCONT that it follows, so the program's own handler for that does not run either.
Result<void> stop_anew(pid_t pid) {
  const sys::UniqueFd process = REPRISE_PASS(sys::open_pidfd(pid));
  REPRISE_PASS(sys::send_signal(process, SIGCONT));
  return sys::send_signal(process, SIGSTOP);
}

}  // namespace

std::vector<pid_t> stopped_processes(const std::filesystem::path& proc, pid_t init) {
  std::vector<pid_t> stopped;
  for (const pid_t pid : container::processes_of(proc, init)) {
    const auto status = sys::read_file(proc / std::to_string(pid) / "status");
    if (status && container::status_field(*status, "State").starts_with('T'))
      stopped.push_back(pid);
  }
  return stopped;
}

Result<bool> hold_stopped_tasks(const container::Cgroup& cgroup, pid_t init) {
  if (!cgroup.has_v1_freezer()) return false;
  const std::vector<pid_t> stopped = stopped_processes("/proc", init);
  if (stopped.empty()) return false;
  REPRISE_TRY(cgroup.freeze(kFreezeLimit), "freezing the container's stopped processes");
  for (const pid_t pid : stopped)
    if (const Result<void> held = stop_anew(pid);
        !held && held.error().code() != base::ErrorCode::kGone) {
      base::Error error = held.error();
      if (const Result<void> thawed = cgroup.thaw(); !thawed)
        error = std::move(error).with_suppressed(thawed.error());
      return std::unexpected(std::move(error));
    }
  return true;
}

}  // namespace reprise::engine
