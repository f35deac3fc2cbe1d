// SPDX-License-Identifier: Apache-2.0
//
// reprised, the agent of a node: answers the runtime wrapper, and keeps the cluster's Checkpoints
// of the node's pods.
#pragma once

#include "sys/environment.h"

namespace reprise::daemon {

// Runs until SIGTERM or SIGINT. The exit status.
int run_daemon(int argc, char** argv, const sys::Environment& environment);

}  // namespace reprise::daemon
