// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/orphaned_helpers.h"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <string>

#include "base/log.h"
#include "container/task_tree.h"
#include "engine/criu/tools.h"
#include "sys/files.h"

namespace reprise::engine {

namespace {

constexpr std::chrono::seconds kInterval{1};

std::string status_of(pid_t pid) {
  return sys::read_file("/proc/" + std::to_string(pid) + "/status").value_or("");
}

// 0 if that is not known, or nobody.
pid_t parent_in(const std::string& status) {
  const std::string field = container::status_field(status, "PPid");
  pid_t parent = 0;
  std::from_chars(field.data(), field.data() + field.size(), parent);
  return parent;
}

bool is_above_us(pid_t pid) {
  for (pid_t above = ::getppid(); above != 0; above = parent_in(status_of(above)))
    if (above == pid) return true;
  return false;
}

// What lost its parent has one above us, who takes orphans: our guard, or init. So this is known,
// and not only that no parent was found.
bool is_stopped_orphan(pid_t pid, pid_t runc) {
  const std::string status = status_of(pid);
  return container::status_field(status, "State").starts_with('T') &&
         ::getsid(pid) == ::getsid(runc) && is_above_us(parent_in(status));
}

}  // namespace

void OrphanedHelpers::look() {
  const auto now = std::chrono::steady_clock::now();
  if (looked_ && now - *looked_ < kInterval) return;
  looked_ = now;
  for (const sys::ProcessRef& tool : tool_processes(work_dir_)) {
    if (!is_stopped_orphan(tool.pid, runc_)) continue;
    const auto pidfd = sys::open_pidfd(tool.pid);
    // Asked again with the pidfd open: the pid may have been given to another. And CRIU itself is
    // an orphan once runc is gone.
    const auto runc = sys::process_ref(runc_);
    if (!pidfd || !sys::is_alive(tool) || !runc || !sys::is_alive(*runc)) continue;
    base::log(base::LogLevel::kWarn, "CRIU was killed, ending a child that it left stopped",
              {{"pid", std::to_string(tool.pid)}});
    base::warn_and_ignore(sys::send_signal(*pidfd, SIGKILL), "runc may wait for long");
  }
}

}  // namespace reprise::engine
