// SPDX-License-Identifier: Apache-2.0
//
// What is peculiar to a task or a connection, and would be lost without a word, or found only by
// the restore: what CRIU does not look at.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// Of `processes`, those of `init`'s tree. Asks the kernel, so `proc` must be the true procfs;
// otherwise there is nothing to find.
std::vector<Obstacle> examine_tasks(const std::filesystem::path& proc, pid_t init,
                                    const std::vector<pid_t>& processes);

}  // namespace reprise::preflight
