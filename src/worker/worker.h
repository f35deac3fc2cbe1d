// SPDX-License-Identifier: Apache-2.0
//
// `reprise-worker`: one process per session (two, with its guard).
#pragma once

namespace reprise::worker {

// Without arguments: takes one request from fd kWorkerSocketFd, runs its session and reports.
// Returns the exit status: 0, or that of the ErrorCode.
int run_worker();

}  // namespace reprise::worker
