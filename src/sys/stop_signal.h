// SPDX-License-Identifier: Apache-2.0
//
// By which signal a process was stopped, which the kernel tells its parent and its tracer only.
#pragma once

#include <sys/types.h>

#include "base/result.h"

namespace reprise::sys {

// SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU. The process, which must be stopped and not be frozen, is
// traced for a moment, and stays stopped. kBusy if it runs, kGone if it has ended, kDenied if it is
// traced already.
base::Result<int> stop_signal(pid_t pid);

}  // namespace reprise::sys
