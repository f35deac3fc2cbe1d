// SPDX-License-Identifier: Apache-2.0
#include "engine/tools.h"

#include <poll.h>

#include <csignal>
#include <string>
#include <string_view>
#include <thread>

#include "sys/files.h"
#include "sys/proc_entries.h"

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

}  // namespace

std::filesystem::path criu_config_file(const std::filesystem::path& work_dir) {
  return work_dir / "criu.conf";
}

std::vector<sys::ProcessRef> tool_processes(const std::filesystem::path& work_dir) {
  const std::string variable = "CRIU_CONFIG_FILE=" + criu_config_file(work_dir).string();
  std::vector<sys::ProcessRef> found;
  for (const pid_t pid : sys::processes_in("/proc")) {
    if (!has_variable(pid, variable)) continue;
    if (const auto process = sys::process_ref(pid)) found.push_back(*process);
  }
  return found;
}

Result<void> end_tools(const ToolsEnd& end) {
  signal_all(tool_processes(end.work_dir), SIGCONT);
  if (wait_for_end(end, steady_clock::now() + end.patience)) return {};
  // Again and again: one that is being killed may have started another.
  const auto deadline = steady_clock::now() + kKillPatience;
  while (steady_clock::now() < deadline) {
    signal_all(tool_processes(end.work_dir), SIGKILL);
    if (wait_for_end(end, steady_clock::now() + kPoll)) return {};
  }
  const auto left = tool_processes(end.work_dir);
  if (left.empty()) return {};
  return std::unexpected(
      Error(ErrorCode::kBusy, "process " + std::to_string(left.front().pid) +
                                  " of CRIU or runc does not end, even by SIGKILL")
          .with_hint("it sits in the kernel: a file system or device that does not answer?"));
}

}  // namespace reprise::engine
