// SPDX-License-Identifier: Apache-2.0
//
// Taking a checkpoint of a container that runs.
#pragma once

#include <string>

#include "base/result.h"
#include "host/message.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "podman/container_info.h"

namespace reprise::operations {

struct CheckpointWishes {
  std::string tag;   // of the checkpoint; empty: none
  bool end = false;  // the container ends once the checkpoint is safe
};

struct Checkpointed {
  podman::ContainerInfo container;  // as it was before
  host::Outcome outcome;
};

// Of one of our containers, by name or id; blocks until its session has ended, and, if the
// container is to end, until Podman has noticed. kInvalidInput for a tag that is no id, for a
// container that is not ours or does not run, or that Podman would start again at once; else what
// the session failed at, and then the container runs on.
base::Result<Checkpointed> create_checkpoint(const Node& node, const std::string& container,
                                             const CheckpointWishes& wishes, Progress& progress);

}  // namespace reprise::operations
