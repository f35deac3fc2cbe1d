// SPDX-License-Identifier: Apache-2.0
//
// On which CPUs a thread may run.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::sys {

// "0-3,8" to {0,1,2,3,8}, as the kernel writes lists of CPUs. kInvalidInput for anything else, and
// for numbers beyond any kernel's (8191).
base::Result<std::vector<int>> parse_cpu_list(std::string_view text);

// Lets thread `tid` (of any process) run on the CPUs of the list only. CPUs that its cpuset does
// not allow are left out; kInvalidInput if none is left, and nothing changes then. kGone if there
// is no such thread.
base::Result<void> set_affinity(pid_t tid, std::string_view cpu_list);

}  // namespace reprise::sys
