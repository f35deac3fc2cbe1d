// SPDX-License-Identifier: Apache-2.0
//
// Following a worker to its outcome.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/cli.h"
#include "host/message.h"
#include "host/worker_link.h"

namespace reprise::cli {

// Blocks until the worker says how it ended, showing its phases on a terminal behind `what`.
// Returns the outcome of success; a failure is an error with the worker's code, reason and hint.
// kGone if the worker ended without a word.
base::Result<host::Outcome> follow(host::WorkerLink& link, const base::SessionId& session,
                                   const std::string& what, Io& io);

// The error that a failed outcome stands for.
base::Error error_of(const host::Outcome& outcome, const base::SessionId& session);

}  // namespace reprise::cli
