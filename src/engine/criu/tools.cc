// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/tools.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <ranges>
#include <string>
#include <string_view>
#include <thread>

#include "container/task_tree.h"
#include "engine/criu/hook.h"
#include "sys/files.h"
#include "sys/mountinfo.h"
#include "sys/proc_entries.h"
#include "sys/unmount.h"

namespace reprise::engine {

using base::Error;
using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kPoll{20};
// A process that does not sit in the kernel is gone within this time after SIGKILL.
constexpr milliseconds kKillPatience{2000};

bool has_variable(pid_t pid, const std::string& variable) {
  // A process that ends while we look, or a zombie, has no environment.
  const Result<std::string> environment =
      sys::read_file("/proc/" + std::to_string(pid) + "/environ");
  if (!environment) return false;
  const std::string whole = '\0' + *environment;
  return whole.contains('\0' + variable + '\0');
}

bool is_criu(pid_t pid) {
  return sys::read_file("/proc/" + std::to_string(pid) + "/comm").value_or("") == "criu\n";
}

bool is_criu_in(pid_t pid, const std::filesystem::path& work_dir) {
  const std::filesystem::path process = "/proc/" + std::to_string(pid);
  return !work_dir.empty() && sys::link_target(process / "cwd") == work_dir && is_criu(pid);
}

// By a signal; what a tracer holds is "t".
bool is_stopped(pid_t pid) {
  const auto status = sys::read_file("/proc/" + std::to_string(pid) + "/status");
  return container::status_field(status.value_or(""), "State").starts_with('T');
}

void signal_all(const std::vector<sys::ProcessRef>& processes, int signal) {
  for (const sys::ProcessRef& process : processes) {
    const auto pidfd = sys::open_pidfd(process.pid);
    // Asked again with the pidfd open: the pid may have been given to another.
    if (pidfd && sys::is_alive(process)) [[maybe_unused]]
      const auto sent = sys::send_signal(*pidfd, signal);
  }
}

void answer_for(milliseconds time, const ToolsEnd& end) {
  if (end.hook_listener == nullptr) return std::this_thread::sleep_for(time);
  pollfd poll_fd{.fd = end.hook_listener->fd().get(), .events = POLLIN, .revents = 0};
  if (::poll(&poll_fd, 1, static_cast<int>(time.count())) <= 0) return;
  if (auto question = accept_question(*end.hook_listener)) [[maybe_unused]]
    const auto answered = answer(*question, end.verdict);
}

// Whether none is left at `deadline`.
bool wait_for_end(const ToolsEnd& end, steady_clock::time_point deadline) {
  while (!tool_processes(end.work_dir).empty()) {
    if (steady_clock::now() >= deadline) return false;
    answer_for(kPoll, end);
  }
  return true;
}

// A CRIU that was killed leaves what it mounted for itself: the host's cgroups, for a restore
// (criu/cgroup.c, ".criu.cgyard.XXXXXX"). Whoever removes the directory must not find them there.
Result<void> release_mounts(const std::filesystem::path& work_dir) {
  std::error_code missing;
  const std::string below = std::filesystem::canonical(work_dir, missing).string() + "/";
  if (missing) return {};
  const auto mounts = sys::parse_mountinfo(REPRISE_PASS(sys::read_file("/proc/self/mountinfo")));
  for (const sys::Mount& mount : std::ranges::reverse_view(mounts)) {
    if (!mount.mount_point.starts_with(below)) continue;
    REPRISE_PASS(sys::detach_mount(mount.mount_point));
    // Only where it was mounted directly in there: the rest were directories of the mount.
    std::filesystem::remove(mount.mount_point, missing);
  }
  return {};
}

}  // namespace

std::filesystem::path criu_config_file(const std::filesystem::path& work_dir) {
  return work_dir / "criu.conf";
}

bool is_tool(pid_t pid, const std::filesystem::path& work_dir) {
  std::error_code missing;
  return has_variable(pid, "CRIU_CONFIG_FILE=" + criu_config_file(work_dir).string()) ||
         is_criu_in(pid, std::filesystem::canonical(work_dir, missing));
}

std::vector<sys::ProcessRef> tool_processes(const std::filesystem::path& work_dir) {
  std::vector<sys::ProcessRef> found;
  for (const pid_t pid : sys::processes_in("/proc")) {
    if (!is_tool(pid, work_dir)) continue;
    if (const auto process = sys::process_ref(pid)) found.push_back(*process);
  }
  return found;
}

EngineState criu_state(const std::filesystem::path& work_dir) {
  EngineState state = EngineState::kGone;
  for (const sys::ProcessRef& process : tool_processes(work_dir)) {
    if (!is_criu(process.pid)) continue;
    // One is enough: the tasks that a restore makes are called so as well, and wait for the others.
    if (is_stopped(process.pid)) return EngineState::kStopped;
    state = EngineState::kRuns;
  }
  return state;
}

void wake_tools(const std::filesystem::path& work_dir) {
  signal_all(tool_processes(work_dir), SIGCONT);
}

Result<void> end_tools(const ToolsEnd& end) {
  wake_tools(end.work_dir);
  if (wait_for_end(end, steady_clock::now() + end.patience)) return release_mounts(end.work_dir);
  // Again and again: one that is being killed may have started another.
  const auto deadline = steady_clock::now() + kKillPatience;
  while (steady_clock::now() < deadline) {
    signal_all(tool_processes(end.work_dir), SIGKILL);
    if (wait_for_end(end, steady_clock::now() + kPoll)) return release_mounts(end.work_dir);
  }
  const auto left = tool_processes(end.work_dir);
  if (left.empty()) return {};
  return std::unexpected(
      Error(ErrorCode::kBusy, "process " + std::to_string(left.front().pid) +
                                  " of CRIU or runc does not end, even by SIGKILL")
          .with_hint("it sits in the kernel: a file system or device that does not answer?"));
}

}  // namespace reprise::engine
