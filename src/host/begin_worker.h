// SPDX-License-Identifier: Apache-2.0
//
// How a session is begun so that somebody answers for it from the first moment on.
#pragma once

#include "base/result.h"
#include "host/layout.h"
#include "host/worker_link.h"
#include "sys/file_lock.h"

namespace reprise::host {

// Notes the request in the run directory, starts a worker, hands it the container's `lock`, and
// waits, bounded, for its guard. After success the session will be settled, whoever is killed.
// After an error nobody works on it and nothing of it is left: the caller is to do what was noted.
// kGone if the worker ended before that.
base::Result<WorkerLink> begin_worker(const Layout& layout, const WorkerRequest& request,
                                      const sys::FileLock& lock);

}  // namespace reprise::host
