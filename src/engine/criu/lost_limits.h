// SPDX-License-Identifier: Apache-2.0
//
// Limits that a restore cannot give back. Without CAP_SYS_RESOURCE nobody may raise a hard limit,
// and CRIU does not say so: it leaves such a task with the soft and hard limit of whoever started
// the restore.
#pragma once

#include <sys/resource.h>

#include <array>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace reprise::engine {

// Hard limits by their numbers (RLIMIT_NOFILE, …).
using HardLimits = std::array<rlim64_t, RLIM_NLIMITS>;
HardLimits own_hard_limits();

// Which hard limits of the processes in the directory of CRIU's images lie above `ours`, as "open
// files (1048576, here 4096)"; empty if none does.
base::Result<std::string> limits_above(const std::filesystem::path& images, const HardLimits& ours);

}  // namespace reprise::engine
