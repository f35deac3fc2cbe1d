// SPDX-License-Identifier: Apache-2.0
//
// reprise-node: puts Reprise on a node of Kubernetes, and takes it away. It is started in a
// privileged pod of the node, in the host's pid namespace, with the bundle beside it; or on the
// host itself.
#pragma once

#include "sys/environment.h"

namespace reprise::install {

// `install`, `remove` or `stay` (until SIGTERM: what keeps the pod alive). The exit status.
int run_node_program(int argc, char** argv, const sys::Environment& environment);

}  // namespace reprise::install
