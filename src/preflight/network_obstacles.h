// SPDX-License-Identifier: Apache-2.0
//
// Obstacles (obstacles.h) in the network of a container.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// What keeps the tree below `init` from being saved: network namespaces of its own making, TCP
// connections of link-local addresses, and UNIX sockets that are connected to somebody outside.
// Those of programs that people execute in it are left out, since these end when it does.
std::vector<Obstacle> examine_network(const std::filesystem::path& proc, pid_t init);

// Those of programs that people execute in it: for a checkpoint that lets them run on.
std::vector<Obstacle> examine_executed(const std::filesystem::path& proc, pid_t init);

}  // namespace reprise::preflight
