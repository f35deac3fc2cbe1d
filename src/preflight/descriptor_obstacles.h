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

// Of the container's processes, for `proc` "/proc" only:
// * files, working directories and programs that a mount hides: they have no name to be opened by;
// * sockets with a BPF program, and netlink sockets that listen to groups above 32 or without an
//   address of their own;
// * an epoll that watches one opened file under several descriptors: all would be the first of
// them;
// * /dev/tty, opened by another process than the one that has the terminal itself open.
// Sockets are looked at through copies of their descriptors. What ends meanwhile is left out.
std::vector<Obstacle> examine_descriptors(const std::filesystem::path& proc, pid_t init,
                                          const std::vector<pid_t>& processes);

}  // namespace reprise::preflight
