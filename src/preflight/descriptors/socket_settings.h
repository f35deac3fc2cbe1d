// SPDX-License-Identifier: Apache-2.0
//
// Sockets with a BPF program, and netlink sockets that listen to groups above 32 or without an
// address of their own (criu/sockets.c, dump_socket_filter; criu/sk-netlink.c).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// Looks at copies of the descriptors. `seen`: sockets that need not be looked at again.
void judge_sockets(const std::filesystem::path& proc, pid_t pid, std::set<std::string>& seen,
                   std::vector<Obstacle>& found);

}  // namespace reprise::preflight
