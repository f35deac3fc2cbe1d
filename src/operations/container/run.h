// SPDX-License-Identifier: Apache-2.0
//
// Making a container that is checkpointed when it is stopped.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "podman/client.h"

namespace reprise::operations {

struct RunOutcome {
  int status = 0;      // Podman's own; 128 and the signal if one ended it
  std::string out;     // what it printed
  std::string new_id;  // of the container; empty if none was made, as by `--help`
};

// `podman run -d` with these arguments, under Reprise's runtime and opted in. kInvalidInput for
// arguments that would go wrong only when the container is stopped; errors as choose_runtime().
base::Result<RunOutcome> run_container(const Node& node, const std::vector<std::string>& arguments,
                                       podman::ErrorOutput podman_errors, Progress& progress);

// Keeps the command that made it, as record_container(). Success for one that is gone already: its
// command ended at once, and it had --rm.
base::Result<void> record_new_container(const Node& node, const std::string& id);

}  // namespace reprise::operations
