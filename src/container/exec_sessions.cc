// SPDX-License-Identifier: Apache-2.0
#include "container/exec_sessions.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <thread>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::container {
namespace {

using std::chrono::steady_clock;
using std::filesystem::path;

bool is_at_home(const path& process, const path& init) {
  for (const char* name : {"ns/mnt", "ns/pid"})
    if (sys::link_target(process / name) != sys::link_target(init / name)) return false;
  const auto own = sys::read_file(process / "cgroup");
  const auto first = sys::read_file(init / "cgroup");
  return own && first && *own == *first;
}

void signal_all(const std::vector<pid_t>& processes, int signal) {
  for (const pid_t pid : processes)
    if (const auto process = sys::open_pidfd(pid)) [[maybe_unused]]
      const auto sent = sys::send_signal(*process, signal);
}

bool are_gone_by(const path& proc, pid_t init, steady_clock::time_point deadline) {
  constexpr std::chrono::milliseconds kPoll{5};
  while (!executed_processes(proc, init).empty()) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

}  // namespace

std::vector<pid_t> executed_processes(const path& proc, pid_t init) {
  const path first = proc / std::to_string(init);
  const std::string mounts = sys::link_target(first / "ns/mnt");
  std::vector<pid_t> found;
  if (mounts.empty() || mounts == sys::link_target(proc / "self/ns/mnt")) return found;
  const std::vector<pid_t> own = processes_of(proc, init);
  for (const pid_t pid : sys::processes_in(proc)) {
    const path process = proc / std::to_string(pid);
    // A zombie has no namespaces left, and waits for its parent only.
    if (sys::link_target(process / "ns/mnt") == mounts &&
        std::ranges::find(own, pid) == own.end() && is_at_home(process, first))
      found.push_back(pid);
  }
  return found;
}

void end_executed_processes(const path& proc, pid_t init, std::chrono::milliseconds patience) {
  const std::vector<pid_t> processes = executed_processes(proc, init);
  if (processes.empty()) return;
  signal_all(processes, SIGTERM);
  if (are_gone_by(proc, init, steady_clock::now() + patience)) return;
  constexpr std::chrono::seconds kKilled{2};
  signal_all(executed_processes(proc, init), SIGKILL);
  are_gone_by(proc, init, steady_clock::now() + kKilled);
}

}  // namespace reprise::container
