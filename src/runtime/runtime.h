// SPDX-License-Identifier: Apache-2.0
//
// `reprise-runtime`: an OCI runtime that turns a stop into a checkpoint and a create into a resume,
// and passes everything else to runc.
#pragma once

#include "sys/environment.h"

namespace reprise::runtime {

// Handles one call. Returns the exit status, or does not return where the call becomes runc's
// (exec). Whatever goes wrong in our own part, the call ends as it would have with plain runc.
int run_runtime(int argc, char** argv, const sys::Environment& environment);

}  // namespace reprise::runtime
