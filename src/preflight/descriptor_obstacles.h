// SPDX-License-Identifier: Apache-2.0
//
// What CRIU refuses of open files and sockets for where they lie or what was set on them, which
// their kind does not tell.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// Of the container's processes, for `proc` "/proc" only: hidden files, settings of sockets, epolls
// and terminals (descriptors/). What ends meanwhile is left out.
std::vector<Obstacle> examine_descriptors(const std::filesystem::path& proc, pid_t init,
                                          const std::vector<pid_t>& processes);

}  // namespace reprise::preflight
