// SPDX-License-Identifier: Apache-2.0
//
// Other processes, by names that cannot be reused: pidfds, and pid + start time on disk.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sys/files.h"

namespace reprise::sys {

// A process as it can be written down: the pid alone is reused, together with the start time
// (field 22 of /proc/PID/stat, clock ticks since boot) and the boot id it is not.
struct ProcessRef {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  bool operator==(const ProcessRef&) const = default;
};

// kGone if there is no such process.
Result<ProcessRef> process_ref(pid_t pid);
// Whether exactly this process still exists (a zombie counts as gone).
bool is_alive(const ProcessRef& process);

// This boot of the kernel, from /proc/sys/kernel/random/boot_id.
Result<std::string> boot_id();

// Opens a pidfd; kGone if the process has ended.
Result<UniqueFd> open_pidfd(pid_t pid);
// A descriptor of another process, duplicated into this one (pidfd_getfd(2), Linux 5.6). kGone if
// the process has ended.
Result<UniqueFd> copy_descriptor(pid_t pid, int fd);
Result<void> send_signal(const UniqueFd& pidfd, int signal);

// "15", "TERM" or "SIGTERM" to 15, in either case, as runc takes them. kInvalidInput otherwise.
Result<int> parse_signal(std::string_view text);

// Whether this process holds CAP_SYS_RESOURCE (bit 24 of CapEff).
bool has_cap_sys_resource();

}  // namespace reprise::sys
