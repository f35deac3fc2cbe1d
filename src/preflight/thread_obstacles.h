// SPDX-License-Identifier: Apache-2.0
//
// Threads and processes that share more or less with each other than usual: CRIU restores a thread
// with everything that its process has, and a process with nothing of another's but descriptors.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// Of `processes`, those of `init`'s tree: one obstacle for each process at most. A few system calls
// per thread; asks the kernel, so `proc` must be the true procfs.
std::vector<Obstacle> examine_threads(const std::filesystem::path& proc,
                                      const std::vector<pid_t>& processes);

}  // namespace reprise::preflight
