// SPDX-License-Identifier: Apache-2.0
//
// Room for a restore in a container's limit of processes. CRIU works in the container's cgroup, and
// has helpers of its own beside what it restores: a container that used its limit to the full could
// not come back. Part of `criu-hook`, so the C library only.
#pragma once

namespace reprise::engine::hook {

// Lifts the limit of the cgroup in which the caller lives, after writing into `note`: the file of
// the limit, a line break, the limit. Does nothing where there is no limit, or it cannot be noted.
void lift_pids_limit(const char* note);

// Puts back what `note` says, and removes it. Tasks that exceed the limit stay, as ever on Linux.
void put_pids_limit_back(const char* note);

}  // namespace reprise::engine::hook
