// SPDX-License-Identifier: Apache-2.0
//
// What a container shares with others, the members of a pod, and cannot be shared with them any
// more after a restore: each would have a copy of its own, and nobody would notice.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// Processes of other containers in the IPC namespace of `init`, where that is not the caller's.
// Those of its own container, also people's who execute something in it, are told by their cgroup,
// whatever namespaces they have made for themselves. `sandbox`: the id of its pod's sandbox, which
// only keeps the namespaces and is no other; empty: it has none.
std::vector<pid_t> others_sharing(const std::filesystem::path& proc, pid_t init,
                                  const std::string& sandbox);

// For the container of `init`. Looks at others only if it shares an IPC namespace that is not the
// caller's, and then runs nsenter; else costs a look at each process of `proc`.
std::vector<Obstacle> examine_sharing(const std::filesystem::path& proc, pid_t init,
                                      const std::string& sandbox);

}  // namespace reprise::preflight
