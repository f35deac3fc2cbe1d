// SPDX-License-Identifier: Apache-2.0
//
// What people execute in a container (`podman exec`). It does not belong to the container's tree of
// processes, is in no checkpoint, and ends with the container.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <vector>

namespace reprise::container {

// Processes that were put into the container of `init`: in its cgroup and its mount and PID
// namespaces, without descending from it. None where it has no mount namespace of its own.
std::vector<pid_t> executed_processes(const std::filesystem::path& proc, pid_t init);

// Ends them, by SIGTERM and, for those that are left after `patience`, by SIGKILL; waits for both.
// What a server in the container had to do with them is over then, as after every stop.
void end_executed_processes(const std::filesystem::path& proc, pid_t init,
                            std::chrono::milliseconds patience);

}  // namespace reprise::container
