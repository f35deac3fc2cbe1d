// SPDX-License-Identifier: Apache-2.0
#include "sys/stop_signal.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "sys/files.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;

namespace {

// Let go, it stops again by itself. A freezer that meets it on the way there waits for ever.
void await_stop(pid_t pid) {
  constexpr std::chrono::seconds kLimit{1};
  constexpr std::chrono::microseconds kPause{50};
  const std::string file = "/proc/" + std::to_string(pid) + "/stat";
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (!read_file(file).value_or(") T ").contains(") T ") &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(kPause);
}

}  // namespace

base::Result<int> stop_signal(pid_t pid) {
  const std::string name = "process " + std::to_string(pid);
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) {
    if (errno == ESRCH) return fail(ErrorCode::kGone, name + " has ended");
    if (errno == EPERM) return fail(ErrorCode::kDenied, name + " is traced, or may not be by us");
    return base::fail_errno(errno, "tracing " + name);
  }
  // One that runs would not stop by itself.
  if (::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0)
    return base::fail_errno(errno, "stopping " + name);
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0)
    if (errno != EINTR) return base::fail_errno(errno, "waiting for " + name);
  if (!WIFSTOPPED(status)) return fail(ErrorCode::kGone, name + " has ended");
  ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  if (WSTOPSIG(status) == SIGTRAP) return fail(ErrorCode::kBusy, name + " is not stopped");
  await_stop(pid);
  return WSTOPSIG(status);
}

}  // namespace reprise::sys
