// SPDX-License-Identifier: Apache-2.0
//
// `reprise-worker`: one process per session (two, with its guard).
#pragma once

#include "sys/environment.h"

namespace reprise::worker {

// Without arguments: takes one request from fd kWorkerSocketFd, runs its session and reports.
// `verdict SOCKET`: CRIU's hook, when nobody answers it there; 0 if the tasks may end.
// `page NOTE`: see session::run_pager.
// `recover [SESSION]`: see session::settle_abandoned.
// Returns the exit status: 0, or that of the ErrorCode.
int run_worker(int argc, char** argv, const sys::Environment& environment);

}  // namespace reprise::worker
