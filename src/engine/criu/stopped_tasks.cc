// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/stopped_tasks.h"

#include <sys/syscall.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

#include "container/task_tree.h"
#include "engine/criu/traced.h"
#include "sys/files.h"
#include "sys/process.h"
#include "sys/stop_signal.h"

namespace reprise::engine {

using base::Result;

namespace {

// As long as CRIU itself would try.
constexpr std::chrono::seconds kFreezeLimit{10};

// The signal is pending afterwards: a task takes none while it is frozen. One that stops discards
// the SIGCONT that it follows, so the program's own handler for that does not run either.
Result<void> stop_anew(pid_t pid, int signal) {
  const sys::UniqueFd process = REPRISE_PASS(sys::open_pidfd(pid));
  REPRISE_PASS(sys::send_signal(process, SIGCONT));
  return sys::send_signal(process, signal);
}

struct Place {  // of a process, from its /proc/PID/stat
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
};

Place place_of(const std::filesystem::path& proc, pid_t pid) {
  const std::string stat = sys::read_file(proc / std::to_string(pid) / "stat").value_or("");
  const std::size_t end = stat.rfind(") ");
  Place place;
  if (end == std::string::npos) return place;
  std::istringstream fields(stat.substr(end + 2));
  std::string state;
  fields >> state >> place.parent >> place.group >> place.session;
  return place;
}

// The kernel ignores ^Z and its like in a process group of which no member has a parent in another
// group of its session: nobody could continue it.
bool is_orphaned(const std::filesystem::path& proc, pid_t group,
                 const std::vector<pid_t>& processes) {
  for (const pid_t pid : processes) {
    const Place place = place_of(proc, pid);
    if (place.group != group) continue;
    const Place parent = place_of(proc, place.parent);
    if (parent.group != group && parent.session == place.session) return false;
  }
  return true;
}

// Whether the signal would stop the process once more.
bool would_stop(const std::filesystem::path& proc, pid_t pid, int signal,
                const std::vector<pid_t>& processes) {
  const auto status = sys::read_file(proc / std::to_string(pid) / "status");
  if (!status) return false;
  constexpr int kHexadecimal = 16;
  for (const char* mask : {"SigBlk", "SigIgn", "SigCgt"}) {
    const std::string set = container::status_field(*status, mask);
    if ((std::strtoull(set.c_str(), nullptr, kHexadecimal) >> (signal - 1) & 1U) != 0) return false;
  }
  return !is_orphaned(proc, place_of(proc, pid).group, processes);
}

// What the process is to be stopped by again: what it was stopped by, where that is known and
// works.
int signal_of(pid_t pid, const std::vector<pid_t>& processes) {
  const Result<int> signal = sys::stop_signal(pid);
  if (!signal || *signal == SIGSTOP || !would_stop("/proc", pid, *signal, processes))
    return SIGSTOP;
  return *signal;
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
  std::map<pid_t, int> signals;
  const std::vector<pid_t> processes = container::processes_of("/proc", init);
  for (const pid_t pid : stopped) signals[pid] = signal_of(pid, processes);
  REPRISE_TRY(cgroup.freeze(kFreezeLimit), "freezing the container's stopped processes");
  for (const pid_t pid : stopped)
    if (const Result<void> held = stop_anew(pid, signals[pid]);
        !held && held.error().code() != base::ErrorCode::kGone)
      return std::unexpected(cgroup.thaw_after(held.error()));
  return true;
}

bool StuckSeize::look() {
  // CRIU attaches to a task that is not stopped within microseconds.
  constexpr std::chrono::milliseconds kLong{500};
  const std::filesystem::path proc = "/proc";
  const pid_t tracer = tracer_of(proc / std::to_string(init_));
  if (tracer == 0 || system_call_of(proc / std::to_string(tracer)) != SYS_ptrace) {
    since_.reset();
    return false;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!since_) since_ = now;
  if (now - *since_ < kLong) return false;
  since_.reset();
  return true;
}

}  // namespace reprise::engine
