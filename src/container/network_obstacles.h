// SPDX-License-Identifier: Apache-2.0
//
// Obstacles (obstacles.h) in the network of a container.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "container/obstacles.h"

namespace reprise::container {

// What keeps the tree below `init` from being saved: network namespaces of its own making, and TCP
// connections of link-local addresses.
std::vector<Obstacle> examine_network(const std::filesystem::path& proc, pid_t init);

}  // namespace reprise::container
