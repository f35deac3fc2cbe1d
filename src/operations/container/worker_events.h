// SPDX-License-Identifier: Apache-2.0
//
// Following a worker to its outcome.
#pragma once

#include <string>

#include "base/result.h"
#include "host/message.h"
#include "host/worker_link.h"
#include "operations/progress.h"

namespace reprise::operations {

// Blocks until the worker says how it ended; its phases are the steps of the work `what`.
// Returns the outcome of success; a failure is an error with the worker's code, reason and hint.
// kGone if the worker ended without a word.
base::Result<host::Outcome> follow(host::WorkerLink& link, const base::SessionId& session,
                                   const std::string& what, Progress& progress);

// The error that a failed outcome stands for.
base::Error error_of(const host::Outcome& outcome, const base::SessionId& session);

}  // namespace reprise::operations
