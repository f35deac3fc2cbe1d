// SPDX-License-Identifier: Apache-2.0
//
// The cgroup of a container, on cgroup v2 and on v1 (also where both are mounted).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace reprise::container {

// Refers to directories that belong to runc; may be used after they are gone (kGone or kNotFound).
class Cgroup {
 public:
  // `paths`: controller to directory, as in runc's state: "freezer", "cpuacct", … on v1, "" on v2.
  explicit Cgroup(std::map<std::string, std::string> paths) : paths_(std::move(paths)) {}

  // Whether its tasks are kept from running (v1: any state but THAWED; v2: cgroup.freeze is 1).
  [[nodiscard]] base::Result<bool> is_frozen() const;
  // The same, and false where the cgroup is gone: nothing stands still there.
  [[nodiscard]] base::Result<bool> holds_tasks() const;
  [[nodiscard]] bool has_v1_freezer() const { return find("freezer") != nullptr; }
  // Keeps them from running, and waits until the kernel says that all stand still. kBusy after
  // `timeout` (a task in uninterruptible sleep); then, as after any error, nothing is frozen.
  // Whoever froze must thaw.
  [[nodiscard]] base::Result<void> freeze(std::chrono::milliseconds timeout) const;
  // As freeze(), but returns at once: those that run stop at their next way out of the kernel, and
  // those that a tracer holds stay where they are when it lets go of them.
  [[nodiscard]] base::Result<void> begin_freeze() const { return write_freezer("FROZEN", "1"); }
  // Moves a process that is in it to the caller's own cgroup, out of the freezer's
  // reach; no other process is touched. One that has ended is success.
  [[nodiscard]] base::Result<void> expel(pid_t pid) const;
  // Ends all of its tasks, those of nested cgroups included. Meant for tasks that are frozen, of
  // which none runs again: others may be starting new ones meanwhile. They end in a moment, unless
  // a tracer keeps them. After an error some may have been sent SIGKILL, and what was frozen still
  // is.
  [[nodiscard]] base::Result<void> end_frozen() const;
  // Lets them run. A cgroup that is not frozen, or gone, is success.
  [[nodiscard]] base::Result<void> thaw() const;
  // The same because of `error`, to which is added what fails in that.
  [[nodiscard]] base::Error thaw_after(base::Error error) const;
  // The CPUs that its tasks may use, as the kernel writes lists ("0-3,8"): those of the host where
  // no cpuset limits them.
  [[nodiscard]] base::Result<std::string> allowed_cpus() const;
  // CPU time used by all tasks that ever were in it, microseconds.
  [[nodiscard]] base::Result<std::int64_t> cpu_time_us() const;
  // Memory that is shared or lies in a tmpfs, and has no file on a disk: bytes.
  [[nodiscard]] base::Result<std::uint64_t> shared_memory_bytes() const;

 private:
  [[nodiscard]] base::Result<bool> stands_still() const;
  [[nodiscard]] base::Result<void> kill_all() const;
  [[nodiscard]] base::Result<void> write_freezer(const char* v1_state, const char* v2_state) const;
  [[nodiscard]] const std::string* find(const std::string& controller) const;
  std::map<std::string, std::string> paths_;
};

}  // namespace reprise::container
