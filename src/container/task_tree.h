// SPDX-License-Identifier: Apache-2.0
//
// The processes of a container and their threads, as /proc tells.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::container {

// All processes that descend from `init`, itself first, in the host's pid namespace. `proc` is
// /proc, or a fake of it. What ends meanwhile is left out; processes that were put into the
// container from outside (`podman exec`) do not descend from init and are not found.
std::vector<pid_t> processes_of(const std::filesystem::path& proc, pid_t init);

// The threads of one process; none if it has ended.
std::vector<pid_t> threads_of(const std::filesystem::path& proc, pid_t process);

// The value of "NAME:\tvalue" in the text of a /proc/PID/status; empty if there is no such line.
std::string status_field(std::string_view status, std::string_view name);

// What people are told of a process: "process 12 (nginx)", only the pid where it has ended.
// `process`: its directory in a procfs.
std::string describe_process(const std::filesystem::path& process);

// The id of a thread in the innermost pid namespace that it lives in, from the text of its status;
// 0 if the kernel does not tell (before 4.1).
pid_t innermost_tid(std::string_view status);

}  // namespace reprise::container
